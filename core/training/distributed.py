"""Several processes that train one network: how they divide a batch, agree, and bring together what each has found.

Each holds the whole network and the whole data. A batch is drawn by all of them alike and divided; evaluation deals out whole batches. A
process alone is a group of one, for which nothing here computes or waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from core.errors import InvalidSpec

Value = TypeVar("Value")


@dataclass(frozen=True)
class Group:
    """This process among those that train together; the methods are called by all of them, at the same places."""

    rank: int = 0
    size: int = 1

    @property
    def alone(self) -> bool:
        return self.size == 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def part(self, batch: Tensor) -> Tensor:
        """This process's share of `batch`; shares differ by one at most."""
        return batch if self.alone else batch.tensor_split(self.size)[self.rank]

    def total(self, values: Tensor) -> Tensor:
        """The sum of all processes' `values`."""
        if not self.alone:
            dist.all_reduce(values)
        return values

    def of_first(self, value: Value) -> Value:
        """The first process's `value`."""
        if self.alone:
            return value
        held = [value]
        dist.broadcast_object_list(held)
        return held[0]

    def gathered(self, value: Value) -> list[Value]:
        """Every process's `value`, by rank."""
        if self.alone:
            return [value]
        found: list[Value] = [value] * self.size
        dist.all_gather_object(found, value)
        return found

    def training_way(self, model: nn.Module) -> nn.Module:
        """`model`, whose gradients are the mean over all processes after each backward pass."""
        return model if self.alone else nn.parallel.DistributedDataParallel(model)

    def share_statistics(self, model: nn.Module) -> None:
        """Give all processes the first one's batch statistics: each has seen its own shares."""
        for buffer in () if self.alone else model.buffers():
            dist.broadcast(buffer, src=0)

    def dealt(self, own: list[Value]) -> list[Value]:
        """All that the processes found of batches dealt out to them, in the order of the batches."""
        return [value for turn in zip_longest(*self.gathered(own)) for value in turn if value is not None]


ALONE = Group()


def started_together() -> bool:
    """Whether this process was started as one of several."""
    return dist.is_torchelastic_launched()


@contextmanager
def joined(on_gpus: bool) -> Iterator[Group]:
    """The group that this process was started in, its channels open."""
    if not started_together():
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo")  # what is agreed upon never waits for a GPU
    try:
        yield Group(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def device_of(processes: int, device: str | None) -> str | None:
    """The device of this process: its own GPU where there are any and none was named, else what was named.

    Raises:
        InvalidSpec: there are fewer GPUs than processes, or one GPU was named for all.
    """
    if processes == 1:
        return device
    if device == "cpu" or not (count := torch.cuda.device_count()):
        return "cpu"
    if count < processes or device not in (None, "cuda"):
        received = f"{processes} processes, {device or count} of {count} GPUs"
        raise InvalidSpec("Each of several processes has a GPU of its own.", received, "Choose fewer processes, or the device cpu.")
    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
