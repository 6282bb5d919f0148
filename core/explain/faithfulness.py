"""Do the hot places matter to the answer? The image is taken away, or given back, hottest places first (Petsiuk et al. 2018: RISE)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from core.explain.heatmap import HeatMap

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.data.threads import Progress

STEPS, ORDERS, BATCH = 10, 9, 16  # parts of the image; random orders to compare with; images a pass
PERCENTILES = (20, 40, 60, 80)  # of the map's values, for ROAD


@dataclass(frozen=True)
class Curve:
    """The class's probability after each share of the image, hottest places first. float64 [STEPS + 1] each"""

    shares: np.ndarray
    probabilities: np.ndarray

    @property
    def area(self) -> float:
        """Under the curve, 0…1."""
        return float(np.trapezoid(self.probabilities, self.shares))


@dataclass(frozen=True)
class Faithfulness:
    """Curves of a map, and the areas where the map's cells stand in random order: without those no area means anything."""

    deletion: Curve  # the less area the better: the probability falls as soon as the hot places go
    insertion: Curve  # the more area the better
    random_deletions: tuple[float, ...]
    random_insertions: tuple[float, ...]

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
    done, total = 0, 2 * len(orders)
    areas, curves = {"deletion": [], "insertion": []}, {}
    for kind, start, end in (("deletion", x, x.mean().expand_as(x)), ("insertion", _blurred(x), x)):
        for order in orders:
            curve = _curve(model, start, end, order, class_index, lock)
            curves.setdefault(kind, curve)
            areas[kind].append(curve.area)
            done += 1
            if progress:
                progress(done, total)
    return Faithfulness(curves["deletion"], curves["insertion"], tuple(areas["deletion"][1:]), tuple(areas["insertion"][1:]))


def road(
    model: nn.Module,
    x: torch.Tensor,
    heat: HeatMap,
    class_index: int,
    lock: Lock,
    percentiles: tuple[int, ...] = PERCENTILES,
    *,
    seed: int = 0,
) -> float:
    """ROAD (Rong et al. 2022) by the grad-cam library, on the probability: above 0, hot places matter more than cold ones.

    Half the difference of the class's probability with the coldest and with the hottest places replaced by what their neighbours
    suggest, mean over `percentiles` (thresholds of the map's values). Slow: it solves a system of equations for each replacement.
    """
    import torch
    from pytorch_grad_cam.metrics.road import ROADCombined
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

    scaled = heat.scaled(*x.shape[-2:])[None]
    with lock, torch.random.fork_rng(devices=[]):  # the library adds noise from the global generator
        torch.manual_seed(seed)
        found = ROADCombined(list(percentiles))(x, scaled, [ClassifierOutputSoftmaxTarget(class_index)], model)
    return float(found[0])


def _curve(model: nn.Module, start: torch.Tensor, end: torch.Tensor, order: np.ndarray, class_index: int, lock: Lock) -> Curve:
    """Probabilities while `start` turns into `end`, `order` (pixel numbers) first to last."""
    import torch

    from core.explain.headonly import refuse_missing_class

    def pictures() -> Iterator[torch.Tensor]:
        turned = torch.zeros(order.size, dtype=torch.bool)
        for part in ([], *np.array_split(order, STEPS)):
            turned[part] = True
            yield torch.where(turned.view(start.shape).to(start.device), end, start)

    found = []
    for batch in torch.cat(list(pictures())).split(BATCH):
        with lock, torch.inference_mode():
            logits = model(batch)
        refuse_missing_class([class_index], logits.shape[1])
        found.append(logits.double().softmax(dim=1)[:, class_index].cpu())
    return Curve(np.linspace(0, 1, STEPS + 1), torch.cat(found).numpy())


def _hottest_first(heat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.lexsort((rng.random(heat.size), -heat.ravel()))


def _blurred(x: torch.Tensor) -> torch.Tensor:
    import torch
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(x[0, 0].cpu().numpy(), x.shape[-1] / 20)
    return torch.from_numpy(smooth)[None, None].to(x)
