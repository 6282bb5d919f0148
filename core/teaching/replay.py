"""A recorded run as if it were live: what its page would have shown at any second, and a player that says which second it is.

`metrics.jsonl` has no clock, so the recorded time is spread evenly over the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.errors import UnusableRun
from core.runs import index, store
from core.runs.status import LIVE, Status

SPEEDS = tuple(factor * 10**power for power in range(6) for factor in (1, 2, 5))
SHORTEST, USUAL = 5.0, 60.0  # seconds that a replay lasts at least, and at most unless somebody chooses so


@dataclass(frozen=True)
class Recording:
    """What a run's trainer wrote, with the second at which each row would have come."""

    run: store.Run
    status: Status  # as the run ended
    rows: tuple[Mapping[str, Any], ...]
    seconds: float  # that trainers worked on it

    @classmethod
    def of(cls, run: store.Run) -> Recording:
        """The recording of a run that is over.

        Raises:
            UnusableRun: it is still going on, or it ended before its first step.
        """
        status, rows = run.status(), run.metrics()
        if status.live or not rows or not status.seconds:
            what = f"run {run.id}, which " + ("is still training" if status.live else "has no curve")
            raise UnusableRun("A run is replayed when it is over and has a curve.", what, "Choose another run.")
        return cls(run, status, tuple(rows), status.seconds)

    @property
    def epochs(self) -> float:
        """How far it came, in epochs."""
        return max(_place(row) for row in self.rows)

    def at(self, second: float) -> Frame:
        """What was there `second` seconds after the start; before 0 nothing, after the end everything."""
        reached = self.epoch_at(second)
        rows = tuple(row for row in self.rows if _place(row) <= reached)
        steps = [row for row in rows if row["kind"] == "step"]
        now = _status_at(self.status, steps[-1] if steps else None, max(0.0, self.seconds - second))
        return Frame(rows, now)

    def epoch_at(self, second: float) -> float:
        """How far the run had come, in epochs."""
        return self.epochs * min(1.0, max(0.0, second / self.seconds))

    def second_of(self, epoch: float) -> float:
        """When the run had come so far."""
        return self.seconds * min(1.0, epoch / self.epochs)


@dataclass(frozen=True)
class Frame:
    """One moment: the rows written so far, and the status as it would have been."""

    rows: tuple[Mapping[str, Any], ...]
    status: Status


@dataclass(frozen=True)
class Player:
    """Where a replay stands. Times given to it are seconds of any clock that does not jump."""

    seconds: float  # of the recording
    speed: int = 1
    position: float = 0.0  # seconds of the recording, when it was last touched
    since: float | None = None  # when that was, while it plays; None while it does not

    def at(self, now: float) -> float:
        """The second of the recording."""
        played = 0.0 if self.since is None else self.speed * (now - self.since)
        return min(self.seconds, self.position + played)

    def plays(self, now: float) -> bool:
        return self.since is not None and not self.ended(now)

    def ended(self, now: float) -> bool:
        return self.at(now) >= self.seconds

    def played(self, now: float) -> Player:
        """Going on; from the start where it had ended."""
        return replace(self, position=0.0 if self.ended(now) else self.at(now), since=now)

    def paused(self, now: float) -> Player:
        return replace(self, position=self.at(now), since=None)

    def sought(self, second: float, now: float) -> Player:
        """At another second, playing or not as before."""
        return replace(self, position=min(self.seconds, max(0.0, second)), since=now if self.plays(now) else None)

    def timed(self, speed: int, now: float) -> Player:
        """At another speed from here on."""
        return replace(self, position=self.at(now), since=now if self.plays(now) else None, speed=speed)


def speeds(seconds: float) -> tuple[int, ...]:
    """Factors by which a recording of so many seconds may be played; the first is 1, the last still lasts a while."""
    return (1, *(speed for speed in SPEEDS[1:] if seconds / speed >= SHORTEST))


def usual_speed(seconds: float) -> int:
    """The smallest factor at which it is over within a minute."""
    return next(speed for speed in SPEEDS if seconds / speed <= USUAL or speed == SPEEDS[-1])


def replayable() -> list[index.Row]:
    """Runs that are over and came to their first step, newest first."""
    return [row for row in index.rows() if row.state not in LIVE and row.seconds and row.epoch]


def _status_at(ended: Status, step: Mapping[str, Any] | None, left: float) -> Status:
    """The status as it would have been after `step` (a row of the metrics; None: before the first), `left` seconds before the end."""
    place = {name: step[name] if step else 0 for name in ("epoch", "step", "steps")}
    return ended.model_copy(
        update={"state": "running", "phase": "training" if step else "at the start", "message": "", "seconds_left": left, **place}
    )


def _place(row: Mapping[str, Any]) -> float:
    """A row's place in the run, in epochs."""
    return row["epoch"] - 1 + row["step"] / row["steps"] if row["kind"] == "step" else float(row["epoch"])
