"""What an exported file computes, as one module: an image's greys → the recipe's preparation → the network → probabilities.

The preparation is `core.data.images.fit` in tensor operations, since no ONNX runtime's own Resize is Pillow's: that of ONNX Runtime, with
antialias, is up to 20 grey values away from it. An axis is resized by one matrix product with Pillow's weights, the width first, and
rounded to whole greys in between, as Pillow does. Its fixed-point arithmetic is repeated exactly: float64 holds all its integers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.data.batches import to_unit
from core.data.images import Resize
from core.data.preparation import Preparation
from core.models.classifier import Classifier

BITS = 22  # of a weight, after the point


class Deployed(nn.Module):
    """uint8 [batch, height, width] → probabilities, float32 [batch, classes]; without a `preparation` [batch, S, S], already prepared."""

    def __init__(self, model: Classifier, preparation: Preparation | None) -> None:
        """`preparation`: without equalisation, which tensor operations do not have."""
        super().__init__()
        self.model = model
        self.preparation = preparation

    def forward(self, image: Tensor) -> Tensor:
        if self.preparation is not None:
            image = fitted(image, self.preparation.size, self.preparation.resize)
        return self.model(to_unit(image)).softmax(dim=1)


def fitted(image: Tensor, size: int, resize: Resize) -> Tensor:
    """`core.data.images.fit` of a batch of one size, to the very grey: uint8 [batch, height, width] → uint8 [batch, size, size]."""
    height, width = image.shape[1:]
    across, down = _weights(width, height, size, resize), _weights(height, width, size, resize)
    rows = _shifted(image.double() @ across.T)
    return _shifted(down @ rows).to(torch.uint8)


def _shifted(sums: Tensor) -> Tensor:
    """Fixed-point numbers rounded to whole ones."""
    return torch.floor((sums + 2 ** (BITS - 1)) / 2**BITS)


def _weights(length: int, other: int, size: int, resize: Resize) -> Tensor:
    """What each of `size` pixels takes of the `length` pixels along its axis, in units of 2⁻²²; a row of zeros is padding.

    Pillow's bilinear filter: a triangle of a half width of one pixel, or of one result's pixel where the image is reduced.
    Whole numbers as float64 [size, length].
    """
    whole, across = (torch.scalar_tensor(side, dtype=torch.float64) for side in (length, other))
    span, target = whole, torch.full_like(whole, size)
    if resize == "crop":
        span = torch.minimum(whole, across)
    if resize == "pad":
        target = (whole * size / torch.maximum(whole, across)).round().clamp_min(1)
    begin, offset = torch.floor((whole - span) / 2), torch.floor((size - target) / 2)
    row = torch.arange(size, dtype=torch.float64) - offset
    place = torch.arange(length, dtype=torch.float64) + 0.5 - begin
    scale = span / target
    distance = (place[None] - (row[:, None] + 0.5) * scale).abs() / scale.clamp_min(1)
    inside = ((place > 0) & (place < span))[None] & ((row >= 0) & (row < target))[:, None]
    share = torch.where(inside, (1 - distance).clamp_min(0), 0.0)
    share = share / share.sum(dim=1, keepdim=True).clamp_min(1e-9)  # a row of padding has no sum
    return torch.floor(share * 2**BITS + 0.5)
