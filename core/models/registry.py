"""What can be trained: every architecture by its name. Dull on purpose; importing it does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal

from core.errors import UnknownName

if TYPE_CHECKING:
    from torch import nn

Normalisation = Literal["imagenet", "train", "train-mean-image"]
"""How greys become a network's input; see `core.models.classifier`."""


@dataclass(frozen=True)
class Architecture:
    """An architecture and what others must know of it."""

    name: str
    title: str  # as a person reads it
    builder: str  # "module:callable"; called as builder(classes=…, image_size=…), gives logits
    image_size: int  # pixels, the size its source trained it at
    smallest: int  # pixels, below which a layer gets nothing to work on or the last map is a single pixel that saw all
    channels: int  # what its first convolution takes; grey is repeated where it is 3
    cam_layer: str  # path of the module whose output Grad-CAM reads: the last one that still has a place for each value
    papers: tuple[str, ...] = ()  # keys of the papers that trained it


_ENTRIES = (
    Architecture(
        name="alasfoor-cnn22",
        title="22-layer CNN (Al-Asfoor & Abed 2020)",
        builder="core.models.papers:alasfoor_cnn22",
        image_size=224,
        smallest=16,  # four 2×2 poolings
        channels=1,
        cam_layer="relu_4",  # 28×28 at 224, before the last pooling
        papers=("alasfoor-2020",),
    ),
    Architecture(
        name="resnet18",
        title="ResNet-18",
        builder="core.models.backbones:resnet18",
        image_size=224,
        smallest=33,  # stride 32: from 33 on the last map has more than one pixel
        channels=3,
        cam_layer="layer4.1",  # 7×7 at 224
        papers=("benbakreti-2022",),
    ),
)


@cache
def _by_name() -> dict[str, Architecture]:
    return register(_ENTRIES)


def register(entries: tuple[Architecture, ...]) -> dict[str, Architecture]:
    """Entries by name; a name that stands twice raises ValueError."""
    table: dict[str, Architecture] = {}
    for entry in entries:
        if entry.name in table:
            raise ValueError(f"Two architectures are called {entry.name!r}.")
        table[entry.name] = entry
    return table


def names() -> tuple[str, ...]:
    return tuple(_by_name())


def get(name: str) -> Architecture:
    """The architecture called `name`.

    Raises:
        UnknownName: there is none; the nearest names are suggested.
    """
    if name not in _by_name():
        raise UnknownName.among("model", name, names())
    return _by_name()[name]


def build(name: str, classes: int, image_size: int) -> nn.Module:
    """A fresh network with random weights from torch's global generator: float [batch, channels, S, S] → logits [batch, classes]."""
    return resolve_name(get(name).builder)(classes=classes, image_size=image_size)


@cache
def parameters(name: str, classes: int, image_size: int) -> int:
    """Number of trainable values; nothing is allocated for it."""
    import torch  # here, so that names and sizes can be listed without it

    with torch.device("meta"):
        return sum(value.numel() for value in build(name, classes, image_size).parameters())
