"""One pass with a gradient through the head alone: what follows a layer, and nothing before it.

The layer's output is copied and cut loose; the pass goes on with the copy as a leaf that takes gradients. Nothing before the layer is
recorded, no parameter gets a `.grad` or needs to take gradients, and what works in place on the layer's output leaves the kept copy as
it was, on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import torch
from torch import nn

from core.errors import InvalidSpec

Alter = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Captured:
    """One row for each map asked for, on the CPU."""

    activations: torch.Tensor  # float32 [maps, channels, h, w]
    gradients: torch.Tensor  # of each row's own logit with respect to its activation; the same shape
    logits: torch.Tensor  # float32 [images, classes]


def capture(model: nn.Module, layer: nn.Module, x: torch.Tensor, class_indices: Sequence[int], lock: Lock) -> Captured:
    """Activations at `layer`, and the gradients there of the logits asked for: as many classes as images, or several of one image.

    Raises:
        InvalidSpec: the model is in training mode, a class does not exist, or `layer` has no maps or does not run exactly once.
    """
    kept: list[torch.Tensor] = []

    def cut_loose(output: torch.Tensor) -> torch.Tensor:
        kept.append(output.detach().clone().requires_grad_())
        torch.set_grad_enabled(True)  # from here on; no_grad below sets it back
        return kept[0].clone()  # a leaf must not be changed in place

    with torch.inference_mode(False), torch.no_grad():
        logits = _pass(model, layer, x.clone() if x.is_inference() else x, cut_loose, lock)
        refuse_missing_class(class_indices, logits.shape[1])
        gradients = _gradients(logits, kept[0], class_indices)
    activations = kept[0].detach().float().cpu().expand(len(class_indices), -1, -1, -1)
    return Captured(activations, gradients.float().cpu(), logits.detach().float().cpu())


def activations(model: nn.Module, layer: nn.Module, x: torch.Tensor, lock: Lock) -> tuple[torch.Tensor, torch.Tensor]:
    """The output of `layer`, [images, channels, h, w], and the logits, [images, classes]; no gradients. Raises as `capture`."""
    kept: list[torch.Tensor] = []

    def keep(output: torch.Tensor) -> torch.Tensor:
        kept.append(output.clone())
        return output

    logits = replay(model, layer, x, keep, lock)
    return kept[0], logits


def replay(model: nn.Module, layer: nn.Module, x: torch.Tensor, alter: Alter, lock: Lock) -> torch.Tensor:
    """Logits of a pass whose rest is given `alter(output of layer)`; no gradients. Raises as `capture`."""
    with torch.inference_mode():
        return _pass(model, layer, x, alter, lock)


def head_runs_alone(model: nn.Module, layer: nn.Module, x: torch.Tensor, lock: Lock) -> bool:
    """Whether one image's activation may be replaced by several at once, as nothing bypasses `layer` that would not fit. x: [1, 1, S, S]"""
    _, alone = activations(model, layer, x, lock)
    try:
        doubled = replay(model, layer, x, lambda output: output.repeat(2, 1, 1, 1), lock)
    except RuntimeError:  # an earlier map of one image meets two later ones, as in a concatenation
        return False
    return doubled.shape[0] == 2 and torch.allclose(doubled, alone.expand_as(doubled), rtol=1e-4, atol=1e-5)


def refuse_missing_class(class_indices: Sequence[int], classes: int) -> None:
    """Raises InvalidSpec where one of `class_indices` is no class."""
    wrong = [index for index in class_indices if not 0 <= index < classes]
    if wrong:
        rule = f"The classes of this model are numbered from 0 to {classes - 1}."
        raise InvalidSpec(rule, ", ".join(map(str, wrong)), "Choose one of these.")


def _gradients(logits: torch.Tensor, leaf: torch.Tensor, class_indices: Sequence[int]) -> torch.Tensor:
    if len(class_indices) == len(logits):  # images do not mix, so that one backward pass of the sum gives each image's own
        return torch.autograd.grad(logits[range(len(logits)), class_indices].sum(), leaf)[0]
    return torch.cat([torch.autograd.grad(logits[0, index], leaf, retain_graph=True)[0] for index in class_indices])


def _pass(model: nn.Module, layer: nn.Module, x: torch.Tensor, alter: Alter, lock: Lock) -> torch.Tensor:
    """Logits of a pass in which what follows `layer` works on `alter(its output)`; no hook is left behind."""
    if model.training:
        raise InvalidSpec("A heat map is made of a model in eval mode.", "a model in training mode", "Make it of a copy: copy.eval().")
    calls = 0

    def hook(_module: nn.Module, _inputs: object, output: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        _refuse_other_than_maps(output)
        if calls > 1:
            raise _not_once("a layer that runs more than once")
        return alter(output)

    with lock:
        handle = layer.register_forward_hook(hook)
        try:
            logits = model(x)
        finally:
            handle.remove()
    if not calls:
        raise _not_once("a layer that does not run")
    return logits


def _refuse_other_than_maps(output: object) -> None:
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[2] * shape[3] < 2:
        rule = "A heat map reads a layer whose output has places: [batch, channels, height, width], more than one pixel."
        raise InvalidSpec(rule, f"an output of {list(shape) if isinstance(shape, tuple) else shape}", "Choose an earlier layer.")


def _not_once(received: str) -> InvalidSpec:
    return InvalidSpec("A heat map reads a layer that runs exactly once in a pass.", received, "Choose the block that holds it.")
