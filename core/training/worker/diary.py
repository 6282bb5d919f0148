"""What the trainer tells of itself while it works: the run's `status.json`, and where a request to stop is noticed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from core.data.batches import Feed
from core.runs.status import Status
from core.runs.store import Run
from core.training.distributed import ALONE
from core.training.events import BatchValidated, StepDone

Report = Callable[[Status], None]

STATUS_EVERY = 1.0  # seconds between two writes of the status while steps go by
SAME_WISH = 5.0  # seconds in which another request to stop is the one just followed: a button pressed twice, or by two people


class Stopped(Exception):
    """The run was asked to stop."""


class Cancelled(Stopped):
    """For good, unless somebody has it go on."""


class Paused(Stopped):
    """For a while."""


class Diary:
    """Keeps `status.json` current: at once for news, at most every `STATUS_EVERY` seconds for steps."""

    def __init__(self, run: Run, report: Report | None) -> None:
        self.run, self.report, self.status = run, report, run.status()
        self.group = ALONE  # until all processes of a training work side by side
        self._followed = -SAME_WISH  # when a request to stop was, last
        self._told = 0.0  # when progress was told of last; news in between does not put it off
        self._pace: list[tuple[float, int]] = []  # (time, images so far) since the training started

    def note(self, **values: Any) -> None:
        self.status = self.status.changed(heartbeat=time.time(), **values)
        self._write()

    def working(self, phase: str, done: int, total: int) -> None:
        """Called often; also where a request to stop is noticed."""
        self.stop_if_asked()
        if phase != self.status.phase or self._due():
            self._progress(phase=phase, message=f"{phase}: {done:,} of {total:,}")

    def stepped(self, event: StepDone, epochs: int) -> None:
        self.stop_if_asked()
        now = time.monotonic()
        self._pace.append((now, (self._pace[-1][1] if self._pace else 0) + event.images))
        if self._due():
            self._progress(
                phase="training", message="", epoch=event.epoch, step=event.step, steps=event.steps, **self._speed(event, epochs)
            )

    def validated(self, event: BatchValidated) -> None:
        self.stop_if_asked()
        if self._due():
            self._progress(phase="validating", message=f"validating: {event.done:,} of {event.images:,}")

    def seen(self, phase: str, feed: Feed) -> Iterator[Tensor]:
        """The images of `feed` in order, batch by batch, each told of."""
        done = 0
        for x, _ in feed.in_order():
            yield x
            done += len(x)
            self.working(phase, done, len(feed))

    def follow_request(self) -> None:
        """What was asked is done from here on; what is asked later, not the same once more, may end that in turn."""
        self._followed = time.monotonic()
        self.run.withdraw_requests()

    def stop_if_asked(self) -> None:
        """Of several processes all stop at the same call, as the first one is asked to."""
        asked = Cancelled if self.run.cancel_requested() else Paused if self.run.pause_requested() else None
        if asked and time.monotonic() - self._followed < SAME_WISH:
            self.run.withdraw_requests()
            asked = None
        if asked := self.group.of_first(asked):
            raise asked

    def _progress(self, **values: Any) -> None:
        self.note(**values)
        self._told = time.monotonic()

    def _due(self) -> bool:
        return time.monotonic() - self._told > STATUS_EVERY

    def _speed(self, event: StepDone, epochs: int) -> dict[str, float | None]:
        """Speed of the last minute, and the time left at this run's own pace, validation included."""
        self._pace = [point for point in self._pace if point[0] >= self._pace[-1][0] - 60] or self._pace[-1:]
        (first, before), (last, after) = self._pace[0], self._pace[-1]
        if last - first < 1:
            return {"images_per_second": None, "seconds_left": None}
        steps_left = (epochs - event.epoch) * event.steps + event.steps - event.step
        return {
            "images_per_second": (after - before) / (last - first),
            "seconds_left": steps_left * (last - first) / max(1, len(self._pace) - 1),
        }

    def _write(self) -> None:
        self.run.write_status(self.status)
        if self.report:
            self.report(self.status)
