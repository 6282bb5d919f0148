"""Where a network looked: heat maps by name, each with the magnitude that pictures scale away.

Gradient methods take one pass and a gradient through the head alone (`core.explain.headonly`); their arithmetic is the grad-cam
library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

from core.errors import InvalidSpec
from core.explain.heatmap import HeatMap
from core.explain.layers import find, layers, name_of
from core.explain.methods import METHODS, Method, refuse_unknown

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from core.data.threads import Progress

__all__ = ["METHODS", "HeatMap", "Method", "explain", "explain_many", "layers", "occlude", "refuse_unknown"]

_LIBRARY = {
    "gradcam": "GradCAM",
    "hirescam": "HiResCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "gradcamelementwise": "GradCAMElementWise",
    "eigencam": "EigenCAM",
    "eigengradcam": "EigenGradCAM",
}
"""The library's class whose arithmetic a method takes."""


def explain(
    model: nn.Module,
    layer: nn.Module | str,
    x: torch.Tensor,
    class_index: int,
    lock: Lock,
    method: str = "gradcam",
    label: str = "",
    progress: Progress | None = None,
) -> HeatMap:
    """The heat map of one class on one image, x: float32 [1, 1, S, S]; arguments and errors as in `explain_many`."""
    return explain_many(model, layer, x, [class_index], lock, method, [label], progress)[0]


def explain_many(
    model: nn.Module,
    layer: nn.Module | str,
    x: torch.Tensor,
    class_indices: Sequence[int],
    lock: Lock,
    method: str = "gradcam",
    labels: Sequence[str] = (),
    progress: Progress | None = None,
) -> list[HeatMap]:
    """Heat maps of several images, one class each, or of several classes on one image: in one pass, but for the slow methods.

    Args:
        model: in eval mode; its weights may be frozen, and are left as they are.
        layer: module of `model`, or its path in the architecture, whose output is [batch, channels, h, w].
        x: the model's input on the model's device, float32 [images, 1, S, S].
        class_indices: whose logits are explained, from 0 to below the class count: one an image, or any number for a single image.
        lock: one for each model. The layer is hooked during a pass, and two threads would read each other's activations.
        labels: the classes' names, kept with the maps.
        progress: told of the passes done and the passes in all; by slow methods alone.

    Raises:
        UnknownName: no such method or layer.
        InvalidSpec: no such class; a model in training mode; a layer without places, or one that does not run exactly once; CAM on a
            network that does not average its maps into one linear layer; as many classes as neither 1 image nor all of them take.
    """
    refuse_unknown(method)
    if len(x) not in (1, len(class_indices)):
        rule = "Heat maps are made of several images with a class each, or of several classes on one image."
        raise InvalidSpec(rule, f"{len(x)} images and {len(class_indices)} classes", "Name one class an image.")
    module, name = find(model, layer), name_of(model, layer)
    detail = ""
    if METHODS[method].kind == "passes":
        signed = _by_passes(model, module, x, class_indices, lock, method, progress)
        detail = _patch_words(x.shape[-1]) if method == "occlusion" else ""
    else:
        signed = _by_one_pass(model, module, x, class_indices, lock, method)
    labels = labels or [""] * len(class_indices)
    return [
        HeatMap.of(values, method, name, index, label, detail) for values, index, label in zip(signed, class_indices, labels, strict=True)
    ]


def occlude(
    model: nn.Module,
    x: torch.Tensor,
    class_index: int,
    lock: Lock,
    *,
    patch: int,
    stride: int,
    label: str = "",
    progress: Progress | None = None,
) -> HeatMap:
    """The occlusion map with a patch and a stride of one's own, in pixels. Raises as `core.explain.passes.occlusion`."""
    from core.explain import passes

    signed = passes.occlusion(model, x, class_index, lock, patch, stride, progress)
    return HeatMap.of(signed, "occlusion", "", class_index, label, _patch_words(x.shape[-1], patch, stride))


def _patch_words(size: int, patch: int = 0, stride: int = 0) -> str:
    from core.explain import passes

    if not patch:
        patch, stride = passes.default_patch(size)
    return f"A patch of {patch} × {patch} px in the image's mean grey, every {stride} px, on an image of {size} px."


def _by_one_pass(model: nn.Module, layer: nn.Module, x: torch.Tensor, class_indices: Sequence[int], lock: Lock, method: str) -> np.ndarray:
    """Signed maps, float32 [maps, h, w]."""
    from core.explain import headonly, pooling

    if METHODS[method].kind == "activation":
        activations, _ = headonly.activations(model, layer, x, lock)
        return _weighed(method, activations.float().cpu().expand(len(class_indices), -1, -1, -1).numpy(), None)
    captured = headonly.capture(model, layer, x, class_indices, lock)
    if method == "cam":
        pooling.refuse_other_heads(model, layer, x, class_indices[0], captured, lock)
        return pooling.class_activation_map(captured)
    return _weighed(method, captured.activations.numpy(), captured.gradients.numpy())


def _by_passes(
    model: nn.Module,
    layer: nn.Module,
    x: torch.Tensor,
    class_indices: Sequence[int],
    lock: Lock,
    method: str,
    progress: Progress | None,
) -> list[np.ndarray]:
    from core.explain import passes

    signed, images = [], x.expand(len(class_indices), -1, -1, -1)
    for number, (image, index) in enumerate(zip(images.split(1), class_indices, strict=True)):
        told = progress and (lambda done, of, number=number: progress(number * of + done, len(class_indices) * of))
        if method == "occlusion":
            signed.append(passes.occlusion(model, image, index, lock, *passes.default_patch(x.shape[-1]), told))
        else:
            by = passes.score_cam if method == "scorecam" else passes.ablation_cam
            signed.append(by(model, layer, image, index, lock, told))
    return signed


def _weighed(method: str, activations: np.ndarray, gradients: np.ndarray | None) -> np.ndarray:
    """The library's arithmetic on activations and gradients, float32 [maps, channels, h, w] → signed maps, float32 [maps, h, w]."""
    import numpy as np
    import pytorch_grad_cam

    library = getattr(pytorch_grad_cam, _LIBRARY[method])
    # Without its constructor, which hooks into a model and would set it to eval mode, and without the destructor that undoes it.
    arithmetic = type(library.__name__, (library,), {"__init__": lambda _self: None, "__del__": lambda _self: None})()
    maps = arithmetic.get_cam_image(None, None, None, activations, gradients, False)
    if "eigen" not in method:
        return maps
    turned = np.abs(maps.min(axis=(1, 2))) > np.abs(maps.max(axis=(1, 2)))  # Chung & Ying 2025, equation 13
    return np.where(turned[:, None, None], -maps, maps)
