"""Whether a heat map can be trusted: does it hang on what the network learned, and do the hot places matter to the answer.

A map that passes is not thereby right; a map that fails must not be read as evidence.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from core.explain.cam import explain
from core.explain.layers import find, name_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.data.threads import Progress
    from core.explain.heatmap import HeatMap

ALIKE, UNLIKE = 0.7, 0.4
"""Rank correlation from which on two maps look the same, and below which they look different. A convention: read the figure too."""


@dataclass(frozen=True)
class Stage:
    """The map once the top of the network has random weights again. Similarities are means over the draws."""

    randomised: float  # share of the layers that hold weights, from the top
    down_to: str  # path of the last layer made random
    spearman: float  # of the values, −1 … 1; without draws whose map is constant (empty), NaN where all are
    ssim: float  # of the maps scaled and enlarged as they are drawn, up to 1
    heat: HeatMap  # of the first draw


@dataclass(frozen=True)
class Randomisation:
    """A map beside those of ever more random networks; the last stage has no trained layer left."""

    heat: HeatMap
    stages: tuple[Stage, ...]

    @property
    def reading(self) -> str:
        """What it means, in a sentence."""
        if not self.heat.has_evidence:
            return "The map is empty: there is nothing to check."
        alike = self.stages[-1].spearman
        if np.isnan(alike):
            return "With random weights the map says nothing at all: it hangs on what the network learned."
        if alike >= ALIKE:
            return "The map hardly changes although the network knows nothing: do not read it as evidence."
        if alike >= UNLIKE:
            return "The map changes only in part when the network knows nothing: read it with suspicion."
        return "With random weights the map is another one: it hangs on what the network learned. That does not make it right."


def randomised(
    model: nn.Module,
    layer: nn.Module | str,
    x: torch.Tensor,
    class_index: int,
    lock: Lock,
    method: str = "gradcam",
    *,
    stages: int = 4,
    draws: int = 3,
    seed: int = 0,
    progress: Progress | None = None,
) -> Randomisation:
    """The cascading randomisation test of Adebayo et al. 2018: maps of a copy whose layers are made random again, from the top down.

    Args:
        x: float32 [1, 1, S, S]; the other arguments and the errors are those of `cam.explain`.
        stages: steps from the whole network to none of it.
        draws: random networks; one alone can resemble the trained one's map by chance.
        progress: told of the maps done and the maps in all.
    """
    import torch

    name = name_of(model, layer)
    heat = explain(model, find(model, layer), x, class_index, lock, method)
    found: list[list[tuple[str, HeatMap]]] = []
    for draw in range(draws):
        with lock:  # else another thread's hook would be copied as well
            copied = copy.deepcopy(model)
        own, row = Lock(), []
        groups = _from_the_top(copied, stages)
        for number, group in enumerate(groups, start=1):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed + 1000 * draw + number)
                for _, module in group:
                    _make_random(module)
            row.append((group[-1][0], explain(copied, find(copied, name), x, class_index, own, method)))
            if progress:
                progress(draw * len(groups) + number, draws * len(groups))
        found.append(row)
    rows = list(zip(*found, strict=True))
    return Randomisation(heat, tuple(_stage(heat, row, number / len(rows), x.shape[-1]) for number, row in enumerate(rows, start=1)))


def _stage(heat: HeatMap, row: Sequence[tuple[str, HeatMap]], share: float, size: int) -> Stage:
    """One stage's maps, one a draw, against the trained network's."""
    drawn = heat.scaled(size, size)
    ranks = [rank for _, other in row if not np.isnan(rank := spearman(heat.values, other.values))]
    return Stage(
        randomised=share,
        down_to=row[0][0],
        spearman=float(np.mean(ranks)) if ranks else np.nan,
        ssim=float(np.mean([ssim(drawn, other.scaled(size, size)) for _, other in row])),
        heat=row[0][1],
    )


def _from_the_top(model: nn.Module, stages: int) -> list[list[tuple[str, nn.Module]]]:
    """Modules that hold weights of their own, with their paths, the last of the network first, in `stages` groups."""
    holders = [(path, module) for path, module in model.named_modules() if next(module.parameters(recurse=False), None) is not None]
    order = np.array_split(np.arange(len(holders))[::-1], min(stages, len(holders)))
    return [[holders[index] for index in group] for group in order]


def _make_random(module: nn.Module) -> None:
    """Initialise as torch does; values that a library added without saying how they start change places."""
    import torch

    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
        return
    with torch.no_grad():
        for values in module.parameters(recurse=False):
            values.copy_(values.flatten()[torch.randperm(values.numel())].view_as(values))


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Rank correlation of two maps of the same shape; NaN where one is constant."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of two pictures in 0…1 (Wang et al. 2004, with its Gaussian window of 1.5 pixels), up to 1."""
    from scipy.ndimage import gaussian_filter

    def mean(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, 1.5, truncate=3.5)

    one, other = one.astype(np.float64), other.astype(np.float64)
    a, b, c1, c2 = mean(one), mean(other), 0.01**2, 0.03**2
    variances = mean(one * one) - a * a + mean(other * other) - b * b
    covariance = mean(one * other) - a * b
    return float(np.mean((2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (variances + c2))))
