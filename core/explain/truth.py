"""Heat maps against lesions whose place is known, method by method. On the synthetic phantom the place is known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UnusableData
from core.explain import places
from core.explain.cam import explain_many
from core.explain.methods import METHODS

if TYPE_CHECKING:
    from torch import nn

    from core.data.threads import Progress

BATCH = 16  # images a pass
FAST = tuple(name for name, method in METHODS.items() if not method.slow and name != "cam")  # cam: not for every network


@dataclass(frozen=True)
class Score:
    """How well a method's maps meet the lesions of `images` images. Empty maps count as misses, with no heat and no overlap."""

    method: str
    images: int
    hits: int  # of the pointing game
    hit_rate: float
    low: float  # 95 % interval of the hit rate (Wilson 1927), as if images were independent
    high: float
    heat_inside: float  # mean share of the heat that lies in the lesion
    overlap: float  # mean intersection over union, at the lesion's own area
    empty: int  # maps without positive evidence
    area: float  # mean share of the image that is lesion: hit rate and heat of a map that knows nothing


def against_truth(
    model: nn.Module,
    layer: nn.Module | str,
    images: np.ndarray,
    masks: np.ndarray,
    class_indices: Sequence[int],
    lock: Lock,
    methods: Sequence[str] = FAST,
    *,
    progress: Progress | None = None,
) -> list[Score]:
    """One score a method, in the order given; images without a lesion are left out.

    Args:
        model, layer, lock: as for `cam.explain`.
        images: as the network sees them, uint8 [n, S, S].
        masks: true lesions, fitted as the images were (`places.fit_mask`), bool [n, S, S].
        class_indices: whose evidence is looked for, as a rule each image's true class. int [n]
        progress: told of the maps done and the maps in all.

    Raises:
        UnusableData: no mask has a lesion, or there are not as many masks and classes as images.
        UnknownName, InvalidSpec: as `cam.explain_many`.
    """
    if not len(images) == len(masks) == len(class_indices) or images.shape != masks.shape:
        received = f"images {list(images.shape)}, masks {list(masks.shape)}, {len(class_indices)} classes"
        raise UnusableData("Heat maps are compared with one mask of the same size for each image.", received, "Fit the masks.")
    marked = np.flatnonzero(masks.any(axis=(1, 2)))
    if not len(marked):
        raise UnusableData("Heat maps are compared with lesions.", "no image with a lesion", "Choose images that have one.")
    indices, found = np.asarray(class_indices), []
    for number, method in enumerate(methods):
        rows: list[tuple[bool, float, float, bool]] = []
        for part in np.split(marked, range(BATCH, len(marked), BATCH)):
            rows += _measured(model, layer, images[part], masks[part], indices[part].tolist(), lock, method)
            if progress:
                progress(number * len(marked) + len(rows), len(methods) * len(marked))
        found.append(_score(method, rows, float(masks[marked].mean())))
    return found


def _measured(
    model: nn.Module, layer: nn.Module | str, images: np.ndarray, masks: np.ndarray, indices: list[int], lock: Lock, method: str
) -> list[tuple[bool, float, float, bool]]:
    """(hit, heat inside, overlap, has evidence) of each image."""
    import torch

    from core.data.batches import to_unit

    device = next(model.parameters()).device
    heats = explain_many(model, layer, to_unit(torch.from_numpy(images)).to(device), indices, lock, method)
    return [
        (places.points_inside(heat, mask), places.heat_inside(heat, mask).heat, places.overlap(heat, mask), heat.has_evidence)
        for heat, mask in zip(heats, masks, strict=True)
    ]


def _score(method: str, rows: list[tuple[bool, float, float, bool]], area: float) -> Score:
    from scipy.stats import binomtest

    hits, inside, overlaps, evidence = (np.array(column) for column in zip(*rows, strict=True))
    count = int(hits.sum())
    interval = binomtest(count, len(rows)).proportion_ci(0.95, method="wilson")
    return Score(
        method=method,
        images=len(rows),
        hits=count,
        hit_rate=count / len(rows),
        low=float(interval.low),
        high=float(interval.high),
        heat_inside=float(np.nan_to_num(inside).mean()),
        overlap=float(overlaps.mean()),
        empty=int((~evidence).sum()),
        area=area,
    )
