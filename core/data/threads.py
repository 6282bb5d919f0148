"""The same work on many files, on every core, told of as it goes. Threads, not processes: decoders release the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with (done, total); it may raise to stop the work."""
_AHEAD = 64  # items handed out a core: the memory for what waits is bounded, and one slow file does not hold up the rest


def each(work: Callable[[Item], Result], items: Iterable[Item], progress: Progress | None = None) -> list[Result]:
    """`work` of every item, in order. The first error ends it, and what was not begun is not begun any more."""
    items, results = list(items), []
    waiting: deque[Future[Result]] = deque()
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= cores * _AHEAD:
                    _next(waiting, results, len(items), progress)
            while waiting:
                _next(waiting, results, len(items), progress)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def _next(waiting: deque[Future[Result]], results: list[Result], total: int, progress: Progress | None) -> None:
    results.append(waiting.popleft().result())
    if progress:
        progress(len(results), total)
