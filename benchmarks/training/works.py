"""What is trained in a comparison: the table of works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.errors import UnknownName

FIXED = ("rotation", "zoom", "shift", "brightness", "contrast", "crop", "noise")


@dataclass(frozen=True)
class Work:
    """One training, the same for all: network, files, batch, epochs, image size."""

    name: str
    title: str
    model: str  # a name of `python -m core models list`
    image_size: int = 224  # pixels
    files: Literal["phantom", "given"] = "phantom"  # drawn PNGs, or the folder given by --data
    images: int = 1124
    epochs: int = 3
    batch_size: int = 32
    gpu_batch_size: int = 256
    settings: tuple[str, ...] = ()  # of our recipe, as --set has them
    frozen: bool = False  # the backbone is; peers' epochs are measured at two lengths and the rest is reckoned
    augmented: bool = True
    channels: int = 3
    peers: tuple[str, ...] = ()  # empty: all
    aims: Mapping[str, float] = field(default_factory=dict)  # "timm-tuned": floor of peer ÷ ours on two cores; "timm-tuned gpu": on a GPU

    def batch(self, device: str) -> int:
        """Images a step on `device`."""
        return self.gpu_batch_size if device.startswith("cuda") else self.batch_size


_FROZEN = {"model": "vgg16", "epochs": 30, "frozen": True, "peers": ("fastai",)}
_HEAD = ("frozen=true", "head.kind=pooled", "head.hidden=512", "head.batch_norm=true", "head.dropout=0.5")
_STILL = tuple(f"augmentation.{name}=0" for name in FIXED)

WORKS = (
    Work(
        "resnet18-png",
        "ResNet-18 at 224, PNGs of 1,024 px, from scratch",
        "resnet18",
        aims={"timm": 2.2, "timm-tuned": 1.25, "lightning-tuned": 1.2, "fastai": 2.4, "timm-tuned gpu": 3},
    ),
    Work(
        "cnn22-png",
        "22-layer CNN at 224, PNGs of 1,024 px",
        "alasfoor-cnn22",
        epochs=20,
        channels=1,
        aims={"timm-tuned": 2.5, "lightning-tuned": 2.3, "timm-tuned gpu": 5},
    ),
    Work(
        "resnet18-jpeg",
        "ResNet-18 at 224, small JPEGs, from scratch",
        "resnet18",
        files="given",
        aims={"timm-tuned": 1.15, "timm-tuned gpu": 2},
    ),
    Work(
        "cnn22-jpeg",
        "22-layer CNN at 224, small JPEGs",
        "alasfoor-cnn22",
        files="given",
        epochs=20,
        channels=1,
        aims={"timm-tuned": 1.4, "timm-tuned gpu": 3},
    ),
    Work("resnet50", "ResNet-50 at 224", "resnet50", aims={"timm-tuned": 1.0, "timm-tuned gpu": 1.0}),
    Work(
        "resnet50-short",
        "ResNet-50 at 224, few images once: what comes before and after training weighs most",
        "resnet50",
        images=200,
        epochs=1,
        aims={"timm-tuned": 1.0, "timm-tuned gpu": 1.0},
    ),
    Work(
        "densenet201",
        "DenseNet-201 at 224",
        "densenet201",
        batch_size=16,
        gpu_batch_size=128,
        aims={"timm-tuned": 1.0, "timm-tuned gpu": 1.0},
    ),
    Work(
        "nasnetalarge",
        "NASNet-A Large at 331",
        "nasnetalarge",
        image_size=331,
        images=80,
        batch_size=4,
        gpu_batch_size=32,
        aims={"timm-tuned": 1.0, "timm-tuned gpu": 1.0},
    ),
    Work(
        "vgg16-frozen",
        "VGG16 frozen, fixed input",
        settings=(*_HEAD, *_STILL),
        augmented=False,
        aims={"fastai": 8, "fastai gpu": 8},
        **_FROZEN,
    ),
    Work("vgg16-views", "VGG16 frozen, augmented; ours: 8 stored views", settings=(*_HEAD, "frozen_views=8"), **_FROZEN),
)
FEEDS = {"feed-resnet18": "resnet18", "feed-cnn22": "alasfoor-cnn22"}
"""Works without a peer: the real feed against one batch that lies on the device already."""
FEED_AIM = 0.95


def names() -> tuple[str, ...]:
    return (*(work.name for work in WORKS), *FEEDS)


def get(name: str) -> Work:
    """Raises UnknownName."""
    for work in WORKS:
        if work.name == name:
            return work
    raise UnknownName.among("work", name, names())
