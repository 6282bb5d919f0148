"""The losses of an epoch's steps, written for the live curve when the device has computed them: nothing waits for it."""

from __future__ import annotations

import math
from collections import deque

import torch

from core.runs.store import Run
from core.training.events import StepDone

CURVE_POINTS = 20  # losses written an epoch; the count depends on the recipe alone, so that equal runs have equal files


class Losses:
    """Steps whose loss is under way from the device, in order."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._under_way: deque[tuple[StepDone, torch.Tensor, torch.cuda.Event | None]] = deque()

    def add(self, event: StepDone) -> None:
        """Begin to read the loss of every so manieth step; write those that have arrived meanwhile."""
        if event.step % max(1, event.steps // CURVE_POINTS) == 0:
            self._under_way.append((event, *_begun(event.loss)))
        while self._under_way and _arrived(self._under_way[0][2]):
            self._write()

    def write_all(self) -> None:
        """Wait for what is under way, at the end of an epoch."""
        while self._under_way:
            if arrival := self._under_way[0][2]:
                arrival.synchronize()
            self._write()

    def _write(self) -> None:
        event, loss, _ = self._under_way.popleft()
        row = {"kind": "step", "epoch": event.epoch, "step": event.step, "steps": event.steps, "loss": finite(float(loss)), "lr": event.lr}
        self._run.append_metrics(row)


def finite(value: float) -> float | None:
    """NaN and infinity are no JSON."""
    return value if math.isfinite(value) else None


def _begun(loss: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event | None]:
    if loss.device.type != "cuda":
        return loss, None
    copy = torch.empty((), dtype=loss.dtype, pin_memory=True).copy_(loss, non_blocking=True)
    arrival = torch.cuda.Event()
    arrival.record()
    return copy, arrival


def _arrived(arrival: torch.cuda.Event | None) -> bool:
    return arrival is None or arrival.query()
