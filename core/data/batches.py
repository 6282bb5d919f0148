"""Batches on the device: gather, augment, scale. Every image gets its own draw; the draw depends on (seed, epoch) alone.

Augmentation is one affine resampling (rotation, zoom, shift, flip) and one change of exposure a batch, on the device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Augmentation:
    """Largest changes; the draw is uniform up to them. All zero: no augmentation."""

    rotation: float = 0.0  # degrees, either way
    zoom: float = 0.0  # share of the size, in or out
    shift: float = 0.0  # share of the size, each axis, either way
    flip: bool = False  # left-right, half of the images; a flipped chest has its heart on the wrong side
    brightness: float = 0.0  # of the full range, added
    contrast: float = 0.0  # share, multiplied around the image's own mean
    crop: float = 0.0  # share by which the image is enlarged before a random part of the input's size is cut out
    noise: float = 0.0  # standard deviation of normal noise, of the full range
    only: tuple[int, ...] = ()  # class indices whose images are changed; empty: all


@dataclass(frozen=True)
class Feed:
    """The images of one part: `images` uint8 [all, S, S] (a memory map is fine), `labels` int64 [all], `rows` those that belong."""

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    batch_size: int
    device: torch.device

    def __len__(self) -> int:
        return len(self.rows)

    def steps(self) -> int:
        """Batches a training epoch."""
        return steps(len(self), self.batch_size)

    def in_order(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Every image once, as stored: x float32 [batch, 1, S, S] in 0…1, y int64 [batch]."""
        for start in range(0, len(self), self.batch_size):
            yield self._gather(self.rows[start : start + self.batch_size])

    def shuffled(self, augmentation: Augmentation, seed: int, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch of training batches, in an order and with draws that (seed, epoch) decide; shapes as `in_order`."""
        generator = torch.Generator().manual_seed(stream(seed, epoch))
        order = self.rows[torch.randperm(len(self), generator=generator).numpy()]
        for step in range(self.steps()):
            x, y = self._gather(order[step * self.batch_size : (step + 1) * self.batch_size])
            changed = augment(x, augmentation, generator)
            if augmentation.only:
                chosen = torch.isin(y, torch.tensor(augmentation.only, device=y.device))
                changed = torch.where(chosen.view(-1, 1, 1, 1), changed, x)
            yield changed, y

    def _gather(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.from_numpy(np.ascontiguousarray(self.images[rows])).to(self.device, non_blocking=True)
        y = torch.from_numpy(self.labels[rows]).to(self.device, non_blocking=True)
        return to_unit(x), y


def steps(images: int, batch_size: int) -> int:
    """Batches in an epoch of `images`: a last batch of a single image is left out, since batch normalisation cannot use it."""
    full, rest = divmod(images, batch_size)
    return full + (rest > 1 or (rest == 1 and full == 0))


def to_unit(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 [batch, S, S] → float32 [batch, 1, S, S] in 0…1: the form in which every model here takes its input."""
    return pixels.unsqueeze(1).float().div_(255)


def stream(seed: int, epoch: int) -> int:
    """A generator's seed for one epoch, so that going on at epoch n needs no stored generator state."""
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0] >> 1)


def augment(x: torch.Tensor, change: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """`x` float32 [batch, 1, S, S] in 0…1 → the same shape and range, changed image by image. `generator` lives on the CPU."""
    if change == Augmentation():
        return x
    batch = x.shape[0]

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * limit

    matrices = affine(
        angle=uniform(math.radians(change.rotation)),
        scale=(1 + uniform(change.zoom)) * (1 + change.crop),
        shift=torch.stack([uniform(change.shift + change.crop / 2), uniform(change.shift + change.crop / 2)], dim=1),
        flip=(torch.rand(batch, generator=generator) < 0.5) & change.flip,
    )
    gain, offset = 1 + uniform(change.contrast), uniform(change.brightness)
    if change.rotation or change.zoom or change.shift or change.crop or change.flip:
        grid = F.affine_grid(matrices.to(x.device), list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    gain, offset = (value.to(x.device).view(-1, 1, 1, 1) for value in (gain, offset))
    x = (x - mean) * gain + mean + offset
    if change.noise:
        x = x + change.noise * torch.randn(x.shape, generator=generator).to(x.device)
    return x.clamp_(0, 1)


def with_fixed_copies(images: np.ndarray, rows: np.ndarray, change: Augmentation, seed: int) -> np.ndarray:
    """A copy of `images` in which `rows` are changed, each once and for all. uint8 [all, S, S]"""
    result = np.array(images)
    generator = torch.Generator().manual_seed(stream(seed, 0))
    for row in rows:
        x = augment(to_unit(torch.from_numpy(result[row : row + 1])), change, generator)
        result[row] = (x[0, 0] * 255).round().byte().numpy()
    return result


def affine(angle: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Output → input maps for `affine_grid`, float32 [batch, 2, 3].

    Args:
        angle: radians, counter-clockwise as seen. [batch]
        scale: > 1 enlarges. [batch]
        shift: to the right and down, as a share of the size. [batch, 2]
        flip: left-right, before all else. [batch]
    """
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    linear = torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)
    offset = -(linear @ (2 * shift).unsqueeze(2))  # the grid runs from -1 to 1, so a share of the size counts twice
    mirror = torch.where(flip, -1.0, 1.0).view(-1, 1, 1)
    matrices = torch.cat([linear, offset], dim=2)
    return torch.cat([matrices[:, :1] * mirror, matrices[:, 1:]], dim=1)
