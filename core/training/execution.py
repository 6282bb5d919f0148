"""How training is carried out on the device at hand: which device, which number format, which memory format.

None of it is part of a recipe unless the recipe insists; all of it is recorded in the run's environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import InvalidSpec
from core.hardware import default_device, device_name
from core.recipes.recipe import Recipe
from core.training import graphs, host_memory
from core.training.distributed import ALONE, Group

Forward = Callable[[Tensor], Tensor]
"""Images float32 [batch, 1, S, S] → logits [batch, classes]: a network, or a faster way through it in training."""


@dataclass(frozen=True)
class Execution:
    """What was chosen, and why in one sentence."""

    device: torch.device
    device_name: str
    bf16: bool
    channels_last: bool
    deterministic: bool
    reason: str
    compiled: bool = False
    cuda_graphs: bool = False
    group: Group = ALONE

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def forward(self, model: nn.Module) -> Forward:
        """The way through `model` in training: itself or shared with other processes, compiled, or replayed from a CUDA graph."""
        if self.compiled:
            return torch.compile(self.group.training_way(model))
        if not self.group.alone:
            return self.group.training_way(model)
        return graphs.Replayed(model, self.bf16) if self.cuda_graphs else model

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, in the memory format chosen; on several GPUs its batch statistics are of the whole batch."""
        if not self.group.alone and self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return model.to(self.device, memory_format=torch.channels_last) if self.channels_last else model.to(self.device)


def choose(recipe: Recipe, device: str | None = None, group: Group = ALONE) -> Execution:
    """Decide for `recipe` on `device` ("cpu", "cuda", "cuda:1"; None: a GPU where there is one).

    Raises:
        InvalidSpec: there is no such device here.
    """
    chosen = _device(device)
    gains = _gains_from_bf16(chosen)
    bf16 = not recipe.reference and (recipe.precision == "bf16" or (recipe.precision == "auto" and gains))
    if recipe.reference:
        reason = "reference mode: fp32, deterministic"
    elif recipe.precision != "auto":
        reason = f"the recipe asks for {recipe.precision}"
    else:
        reason = "the processor multiplies bf16 natively" if gains else "the processor has no native bf16"
    wanted = recipe.execution
    if wanted.cuda_graphs and chosen.type != "cuda":
        raise InvalidSpec("CUDA graphs are replayed on a GPU.", f"execution.cuda_graphs on {chosen}", "Leave them out here.")
    return Execution(
        chosen,
        device_name(chosen),
        bf16,
        channels_last=wanted.channels_last == "on" or (wanted.channels_last == "auto" and not recipe.reference),
        deterministic=recipe.reference,
        reason=reason,
        compiled=wanted.compiled,
        cuda_graphs=wanted.cuda_graphs,
        group=group,
    )


@contextmanager
def prepared(execution: Execution) -> Iterator[None]:
    """torch's global switches as `execution` wants them, put back afterwards; on the processor memory is kept from step to step."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn, precision = torch.backends.cudnn, torch.get_float32_matmul_precision()
    cudnn_before = cudnn.benchmark, cudnn.allow_tf32
    torch.use_deterministic_algorithms(execution.deterministic)
    cudnn.benchmark = not execution.deterministic
    cudnn.allow_tf32 = not execution.deterministic  # convolutions have a switch of their own
    torch.set_float32_matmul_precision("highest" if execution.deterministic else "high")
    try:
        with host_memory.kept() if execution.device.type == "cpu" else nullcontext():
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.benchmark, cudnn.allow_tf32 = cudnn_before
        torch.set_float32_matmul_precision(precision)


def _device(name: str | None) -> torch.device:
    if name is None:
        return default_device()
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    count = {"cpu": 1, "cuda": torch.cuda.device_count()}.get(device.type, 0)
    if (device.index or 0) >= count:
        have = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        raise InvalidSpec("Training runs on a device of this machine.", repr(name), f"Choose one of: {', '.join(have)}.")
    return device


def _gains_from_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
