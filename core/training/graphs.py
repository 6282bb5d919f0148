"""A network's training pass recorded once as CUDA graphs and replayed: small networks spend most of a step on starting kernels."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn


class Replayed:
    """`model`, replayed where a batch has the shape of the first one and the model is in training mode; else called as it is.

    Parameters and buffers are the model's own; recording leaves them as they were. Where it fails, the model is called; the log says why.
    """

    def __init__(self, model: nn.Module, bf16: bool) -> None:
        self._model, self._bf16 = model, bf16
        self._shape: torch.Size | None = None
        self._replay: nn.Module | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if self._shape is None:
            self._shape, self._replay = x.shape, self._record(x)
        if self._replay is None or x.shape != self._shape or not self._model.training:
            return self._model(x)
        return self._replay(x)

    def _record(self, x: Tensor) -> nn.Module | None:
        before = [buffer.clone() for buffer in self._model.buffers()]
        wrapped = _Pass(self._model).train()
        try:
            with torch.random.fork_rng(devices=[x.device]), torch.autocast("cuda", torch.bfloat16, enabled=self._bf16, cache_enabled=False):
                return torch.cuda.make_graphed_callables(wrapped, (x.clone(),), allow_unused_input=True)
        except RuntimeError as error:
            logging.warning("This network cannot be replayed from a CUDA graph: %s", error)
            return None
        finally:
            with torch.no_grad():
                for buffer, value in zip(self._model.buffers(), before, strict=True):
                    buffer.copy_(value)


class _Pass(nn.Module):
    """A module of its own around the model, since recording replaces a module's forward."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
