"""Where a network looked: Grad-CAM (Selvaraju et al. 2017) by the grad-cam library, with the magnitude that it scales away.

A map says which places raised one class's logit. It does not say that the network is right, nor that it saw disease.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from core.errors import UnknownName

METHODS = ("gradcam",)


@dataclass(frozen=True)
class HeatMap:
    """`values`: positive evidence at the layer's resolution, in units of the logit, not scaled. float32 [h, w], ≥ 0"""

    values: np.ndarray
    method: str

    @property
    def peak(self) -> float:
        """The largest value: maps are drawn scaled to it, so without it a weak map looks like a strong one."""
        return float(self.values.max())

    @property
    def has_evidence(self) -> bool:
        return self.peak > 0

    def warnings(self) -> list[str]:
        """What must stand beside the picture."""
        return [] if self.has_evidence else ["No place in the image speaks for this class: the heat map is empty."]

    def scaled(self, height: int, width: int) -> np.ndarray:
        """The map in 0…1, enlarged smoothly to a picture's size; all 0 where there is no positive evidence. float32 [height, width]"""
        share = self.values / self.peak if self.has_evidence else self.values
        enlarged = Image.fromarray(share.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        return np.clip(np.asarray(enlarged), 0, 1)


def explain(model: nn.Module, layer: nn.Module, x: torch.Tensor, class_index: int, lock: Lock, method: str = "gradcam") -> HeatMap:
    """The heat map of one class on one image.

    Args:
        model: in eval mode, with gradients enabled for its parameters; never the one being trained.
        layer: module of `model` whose output is [1, channels, h, w].
        x: the model's input, float32 [1, 1, S, S].
        class_index: whose logit is explained, from 0 to below the class count.
        lock: one for each model. The library hooks into the model, and two threads would read each other's activations.

    Raises:
        UnknownName: no such method.
    """
    refuse_unknown(method)
    with lock:
        cam = _RawGradCAM(model=model, target_layers=[layer])
        try:
            # Called, not used as a context manager: its __exit__ swallows errors.
            cam(input_tensor=x, targets=[ClassifierOutputTarget(class_index)])
        finally:
            cam.activations_and_grads.release()
            model.zero_grad(set_to_none=True)
    return HeatMap(np.maximum(cam.raw[0], 0).astype(np.float32), method)


def refuse_unknown(method: str) -> None:
    """Raises UnknownName where `method` is none of `METHODS`."""
    if method not in METHODS:
        raise UnknownName.among("heat-map method", method, METHODS)


class _RawGradCAM(GradCAM):
    """The library's own Grad-CAM; `raw` keeps the map before it is cut at 0 and scaled to 0…1. float [1, h, w]"""

    raw: np.ndarray

    def get_cam_image(self, *args: object, **kwargs: object) -> np.ndarray:
        self.raw = super().get_cam_image(*args, **kwargs)
        return self.raw
