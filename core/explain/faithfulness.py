"""Do the hot places matter to the answer? The image is taken away, or given back, hottest places first.

Deletion and insertion (Petsiuk et al. 2018: RISE), and ROAD (Rong et al. 2022). The model's lock is held for one small batch at a time,
so that an answer asked for meanwhile waits for that batch at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from core.explain.heatmap import HeatMap
from core.explain.methods import METHODS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.data.threads import Progress

STEPS, ORDERS, BATCH = 10, 9, 4  # parts of the image; random orders to compare with; images a pass
SHARES = (20, 40, 60, 80)  # percent of the places that ROAD replaces
NOISE = 0.01  # its standard deviation on replaced places, of greys in 0…1
RANDOM_MAPS = 3  # that ROAD is also asked about
MATTERS = "hot places matter more"


@dataclass(frozen=True)
class Curve:
    """The class's probability after each share of the image, hottest places first. float64 [STEPS + 1] each"""

    shares: np.ndarray
    probabilities: np.ndarray

    @property
    def area(self) -> float:
        """Under the curve, 0…1."""
        return float(np.trapezoid(self.probabilities, self.shares))

    @property
    def line(self) -> tuple[list[float], list[float]]:
        """x and y, as figures take them."""
        return self.shares.tolist(), self.probabilities.tolist()


@dataclass(frozen=True)
class Faithfulness:
    """Curves of a map, and those where the map's cells stand in random order: without these no area means anything."""

    deletion: Curve  # the less area the better: the probability falls as soon as the hot places go
    insertion: Curve  # the more area the better
    deletions_at_random: tuple[Curve, ...]
    insertions_at_random: tuple[Curve, ...]

    @property
    def random_deletions(self) -> tuple[float, ...]:
        """Areas."""
        return tuple(curve.area for curve in self.deletions_at_random)

    @property
    def random_insertions(self) -> tuple[float, ...]:
        """Areas."""
        return tuple(curve.area for curve in self.insertions_at_random)

    @property
    def reading(self) -> str:
        """What it means, in a sentence. A map that knows nothing beats all random orders of one test with a chance of 1 in ORDERS + 1."""
        better = (self.deletion.area < min(self.random_deletions)) + (self.insertion.area > max(self.random_insertions))
        if better == 2:
            return "Hot places matter more to the answer than places chosen at random, whether they are taken away or given back."
        if better == 1:
            return "Hot places matter more than random ones in one of the two tests alone: the map is weak evidence."
        return "Hot places matter no more to the answer than places chosen at random: do not read the map as evidence."


def faithfulness(
    model: nn.Module, x: torch.Tensor, heat: HeatMap, class_index: int, lock: Lock, *, seed: int = 0, progress: Progress | None = None
) -> Faithfulness:
    """Deletion and insertion curves of `heat` on the image x, float32 [1, 1, S, S].

    Deleted places get the image's mean grey. Insertion starts from the image blurred by S / 20 pixels (RISE blurs by 5 at 224, which
    leaves a chest X-ray readable). Places equally hot come in random order.

    Raises:
        InvalidSpec: no such class.
    """
    rng, size = np.random.default_rng(seed), x.shape[-1]
    cells = [heat.values, *(rng.permutation(heat.values.ravel()).reshape(heat.values.shape) for _ in range(ORDERS))]
    orders = [_hottest_first(HeatMap(values.astype(np.float32), heat.method).enlarged(size, size), rng) for values in cells]
    found: list[Curve] = []
    for start, end in ((x, x.mean().expand_as(x)), (_blurred(x), x)):
        for order in orders:
            found.append(_curve(model, start, end, order, class_index, lock))
            if progress:
                progress(len(found), 2 * len(orders))
    deletions, insertions = found[: len(orders)], found[len(orders) :]
    return Faithfulness(deletions[0], insertions[0], tuple(deletions[1:]), tuple(insertions[1:]))


@dataclass(frozen=True)
class Road:
    """The class's probability after the hottest, or the coldest, places were replaced by what their neighbours suggest."""

    shares: tuple[int, ...]  # percent of the places
    hottest: np.ndarray  # float64 [shares]
    coldest: np.ndarray  # float64 [shares]

    @property
    def score(self) -> float:
        """Half of coldest less hottest, mean over the shares, −0.5 … 0.5: above 0, hot places matter more than cold ones."""
        return float(np.mean(self.coldest - self.hottest) / 2)


@dataclass(frozen=True)
class Roads:
    """ROAD of several maps of one answer, and of maps of random values, whose scores are what a map gets that knows nothing."""

    maps: dict[str, Road]  # by method
    random: tuple[Road, ...]

    def reading(self, method: str) -> str:
        """What it means for one map, in a few words.

        A random map turned over is another one, so the bound holds both ways: a map that knows nothing passes it upwards with a chance
        of 1 in 2 × (RANDOM_MAPS + 1).
        """
        score, bound = self.maps[method].score, max(abs(road.score) for road in self.random)
        if score > bound:
            return MATTERS
        return "hot places matter less" if score < -bound else "no better than random"


def road_rows(found: Roads) -> list[dict[str, str]]:
    """A table row a map: its score, what it means, and the probability after each share of the hottest or coldest places was replaced.

    The last row is the mean of the random maps, with the range of their scores.
    """

    def of(hottest: np.ndarray, coldest: np.ndarray, shares: tuple[int, ...]) -> dict[str, str]:
        kinds = (("hottest", hottest), ("coldest", coldest))
        return {f"{kind} {share} %": f"{value:.2f}" for kind, values in kinds for share, value in zip(shares, values, strict=True)}

    rows = [
        {"map": METHODS[name].title, "score": f"{road.score:+.3f}", "reading": found.reading(name)}
        | of(road.hottest, road.coldest, road.shares)
        for name, road in found.maps.items()
    ]
    hottest, coldest = (np.mean([getattr(road, kind) for road in found.random], axis=0) for kind in ("hottest", "coldest"))
    scores = [road.score for road in found.random]
    unknowing = {"map": f"{len(scores)} random maps", "score": f"{min(scores):+.3f} to {max(scores):+.3f}", "reading": "know nothing"}
    return [*rows, unknowing | of(hottest, coldest, found.random[0].shares)]


def road_reading(found: Roads) -> str:
    """What the maps together mean, in a sentence."""
    better = [METHODS[name].title for name in found.maps if found.reading(name) == MATTERS]
    if not better:
        return "No map beats the random ones: do not read any of them as evidence on this image."
    if len(better) == len(found.maps):
        return "Hot places matter more to the answer than cold ones, in every map, and more than in random maps."
    return f"Hot places matter more than cold ones in {', '.join(better)} alone; the other maps do no better than random ones."


def roads(
    model: nn.Module,
    x: torch.Tensor,
    heats: Mapping[str, HeatMap],
    class_index: int,
    lock: Lock,
    *,
    shares: tuple[int, ...] = SHARES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Roads:
    """ROAD of `heats`, maps by method, on the image x, float32 [1, 1, S, S]; random maps have as many cells as the first of them.

    Slow: each replacement solves a system of equations. Places equally hot come in random order.

    Raises:
        InvalidSpec: no such class.
    """
    rng, size = np.random.default_rng(seed), x.shape[-1]
    first = next(iter(heats.values()))
    unknowing = [HeatMap(rng.random(first.values.shape, np.float32), first.method) for _ in range(RANDOM_MAPS)]
    found, total = [], len(heats) + RANDOM_MAPS
    for number, heat in enumerate([*heats.values(), *unknowing]):
        told = progress and (lambda done, of, number=number: progress(number * of + done, total * of))
        found.append(_road(model, x, _hottest_first(heat.enlarged(size, size), rng), class_index, lock, shares, rng, told))
    return Roads(dict(zip(heats, found, strict=False)), tuple(found[len(heats) :]))


def _road(
    model: nn.Module,
    x: torch.Tensor,
    order: np.ndarray,
    class_index: int,
    lock: Lock,
    shares: tuple[int, ...],
    rng: np.random.Generator,
    progress: Progress | None,
) -> Road:
    """`order`: pixel numbers, hottest first."""
    found: list[list[float]] = []
    for direction in (order, order[::-1]):
        row = []
        for share in shares:
            replaced = _replaced(x, direction[: round(share / 100 * order.size)], rng)
            row.append(float(_probabilities(model, replaced, class_index, lock)[0]))
            if progress:
                progress(len(found) * len(shares) + len(row), 2 * len(shares))
        found.append(row)
    return Road(shares, np.array(found[0]), np.array(found[1]))


def _replaced(x: torch.Tensor, pixels: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """x with `pixels` replaced by the noisy linear imputation of Rong et al., in the grad-cam library."""
    import torch
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import spsolve

    image = x[0].cpu().numpy().copy()
    kept = np.ones(image.shape[1:], np.float32)
    kept.flat[pixels] = 0
    # The library's call itself adds noise from the global generator, which other threads share.
    equations, known = NoisyLinearImputer.setup_sparse_system(kept, image, neighbors_weights)
    image[0][kept == 0] = spsolve(csc_matrix(equations), known) + rng.normal(0, NOISE, len(pixels))
    return torch.from_numpy(image)[None].to(x)


def _probabilities(model: nn.Module, batch: torch.Tensor, class_index: int, lock: Lock) -> np.ndarray:
    """The class's probability on each picture of a batch. float64 [batch]"""
    import torch

    from core.explain.headonly import refuse_missing_class

    with lock, torch.inference_mode():
        logits = model(batch)
    refuse_missing_class([class_index], logits.shape[1])
    return logits.double().softmax(dim=1)[:, class_index].cpu().numpy()


def _curve(model: nn.Module, start: torch.Tensor, end: torch.Tensor, order: np.ndarray, class_index: int, lock: Lock) -> Curve:
    """Probabilities while `start` turns into `end`, `order` (pixel numbers) first to last."""
    import torch

    def pictures() -> Iterator[torch.Tensor]:
        turned = torch.zeros(order.size, dtype=torch.bool)
        for part in ([], *np.array_split(order, STEPS)):
            turned[part] = True
            yield torch.where(turned.view(start.shape).to(start.device), end, start)

    found = [_probabilities(model, batch, class_index, lock) for batch in torch.cat(list(pictures())).split(BATCH)]
    return Curve(np.linspace(0, 1, STEPS + 1), np.concatenate(found))


def _hottest_first(heat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.lexsort((rng.random(heat.size), -heat.ravel()))


def _blurred(x: torch.Tensor) -> torch.Tensor:
    import torch
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(x[0, 0].cpu().numpy(), x.shape[-1] / 20)
    return torch.from_numpy(smooth)[None, None].to(x)
