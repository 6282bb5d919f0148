"""CAM (Zhou et al. 2016) and the one kind of network that has it: global average pooling into a single linear layer."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import nn

from core.errors import InvalidSpec
from core.explain import headonly

if TYPE_CHECKING:
    import numpy as np

    from core.explain.headonly import Captured


def class_activation_map(captured: Captured) -> np.ndarray:
    """The class's weights times the maps (Zhou et al. 2016, equation 2), float32 [maps, h, w]; the mean over places is logit − bias.

    After average pooling the gradient at each place is the class's weight divided by the number of places.
    """
    weights = captured.gradients.sum(dim=(2, 3), keepdim=True)
    return (weights * captured.activations).sum(dim=1).numpy()


def refuse_other_heads(model: nn.Module, layer: nn.Module, x: torch.Tensor, class_index: int, captured: Captured, lock: Lock) -> None:
    """Raise InvalidSpec unless all that follows `layer` is average pooling and one linear layer; found by trial, not by names.

    Args:
        captured: what `headonly.capture` found; its first row is of `class_index` and the first image of `x`.
    """
    gradient = captured.gradients[0]
    uneven = (gradient - gradient.mean(dim=(1, 2), keepdim=True)).abs().max()
    if uneven > 1e-4 * gradient.abs().max():
        raise _refused("does not average those maps: it flattens them or takes maxima")
    noise = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(0))
    given = torch.stack([noise, torch.zeros_like(noise)])
    logits = headonly.replay(model, layer, x[:1].expand(2, -1, -1, -1), lambda output: given.to(output.device, output.dtype), lock)
    with_noise, without = logits[:, class_index].tolist()
    expected = gradient * noise
    rounding = 1e-4 * float(expected.abs().sum()) + 1e-5 * (abs(with_noise) + abs(without))
    if abs(with_noise - without - float(expected.sum())) > rounding:
        raise _refused("has more than one linear layer after its maps")


def _refused(why: str) -> InvalidSpec:
    return InvalidSpec(
        "CAM needs a network whose chosen layer is averaged over all places and followed by one linear layer.",
        f"a network that {why}",
        "Choose Grad-CAM, or the head “pooled” without a hidden layer in the recipe.",
    )
