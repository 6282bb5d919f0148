"""What a run is doing, as its trainer last wrote it, and whether that can still be true."""

from __future__ import annotations

import os
import socket
import time
from typing import Literal

from pydantic import BaseModel, ConfigDict

State = Literal["queued", "running", "paused", "done", "cancelled", "failed", "interrupted"]
LIVE: tuple[State, ...] = ("queued", "running")
RESUMABLE: tuple[State, ...] = ("paused", "cancelled", "failed", "interrupted")
"""States from which a run can go on."""
Failure = Literal["", "memory", "not finite", "data", "disk", "killed", "driver", "other"]
"""Why a run failed, as far as a way out depends on it."""

SILENCE_LIMIT = 120.0  # seconds without a heartbeat after which a trainer on another machine counts as dead


class ProcessMark(BaseModel):
    """One process, for certain: a process id alone may have been given to another since.

    Its start is counted from the machine's own: as a time of day it would move whenever the machine's clock is set, and a living
    trainer would be taken for dead.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float  # seconds after the machine's start
    host: str

    @classmethod
    def of_this(cls) -> ProcessMark:
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """Of a process on this machine; psutil.Error where it is gone."""
        import psutil  # only for runs that may be alive

        return cls(pid=pid, started=psutil.Process(pid).create_time() - psutil.boot_time(), host=socket.gethostname())


class Moment(BaseModel):
    """When a run took a state. Unix time."""

    model_config = ConfigDict(frozen=True)

    state: State
    at: float


class Status(BaseModel):
    """The content of `status.json`. Times are Unix times; epochs and steps count from 1, and 0 is "not yet"."""

    model_config = ConfigDict(frozen=True)

    state: State = "queued"
    created: float
    started: float | None = None
    finished: float | None = None
    phase: str = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    images_per_second: float | None = None
    seconds_left: float | None = None
    best_epoch: int = 0
    device: str = ""
    message: str = ""
    failure: Failure = ""
    history: tuple[Moment, ...] = ()  # every change of state, in order; empty in folders of older versions
    process: ProcessMark | None = None
    heartbeat: float | None = None
    result: dict[str, float | int] | None = None  # of the test part: images, and each defined metric with its bounds (loss, loss_low, …)
    costs: dict[str, float] = {}  # parameters, multiply_adds, images_per_second (training), milliseconds_an_image, peak_memory (bytes)

    @property
    def seconds(self) -> float | None:
        """That trainers worked on it, waiting and pauses left out; None before the end."""
        if self.finished is None or self.started is None:
            return None
        return self.spent("running", self.finished) or self.finished - self.started  # older folders have no history

    def spent(self, state: State, now: float) -> float:
        """Seconds in `state` so far, all its spells together."""
        ends = [*(moment.at for moment in self.history[1:]), now]
        return sum(max(0.0, end - moment.at) for moment, end in zip(self.history, ends, strict=False) if moment.state == state)

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def share_done(self) -> float:
        """Progress of the training in 0…1."""
        if not self.epochs:
            return 0.0
        completed = max(0, self.epoch - 1) + (self.step / self.steps if self.steps else 0)
        return 1.0 if self.state == "done" else min(1.0, completed / self.epochs)

    def changed(self, **values: object) -> Status:
        """With `values`; another state is noted in the history."""
        state = values.get("state", self.state)
        if state != self.state or not self.history:
            values["history"] = (*self.history, Moment(state=state, at=time.time()))
        return self.model_copy(update=values)


def honest(status: Status, now: float | None = None) -> Status:
    """`status`, or "interrupted" where it says live and its process is gone: a state alone lies after a power cut.

    A run that waits in the queue has no process, and needs none.
    """
    now = time.time() if now is None else now
    waits = status.state == "queued" and status.process is None
    if not status.live or waits or (status.process is not None and alive(status.process, status.heartbeat, now)):
        return status
    died = Moment(state="interrupted", at=status.heartbeat or now)
    message = "The trainer ended without a word: it was killed, or the machine stopped. What it had kept is kept; go on with it."
    return status.model_copy(
        update={"state": died.state, "history": (*status.history, died), "seconds_left": None, "message": message},
    )


def alive(mark: ProcessMark, heartbeat: float | None, now: float) -> bool:
    """Whether that process can be at work: looked up on this machine, believed by its heartbeat on another."""
    if mark.host != socket.gethostname():
        return heartbeat is not None and now - heartbeat < SILENCE_LIMIT
    import psutil

    try:
        same = abs(ProcessMark.of(mark.pid).started - mark.started) < 2
        return same and psutil.Process(mark.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
