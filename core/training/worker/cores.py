"""How many threads a training takes on a processor: as many as there are cores that nothing else keeps busy all the time.

All threads of a step wait for the slowest, and so it matters how they wait (`core.waiting`). On two cores of which another program
takes half of one, two threads train a quarter faster than one; where it takes a whole one, neither is better, and one leaves it alone.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import torch

from core.training.execution import Execution

LOOK_EVERY = 5.0  # seconds
NEARLY = 0.1  # of a core that may be idle and the core still count as busy


@contextmanager
def followed(how: Execution) -> Iterator[Callable[[], None]]:
    """Gives what to call at every step. It does nothing on a GPU, nor where repeats must be identical: threads decide the rounding.

    Nor does it among several processes, which would give way to each other.
    """
    if how.device.type != "cpu" or how.deterministic or not how.group.alone:
        yield lambda: None
        return
    free = FreeCores()
    try:
        yield free.follow
    finally:
        free.end()


class FreeCores:
    """Follows what other programs leave free, and sets torch's threads accordingly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._most = clock, torch.get_num_threads()
        self._looked, self._others = clock(), _busy_others()

    def follow(self) -> None:
        """Called often; looks every `LOOK_EVERY` seconds."""
        now = self._clock()
        if now - self._looked < LOOK_EVERY:
            return
        others = _busy_others()
        busy = (others - self._others) / (now - self._looked)
        self._looked, self._others = now, others
        threads = wanted(self._most, os.cpu_count() or 1, busy)
        if threads != torch.get_num_threads():
            logging.info("%d threads from here on: other programs keep %.1f cores busy", threads, busy)
            torch.set_num_threads(threads)

    def end(self) -> None:
        """As many threads as at the start again."""
        torch.set_num_threads(self._most)


def wanted(most: int, cores: int, busy: float) -> int:
    """Threads, at most `most` and at least one, on `cores` of which others keep `busy` busy on average."""
    return max(1, min(most, cores - int(busy + NEARLY)))


def _busy_others() -> float:
    """Seconds that the cores of this machine have worked for other programs so far, all together.

    Without those that give way themselves (`nice`), and the time of guests, which is counted as the user's as well.
    """
    times, own = psutil.cpu_times(), psutil.Process().cpu_times()
    free = sum(getattr(times, name, 0.0) for name in ("idle", "iowait", "nice", "guest", "guest_nice"))
    return sum(times) - free - own.user - own.system
