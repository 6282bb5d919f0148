"""Heavy libraries, loaded where nobody waits for them: after the first page is drawn, or while other threads decode images.

Modules that pages import load scikit-learn, scipy and torch inside the functions that need them, so that pages open at once. Never do two
threads load at the same time: where a package imports itself in a circle, as scipy does, Python lets one of them go on with half a module
(`importlib._bootstrap._lock_unlock_module`), which ends in an ImportError now and then.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

APP = (
    "sklearn.metrics",
    "sklearn.model_selection",
    "scipy.ndimage",
    "core.training.preview",
    "core.models.backbones",
    "core.inference",
    "statsmodels.stats.api",
)
TRAINING = ("sklearn.model_selection", "core.training.worker", "core.models.backbones", "torch._dynamo")
DELAY = 1.0  # seconds: loading holds the interpreter, and the first page should be on its way by then
EVERY = 100  # images at most: between two loads the decoding threads are handed new ones
_first = threading.Lock()
_loaded = threading.Event()


@contextmanager
def first_alone(names: Sequence[str] = APP, delay: float = DELAY) -> Iterator[None]:
    """A server's first page: those of other people wait until it is drawn and `names` are loaded, some five seconds, once."""
    if not _loaded.is_set():
        with _first:
            if not _loaded.is_set():
                try:
                    yield
                finally:
                    time.sleep(delay)
                    try:
                        load(names)
                        leave_out_of_garbage()
                    finally:
                        _loaded.set()  # also where something cannot be loaded: the page that needs it tells of it
                return
    yield


def load(names: Sequence[str]) -> None:
    """Import `names`, without searching their ever more objects for garbage meanwhile: that is a quarter of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        if searching:
            gc.enable()


def leave_out_of_garbage() -> None:
    """Half a million objects of the libraries never become garbage: later searches for it leave them out, each of which would hold the
    interpreter for a third of a second. For a process that serves people for long."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else libraries that count what they made report it as leaked


def beside(progress: Callable[[int, int], None], names: Sequence[str] = TRAINING) -> Callable[[int, int], None]:
    """The callback `progress`, which loads `names` too, one every hundred images from the first on, or sooner, so that none is left at the
    last image: the thread that calls it only waits for those who decode."""
    left = list(names)

    def count(done: int, total: int) -> None:
        if left and (done - 1) % max(1, min(EVERY, total // len(names))) == 0:
            load([left.pop(0)])
        progress(done, total)

    return count
