"""What can be trained: every architecture by its name. Dull on purpose; importing it does not import torch.

Ours stand in `core.models.zoo`. Any other name is looked up in timm, which is imported only then.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal

from core.errors import UnknownName

if TYPE_CHECKING:
    from torch import nn

Normalisation = Literal["imagenet", "train", "train-mean-image"]
"""How greys become a network's input; see `core.models.classifier`."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Head:
    """What stands on the trunk. "own": the network's own classifier, as wide as the class count. "pooled": global average pooling,
    dense `hidden` + ReLU (none where 0), batch normalisation, dropout, dense to the classes; see `core.models.heads`.
    """

    kind: Literal["own", "pooled"] = "own"
    hidden: int = 0
    batch_norm: bool = False
    dropout: float = 0.0


OWN_HEAD = Head()


@dataclass(frozen=True)
class Architecture:
    """An architecture and what others must know of it."""

    name: str
    title: str  # as a person reads it
    builder: str  # "module:callable"; called as builder([source,] classes=…, image_size=…), gives a module with `forward_features`
    image_size: int  # pixels, the size its source trained it at
    smallest: int  # pixels, below which a layer gets nothing to work on or the last map is a single pixel that saw all
    channels: int  # what its first convolution takes; grey is repeated where it is 3
    cam_layer: str  # path of the module whose output Grad-CAM reads: the last one that still has a place for each value
    head: tuple[str, ...]  # its own classifier: children after the convolutional trunk. All that a frozen trunk leaves to train
    papers: tuple[str, ...] = ()  # keys of the papers that trained it
    library: Literal["own", "timm", "torchvision"] = "own"  # whose code, and whose ImageNet weights
    source: str = ""  # the library's name of it, for timm with the tag of the weights
    mean: tuple[float, float, float] = IMAGENET_MEAN  # of the input that its ImageNet weights expect
    std: tuple[float, float, float] = IMAGENET_STD


@cache
def _by_name() -> dict[str, Architecture]:
    return register(resolve_name("core.models.zoo:ENTRIES"))


def register(entries: tuple[Architecture, ...]) -> dict[str, Architecture]:
    """Entries by name; a name that stands twice raises ValueError."""
    table: dict[str, Architecture] = {}
    for entry in entries:
        if entry.name in table:
            raise ValueError(f"Two architectures are called {entry.name!r}.")
        table[entry.name] = entry
    return table


def names() -> tuple[str, ...]:
    """Ours, without timm's."""
    return tuple(_by_name())


def get(name: str) -> Architecture:
    """The architecture called `name`: ours, or else timm's.

    Raises:
        UnknownName: there is none; the nearest names of both are suggested.
        InvalidSpec: it is one of timm's, and one that has no maps for Grad-CAM.
    """
    return _by_name()[name] if name in _by_name() else _of_timm(name)


@cache
def _of_timm(name: str) -> Architecture:
    from core.models import timm_models  # here, so that ours can be listed without torch

    if not timm_models.known(name):
        everything = {*names(), *timm_models.all_names()}
        raise UnknownName.among("model", name, everything if get_close_matches(name, everything, cutoff=0.4) else names())
    return timm_models.describe(name)


def build(name: str, classes: int, image_size: int, head: Head = OWN_HEAD) -> nn.Module:
    """A fresh network with random weights from torch's global generator: float [batch, channels, S, S] → logits [batch, classes]."""
    entry = get(name)
    network = _own(entry, classes, image_size)
    if head.kind == "own":
        return network
    from core.models import heads

    return heads.replace(network, entry.head, heads.pooled(_trunk_channels(name), classes, head))


def _own(entry: Architecture, classes: int, image_size: int) -> nn.Module:
    source = (entry.source,) if entry.source else ()
    return resolve_name(entry.builder)(*source, classes=classes, image_size=image_size)


@cache
def _trunk_channels(name: str) -> int:
    import torch

    entry = get(name)
    with torch.device("meta"), torch.no_grad():
        x = torch.zeros(1, entry.channels, entry.image_size, entry.image_size)
        return _own(entry, 2, entry.image_size).eval().forward_features(x).shape[1]


@cache
def parameters(name: str, classes: int, image_size: int, head: Head = OWN_HEAD) -> int:
    """Number of trainable values; nothing is allocated for it."""
    import torch  # here, so that names and sizes can be listed without it

    with torch.device("meta"):
        return sum(value.numel() for value in build(name, classes, image_size, head).parameters())


@cache
def multiply_adds(name: str, image_size: int, classes: int = 2, head: Head = OWN_HEAD) -> int:
    """Multiply-adds of one image's forward pass: convolutions and matrix products alone; nothing is computed for it."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        build(name, classes, image_size, head).eval()(torch.zeros(1, get(name).channels, image_size, image_size))
    return counter.get_total_flops() // 2
