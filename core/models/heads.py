"""Another head on a network's convolutional trunk. It knows no architecture by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from core.models.registry import Head

__all__ = ["Head", "HeadAlone", "Headed", "pooled"]


class Headed(nn.Module):
    """A trunk, of which `forward_features` alone is used, and a head on it. Paths of the network stay as they were inside `trunk`."""

    def __init__(self, trunk: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk.forward_features(x))


class HeadAlone(nn.Module):
    """The last layers of `whole`, fed with what enters the first of them: features → logits.

    It has no values of its own: it trains, is stored and is loaded as the whole network is.
    """

    def __init__(self, whole: nn.Module, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.whole = whole
        self._layers = tuple(layers)  # a tuple, since they stand in `whole` and must not be counted twice

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        for layer in self._layers:
            features = layer(features)
        return features

    def state_dict(self, *args: Any, **options: Any) -> dict[str, Any]:
        return self.whole.state_dict(*args, **options)

    def load_state_dict(self, state: Any, *args: Any, **options: Any) -> Any:
        return self.whole.load_state_dict(state, *args, **options)


def pooled(channels: int, classes: int, head: Head) -> nn.Sequential:
    """Global average pooling, [dense `hidden` + ReLU], [batch normalisation], [dropout], dense: [batch, channels, h, w] → logits."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
    width = channels
    if head.hidden:
        layers["hidden"] = nn.Linear(width, head.hidden)
        layers["relu"] = nn.ReLU()
        width = head.hidden
    if head.batch_norm:
        layers["batch_norm"] = nn.BatchNorm1d(width)
    if head.dropout:
        layers["dropout"] = nn.Dropout(head.dropout)
    layers["logits"] = nn.Linear(width, classes)
    return nn.Sequential(layers)


def replace(network: nn.Module, own_head: tuple[str, ...], head: nn.Module) -> Headed:
    """`head` in place of the network's own classifier, whose children `own_head` are taken out."""
    for name in own_head:
        setattr(network, name, nn.Identity())
    return Headed(network, head)
