"""Networks of timm, with a head of the right width."""

from __future__ import annotations

import timm
from torch import nn


def resnet18(classes: int, image_size: int) -> nn.Module:  # noqa: ARG001  it pools globally and takes any size
    """ResNet-18 (He et al. 2016, Table 1), timm's `resnet18`, random weights."""
    return timm.create_model("resnet18", pretrained=False, num_classes=classes)
