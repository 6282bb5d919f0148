"""Heat maps by many passes and no gradient: Score-CAM, Ablation-CAM, occlusion. Each returns its signed map, float32 [h, w].

The lock is held for one batch at a time, so that others who share the model get their turns in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import nn

from core.errors import InvalidSpec
from core.explain import headonly

if TYPE_CHECKING:
    import numpy as np

    from core.data.threads import Progress

BATCH = 16  # images a pass
_PATCHES = 14  # a side, where the stride is not given


def score_cam(
    model: nn.Module, layer: nn.Module, x: torch.Tensor, class_index: int, lock: Lock, progress: Progress | None = None
) -> np.ndarray:
    """Score-CAM of one image, x: float32 [1, 1, S, S] (Wang et al. 2020): the image is darkened where a map is cold."""
    maps, logits = headonly.activations(model, layer, x, lock)
    headonly.refuse_missing_class([class_index], logits.shape[1])
    scores = []
    for part in _batches(maps.shape[1], progress):
        masks = nn.functional.interpolate(maps[0, part, None], size=x.shape[-2:], mode="bilinear", align_corners=True)
        low, high = masks.amin(dim=(2, 3), keepdim=True), masks.amax(dim=(2, 3), keepdim=True)
        scores.append(_logits(model, x * ((masks - low) / (high - low + 1e-8)), class_index, lock))
    return _weighted(torch.cat(scores).softmax(dim=0), maps)


def ablation_cam(
    model: nn.Module, layer: nn.Module, x: torch.Tensor, class_index: int, lock: Lock, progress: Progress | None = None
) -> np.ndarray:
    """Ablation-CAM of one image, x: float32 [1, 1, S, S] (Desai & Ramaswamy 2020, equation 3).

    The paper divides the drops by the logit. That falls away when the map is scaled, and would turn it over where the logit is negative,
    so it is left out. The trunk runs once a batch where nothing bypasses the layer, else once a map.
    """
    maps, logits = headonly.activations(model, layer, x, lock)
    headonly.refuse_missing_class([class_index], logits.shape[1])
    alone = headonly.head_runs_alone(model, layer, x, lock)
    drops = []
    for part in _batches(maps.shape[1], progress):
        rows = torch.arange(part.start, part.stop, device=maps.device)

        def without_one_each(output: torch.Tensor, rows: torch.Tensor = rows) -> torch.Tensor:
            changed = output.expand(len(rows), -1, -1, -1).clone()
            changed[range(len(rows)), rows] = 0
            return changed

        inputs = x if alone else x.expand(len(rows), -1, -1, -1)
        left = headonly.replay(model, layer, inputs, without_one_each, lock)[:, class_index]
        drops.append(logits[0, class_index] - left)
    return _weighted(torch.cat(drops), maps)


def occlusion(
    model: nn.Module, x: torch.Tensor, class_index: int, lock: Lock, patch: int, stride: int, progress: Progress | None = None
) -> np.ndarray:
    """The drop of the logit when a square patch of the image's mean grey lies over each place (Zeiler & Fergus 2014).

    Patches are centred on an even grid of round(S / stride) places a side, so that the map lies on the image as other maps do; those at
    the border hang over it.

    Args:
        x: float32 [1, 1, S, S].
        patch, stride: pixels.

    Raises:
        InvalidSpec: no such class, or a patch or stride that is not 1 to S pixels.
    """
    size = x.shape[-1]
    for name, value in (("patch", patch), ("stride", stride)):
        if not 1 <= value <= size:
            raise InvalidSpec(f"The {name} of an occlusion map is 1 to {size} pixels.", value, "Choose a number in that range.")
    whole = _logits(model, x, None, lock)[0]
    headonly.refuse_missing_class([class_index], len(whole))
    side = max(1, round(size / stride))
    centres = (torch.arange(side, device=x.device) + 0.5) * size / side
    covered = ((torch.arange(size, device=x.device) + 0.5)[None] - centres[:, None]).abs() <= patch / 2  # [side, S]
    places = torch.cartesian_prod(torch.arange(side, device=x.device), torch.arange(side, device=x.device))
    left = []
    for part in _batches(len(places), progress):
        rows, columns = places[part].unbind(dim=1)
        under = (covered[rows, :, None] & covered[columns, None, :])[:, None]
        left.append(_logits(model, torch.where(under, x.mean(), x), class_index, lock))
    return (whole[class_index] - torch.cat(left)).reshape(side, side).float().cpu().numpy()


def default_patch(size: int) -> tuple[int, int]:
    """Patch and stride in pixels for images of `size`: patches twice as wide as their distance."""
    stride = max(1, round(size / _PATCHES))
    return min(2 * stride, size), stride


def _batches(count: int, progress: Progress | None) -> Iterator[slice]:
    for start in range(0, count, BATCH):
        part = slice(start, min(start + BATCH, count))
        yield part
        if progress:
            progress(part.stop, count)


def _logits(model: nn.Module, x: torch.Tensor, class_index: int | None, lock: Lock) -> torch.Tensor:
    """One class's logits [batch], or those of all classes."""
    with lock, torch.inference_mode():
        logits = model(x)
    return logits if class_index is None else logits[:, class_index]


def _weighted(weights: torch.Tensor, maps: torch.Tensor) -> np.ndarray:
    return torch.einsum("c,chw->hw", weights.float(), maps[0].float()).cpu().numpy()
