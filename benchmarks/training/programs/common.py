"""Options and files that the programs share. They see the same folders, networks and sizes as timm's and torchvision's own programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn
    from torchvision.datasets import ImageFolder

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESIZED = 256 / 224  # the shorter side before the central crop, as tutorials have it


def arguments(*flags: str) -> argparse.Namespace:
    """The options; `flags` are further ones without a value."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="A folder with train/ and validation/.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="cpu")
    for name, default in (("image-size", 224), ("channels", 3), ("epochs", 3), ("batch-size", 32), ("workers", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("frozen", "still", *flags):
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args()


def network(options: argparse.Namespace, classes: int) -> nn.Module:
    """The network that we train ourselves, with random weights, in torch's own layers."""
    from core.models import narrow_norm, registry

    return narrow_norm.without(registry.build(options.model, classes, options.image_size))


def datasets(options: argparse.Namespace) -> tuple[ImageFolder, ImageFolder]:
    """Training and validation, cropped at random and at the centre as torchvision's tutorials do; one channel where the network has one."""
    import torch
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    size, channels = options.image_size, options.channels
    tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN[:channels], STD[:channels])]
    training = v2.Compose([v2.RandomResizedCrop(size), v2.RandomHorizontalFlip(), *tensor])
    validation = v2.Compose([v2.Resize(round(size * RESIZED)), v2.CenterCrop(size), *tensor])
    loader = {"loader": grey} if channels == 1 else {}
    return (
        ImageFolder(str(options.data / "train"), training, **loader),
        ImageFolder(str(options.data / "validation"), validation, **loader),
    )


def grey(path: str) -> Image.Image:
    """The file as one channel: cheaper than torchvision's own loader, which would make three of it."""
    from PIL import Image

    with open(path, "rb") as file:
        return Image.open(file).convert("L")
