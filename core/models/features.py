"""What a network makes of an image, as one vector: the global average of each map at a layer. It knows nothing of files or data sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import InvalidSpec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


def features(model: nn.Module, layer: nn.Module, x: torch.Tensor) -> np.ndarray:
    """The features of a batch. float32 [batch, channels of `layer`]

    The caller holds the model's lock where others use the model too.

    Args:
        layer: one of `model` that gives maps [batch, channels, h, w]; that of `Architecture.cam_layer` is meant.
        x: float32 [batch, 1, S, S] in 0…1, on the model's device.

    Raises:
        InvalidSpec: the model is in training mode, which would change it, or `layer` gives no maps or does not run exactly once.
    """
    import torch

    if model.training:
        raise InvalidSpec("Features are read from a model in eval mode.", "a model in training mode", "Call model.eval() first.")
    with torch.inference_mode(), recorded(layer) as found:
        model(x)
    if len(found) != 1:
        raise InvalidSpec(
            "Features are read from a layer that runs once a pass.", f"one that ran {len(found)} times", "Choose another layer."
        )
    return found[0]


@contextmanager
def recorded(layer: nn.Module) -> Iterator[list[np.ndarray]]:
    """A list that gets the features of every pass of `layer` inside the block, for a caller who needs the pass's result as well.

    Each is float32 [batch, channels]. A layer that gives no maps makes its pass raise InvalidSpec.
    """
    found: list[np.ndarray] = []

    def keep(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        if getattr(output, "ndim", 0) != 4:
            shape = list(getattr(output, "shape", ())) or type(output).__name__
            raise InvalidSpec("Features are read from a layer that gives maps [batch, channels, h, w].", shape, "Choose another layer.")
        found.append(output.detach().float().mean(dim=(2, 3)).cpu().numpy())  # at once: what follows may work in place on the maps

    handle = layer.register_forward_hook(keep)
    try:
        yield found
    finally:
        handle.remove()
