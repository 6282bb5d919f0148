"""Any model of timm as an architecture: its sizes and its Grad-CAM layer are found by passes that compute nothing (meta device)."""

from __future__ import annotations

from functools import cache

import timm
import torch
from torch import nn

from core.errors import InvalidSpec
from core.models.registry import Architecture


def known(name: str) -> bool:
    """Whether timm has a model of this name, with or without a tag of weights ("resnet34.tv_in1k")."""
    if not timm.is_model(name):
        return False
    return "." not in name or name in timm.list_pretrained()


@cache
def all_names() -> tuple[str, ...]:
    return tuple(timm.list_models())


def describe(name: str) -> Architecture:
    """The architecture that timm calls `name`.

    Raises:
        InvalidSpec: its last features are no maps [batch, channels, h, w], as in a plain vision transformer, or it takes no square
            images of three channels: Grad-CAM has nothing to read.
    """
    config = timm.get_pretrained_cfg(name)
    channels, size = config.input_size[0], config.input_size[-1]
    if channels != 3:
        raise _refused(name, f"takes {channels} channels")
    try:
        with torch.device("meta"):
            network = timm.create_model(name, pretrained=False, num_classes=2).eval()
        layer = _last_map(network, size)
    except (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError, AssertionError) as error:
        raise _refused(name, f"cannot be looked into ({str(error).splitlines()[0] if str(error) else type(error).__name__})") from None
    if not layer:
        raise _refused(name, "ends in features without places, not in maps [batch, channels, height, width]")
    return Architecture(
        name=name,
        title=f"{name} (timm)",
        builder="core.models.backbones:from_timm",
        image_size=size,
        smallest=size if config.fixed_input_size else _smallest(network, size),
        channels=channels,
        cam_layer=layer,
        head=_after_trunk(network, size),
        library="timm",
        source=f"{config.architecture}.{config.tag}" if config.tag else name,
        mean=tuple(config.mean),
        std=tuple(config.std),
    )


def _last_map(network: nn.Module, size: int) -> str:
    """Path of the last module that gives the trunk's final maps, or of the last one before them where those are a single pixel."""
    found: list[tuple[str, tuple[int, ...]]] = []

    def note(path: str):
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                found.append((path, tuple(output.shape)))

        return hook

    handles = [module.register_forward_hook(note(path)) for path, module in network.named_modules() if path]
    try:
        features = _features(network, size)
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(features, torch.Tensor) or not _is_map(features.shape):
        return ""
    return next((path for path, shape in reversed(found) if shape == tuple(features.shape)), "")


def _is_map(shape: tuple[int, ...]) -> bool:
    """Square and more than one pixel, channels first."""
    return len(shape) == 4 and shape[2] == shape[3] > 1 and shape[1] != shape[2]


@torch.no_grad()
def _features(network: nn.Module, size: int) -> torch.Tensor:
    return network.forward_features(torch.zeros(1, 3, size, size, device="meta"))


def _after_trunk(network: nn.Module, size: int) -> tuple[str, ...]:
    """Children that `forward_features` does not run and that hold values."""
    ran: set[str] = set()
    children = dict(network.named_children())
    handles = [
        inner.register_forward_hook(lambda _module, _inputs, _output, name=name: ran.add(name))
        for name, child in children.items()
        for inner in child.modules()
    ]
    _features(network, size)
    for handle in handles:
        handle.remove()
    return tuple(name for name, child in children.items() if name not in ran and any(True for _ in child.parameters()))


def _smallest(network: nn.Module, size: int) -> int:
    """The least size at which the pass works and the last maps have more than one pixel, by bisection.

    First over multiples of 32, since some networks work at no others; then below the last of them.
    """

    def fits(side: int) -> bool:
        try:
            return _is_map(_features(network, side).shape)
        except (RuntimeError, AssertionError, ValueError):
            return False

    def least(low: int, high: int, step: int) -> int:  # in steps; low is too small, high large enough
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(middle * step) else (middle, high)
        return high * step

    coarse = least(0, -(-size // 32), 32)
    return least(max(coarse - 32, 1), coarse, 1)


def _refused(name: str, why: str) -> InvalidSpec:
    return InvalidSpec(
        "A network is trained here if Grad-CAM can show where it looked.",
        f"{name}, which {why}",
        "Choose a convolutional network.",
    )
