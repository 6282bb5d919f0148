"""Networks of timm and torchvision, with random weights and a head of the right width.

Each has `forward_features`: images → maps of the convolutional trunk, float [batch, channels, h, w].
"""

from __future__ import annotations

import timm
import torch
from timm.models import vgg
from torch import nn
from torch.nn import functional as F
from torchvision import models

from core.errors import InvalidSpec


def from_timm(source: str, classes: int, image_size: int) -> nn.Module:
    """timm's model called `source`.

    Raises:
        InvalidSpec: the network takes one size alone, and `image_size` is another.
    """
    config = timm.get_pretrained_cfg(source)
    if config is not None and config.fixed_input_size and image_size != config.input_size[-1]:
        size = config.input_size[-1]
        raise InvalidSpec(f"{source} takes images of {size} px alone.", f"image size {image_size}", f"Choose {size}.")
    model = timm.create_model(source, pretrained=False, num_classes=classes)
    head = getattr(model, "pre_logits", None)
    if isinstance(head, vgg.ConvMlp):
        head.fc1 = _WholeMap.of(head.fc1)
    return model


class _WholeMap(nn.Conv2d):
    """A convolution that is as large as its map, as VGG's first dense layer is in timm: one matrix product, far faster on a processor."""

    @classmethod
    def of(cls, convolution: nn.Conv2d) -> _WholeMap:
        """The same convolution, with the very same parameters."""
        made = cls(convolution.in_channels, convolution.out_channels, convolution.kernel_size, device="meta")
        made.weight, made.bias = convolution.weight, convolution.bias
        return made

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[2:] != self.kernel_size:
            return super().forward(x)
        # In the weight's own memory format, since the weight (400 MB in VGG) must not be copied.
        order = (0, 1, 2, 3) if self.weight.is_contiguous() else (0, 2, 3, 1)
        weight, x = (values.permute(order).flatten(1) for values in (self.weight, x))
        return F.linear(x, weight, self.bias)[:, :, None, None]


class _AlexNet(models.AlexNet):
    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


class _GoogLeNet(models.GoogLeNet):
    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        for name, part in self.named_children():  # they stand in the order of the forward pass
            if name == "avgpool":
                break
            x = part(x)
        return x


def alexnet(source: str, classes: int, image_size: int) -> nn.Module:  # noqa: ARG001  it pools to 6×6 and takes any size
    """torchvision's AlexNet (Krizhevsky 2014, one tower)."""
    return _AlexNet(num_classes=classes)


def googlenet(source: str, classes: int, image_size: int) -> nn.Module:  # noqa: ARG001  it pools globally and takes any size
    """torchvision's GoogLeNet with batch normalisation and without the two auxiliary classifiers."""
    return _GoogLeNet(num_classes=classes, aux_logits=False, init_weights=True)
