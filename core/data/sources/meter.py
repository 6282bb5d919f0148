"""How far a piece of work is, for a bar and for a person: at most a few times a second, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable

from core import wording

EVERY = 0.2  # seconds between two messages
SETTLED = 2.0  # seconds after which the pace says something about the rest


class Meter:
    """A progress callback (done, total) that shows a share in [0, 1] and a line; `total` is 0 where it is unknown.

    What was done before the first call does not count to the pace: work that goes on where it stopped is not quicker for it.
    """

    def __init__(
        self, show: Callable[[float, str], object], text: Callable[[int, int], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._show, self._text, self._clock = show, text, clock
        self._began: tuple[float, int] | None = None  # when, and how much was done then
        self._shown, self._ended = float("-inf"), False

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if self._began is None and done:
            self._began = now, done
        ends = done == total and not self._ended
        if now - self._shown < EVERY and not ends:
            return
        self._shown, self._ended = now, done == total
        left = self._left(now, done, total)
        line = self._text(done, total) + (f", {wording.duration(left)} left" if left else "")
        self._show(min(1.0, done / total) if total else 0.0, line)

    def _left(self, now: float, done: int, total: int) -> float | None:
        """Seconds, or None where nothing can be said yet."""
        if self._began is None or not total or done >= total or now - self._began[0] < SETTLED or done <= self._began[1]:
            return None
        return (now - self._began[0]) / (done - self._began[1]) * (total - done)
