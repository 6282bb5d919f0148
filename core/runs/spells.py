"""A run's life as the spells that it spent waiting, training and paused."""

from __future__ import annotations

import time
from dataclasses import dataclass

from core import wording
from core.runs.status import Moment, State, Status

_WORDS: dict[State, str] = {"queued": "waited", "running": "trained", "paused": "paused"}
ENDS: tuple[State, ...] = ("done", "cancelled", "failed", "interrupted")


@dataclass(frozen=True)
class Spell:
    state: State
    at: float  # Unix time
    seconds: float | None  # None for an end, which takes no time
    goes_on: bool  # the run is in it

    @property
    def text(self) -> str:
        """ "waited about 4 min", "paused about 2.0 h so far", "done"."""
        if self.seconds is None:
            return self.state
        return f"{_WORDS[self.state]} {wording.duration(self.seconds)}{' so far' if self.goes_on else ''}"


def spells(status: Status, now: float | None = None) -> list[Spell]:
    """In order; folders of older versions tell only when a run was made, started and ended."""
    now = time.time() if now is None else now
    history = status.history or _guessed(status)
    ends = [*(moment.at for moment in history[1:]), now]
    last = len(history) - 1
    return [
        Spell(moment.state, moment.at, None if moment.state in ENDS else max(0.0, end - moment.at), number == last)
        for number, (moment, end) in enumerate(zip(history, ends, strict=True))
    ]


def _guessed(status: Status) -> tuple[Moment, ...]:
    found = [Moment(state="queued", at=status.created)]
    if status.started:
        found.append(Moment(state="running", at=status.started))
    if status.finished and status.state in ENDS:
        found.append(Moment(state=status.state, at=status.finished))
    return tuple(found)
