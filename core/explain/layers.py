"""Which layers of a network a heat map can read, by the names under which its architecture knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import UnknownName

if TYPE_CHECKING:
    from threading import Lock

    from torch import nn

    from core.models.classifier import Classifier


def layers(model: Classifier, image_size: int, default: str, lock: Lock) -> tuple[str, ...]:
    """Paths of the layers that a person may choose, in the order in which they run: each block's or activation's output.

    Args:
        default: the architecture's `cam_layer`, always among them.
        lock: one for each model, as in `cam.explain`.
    """
    import torch

    trunk, found = model.layer(""), []
    paths = {*_steps(trunk, "", default, model.own_head), default}

    def note(path: str):
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
                found.append(path)

        return hook

    x = torch.zeros(1, 1, image_size, image_size, device=model.mean.device)
    with lock, torch.inference_mode():
        handles = [trunk.get_submodule(path).register_forward_hook(note(path)) for path in paths]
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
    return tuple(path for path, runs in Counter(found).items() if runs == 1)


def find(model: nn.Module, layer: nn.Module | str) -> nn.Module:
    """The module that `layer` names in `model`, or `layer` itself.

    Raises:
        UnknownName: the network has no layer of this name.
    """
    if not isinstance(layer, str):
        return layer
    trunk = _trunk(model)
    known = [path for path, _ in trunk.named_modules() if path]
    if layer not in known:
        raise UnknownName.among("layer", layer, known)
    return trunk.get_submodule(layer)


def name_of(model: nn.Module, layer: nn.Module | str) -> str:
    """The path of `layer` inside the architecture; empty where it stands elsewhere."""
    if isinstance(layer, str):
        return layer
    return next((path for path, module in _trunk(model).named_modules() if module is layer), "")


def _trunk(model: nn.Module) -> nn.Module:
    from core.models.classifier import Classifier

    return model.layer("") if isinstance(model, Classifier) else model


def _steps(module: nn.Module, path: str, default: str, left_out: tuple[str, ...]) -> Iterator[str]:
    """Paths of the blocks and activations that run one after the other; what stands inside a block is no step of the network."""
    from torch import nn

    for name, child in module.named_children():
        inside = f"{path}.{name}" if path else name
        if inside in left_out:
            continue
        if isinstance(child, nn.Sequential | nn.ModuleList) and inside != default:
            yield from _steps(child, inside, default, left_out)
        elif next(child.children(), None) is not None or type(child).__module__ == "torch.nn.modules.activation":
            yield inside
