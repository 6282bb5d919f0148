"""How alike two pictures are once one is shifted and stretched onto the other: arrays in, correlations out. It knows no files.

A picture is a thumbnail, uint8 [SIDE, SIDE]. Only its detail counts (what remains without broad shades), away from its edges, where a
filter sees what is not there. A placement is (shift, stretch) across and (shift, stretch) down, in halves of the side: float [pairs, 4].
"""

from __future__ import annotations

import numpy as np

_SIGMA = 2.0  # pixels, at every level: broader shades are removed
_MARGIN = 3  # pixels left out along the edges where pictures are laid over each other
_RIM = 2  # the same for the linear model, which has few pixels to spare
_COARSEST = 16  # pixels: side at which the linear model works
_FLAT = 1.0  # greys: a picture whose detail deviates less than that has none
_LARGEST = 0.25  # of half the side: no copy is shifted or stretched by more


def has_detail(thumbs: np.ndarray) -> np.ndarray:
    """Whether there is anything to compare. uint8 [images, SIDE, SIDE] → bool [images]"""
    return _inner(_detail(thumbs, _COARSEST)).std(axis=1) >= _FLAT


def pictures(thumbs: np.ndarray, side: int = _COARSEST) -> np.ndarray:
    """Detail at `side` px with mean 0 and length 1. uint8 [images, SIDE, SIDE] → float32 [images, values]"""
    values = _inner(_detail(thumbs, side))
    values -= values.mean(axis=1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)


def tangents(thumbs: np.ndarray) -> np.ndarray:
    """All that small shifts and stretches make of a picture, as an orthonormal basis: its tangent plane. float32 [images, 5, values]

    The squared length of one of `pictures` projected on it is the share of that picture which it explains.
    """
    detail = _detail(thumbs, _COARSEST)
    columns = np.stack([detail, *_moved(detail)], axis=1)
    values = np.stack([_inner(columns[:, number]) for number in range(columns.shape[1])], axis=2)
    values -= values.mean(axis=1, keepdims=True)
    return np.ascontiguousarray(np.linalg.qr(values)[0].transpose(0, 2, 1))


def coarse(fixed: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay each of `fixed` onto its `other` at 16 and 32 px: placements, and the correlation of the detail there. float [pairs]"""
    placement = np.zeros((len(fixed), 4), np.float32)
    for side, steps in ((_COARSEST, 4), (32, 3)):
        placement, correlation = _aligned(fixed, other, placement, side, steps)
    return placement, correlation


def fine(fixed: np.ndarray, other: np.ndarray, placement: np.ndarray) -> np.ndarray:
    """Correlation of the detail at full size, from the placements that `coarse` found. float [pairs]"""
    return _aligned(fixed, other, placement, fixed.shape[-1], 3)[1]


def _aligned(fixed: np.ndarray, other: np.ndarray, placement: np.ndarray, side: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    fixed, other = _detail(fixed, side), _detail(other, side)
    for _ in range(steps):
        placement = _improved(fixed, other, placement)
    placed, seen = _placed(fixed, placement)
    return placement, _correlation(placed, other, seen)


def _detail(thumbs: np.ndarray, side: int) -> np.ndarray:
    """Means of equal blocks without their broad shades. float32 [images, side, side]"""
    from scipy.ndimage import gaussian_filter

    block = thumbs.shape[-1] // side
    # A sum of strided views: many times as quick as the mean over two axes of a reshaped array.
    small = sum(thumbs[:, i::block, j::block].astype(np.float32) for i in range(block) for j in range(block)) / block**2
    return small - gaussian_filter(small, (0, _SIGMA, _SIGMA))


def _inner(values: np.ndarray) -> np.ndarray:
    """Without the rim, flat. float32 [images, values]"""
    return values[:, _RIM:-_RIM, _RIM:-_RIM].reshape(len(values), -1)


def _moved(values: np.ndarray) -> list[np.ndarray]:
    """How a picture changes as it is shifted and stretched across, and down. float32 [images, side, side] each"""
    side = values.shape[-1]
    place = np.linspace(-1, 1, side, dtype=np.float32)
    down, across = np.gradient(values, 2 / (side - 1), axis=(1, 2))
    return [across, across * place, down, down * place[:, np.newaxis]]


def _placed(values: np.ndarray, placement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`values` shifted and stretched, bilinear; and where that is to be compared. float32 and bool [pairs, side, side]"""
    side = values.shape[-1]
    place, limit = np.linspace(-1, 1, side, dtype=np.float32), 1 - 2 * _MARGIN / (side - 1) + 1e-6
    weights, seen = [], []
    for shift in (0, 2):
        taken = (1 + placement[:, shift + 1, np.newaxis]) * place + placement[:, shift, np.newaxis]
        seen.append((np.abs(taken) <= limit) & (np.abs(place) <= limit))
        pixel = (taken + 1) * ((side - 1) / 2)
        weights.append(np.maximum(0, 1 - np.abs(pixel[:, :, np.newaxis] - np.arange(side, dtype=np.float32))))
    across, down = weights
    return down @ values @ across.transpose(0, 2, 1), seen[1][:, :, np.newaxis] & seen[0][:, np.newaxis, :]


def _improved(fixed: np.ndarray, other: np.ndarray, placement: np.ndarray) -> np.ndarray:
    """One Gauss-Newton step towards the placement where `fixed`, its contrast and brightness free, is `other`."""
    placed, seen = _placed(fixed, placement)
    columns = np.stack([placed, np.ones_like(placed), *_moved(placed)], axis=1) * seen[:, np.newaxis]
    columns = columns.reshape(len(fixed), 6, -1)
    normal = columns @ columns.transpose(0, 2, 1)
    diagonal = np.arange(6)
    normal[:, diagonal, diagonal] = normal[:, diagonal, diagonal] * 1.0001 + 1e-6  # solvable whatever the picture
    found = np.linalg.solve(normal, columns @ (other * seen).reshape(len(fixed), -1, 1))[..., 0]
    step = found[:, 2:] / np.maximum(found[:, :1], 0.3)  # a contrast near 0 would throw the placement far away
    return np.clip(placement + np.clip(step, -0.1, 0.1), -_LARGEST, _LARGEST)


def _correlation(first: np.ndarray, second: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Pearson's, over the pixels `seen`. float [pairs]"""
    count = seen.sum(axis=(1, 2), keepdims=True)
    a, b = ((values - (values * seen).sum(axis=(1, 2), keepdims=True) / count) * seen for values in (first, second))
    return (a * b).sum(axis=(1, 2)) / np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)) + 1e-9)
