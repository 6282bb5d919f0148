"""The same work on many files, on every core, told of as it goes. Threads, not processes: decoders release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with (done, total); it may raise to stop the work."""


def each(work: Callable[[Item], Result], items: Iterable[Item], progress: Progress | None = None) -> list[Result]:
    """`work` of every item, in order. The first error ends it, and what was not begun is not begun any more."""
    items, results = list(items), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for result in pool.map(work, items):
                results.append(result)
                if progress:
                    progress(len(results), len(items))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results
