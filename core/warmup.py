"""Heavy libraries, loaded in the background while something else goes on: a person reads the first page, or images are decoded.

Modules that pages import load scikit-learn, scipy and torch inside the functions that need them, so that pages open at once.
"""

from __future__ import annotations

import gc
import importlib
import threading

APP = (
    "sklearn.metrics",
    "sklearn.model_selection",
    "core.training.preview",
    "core.models.backbones",
    "core.inference",
    "statsmodels.stats.api",
)
TRAINING = ("sklearn.model_selection", "core.training.worker", "core.models.backbones", "torch._dynamo")
DELAY = 2.0  # seconds: loading holds the interpreter, and the first page should be on its way by then


def start(names: tuple[str, ...], delay: float = 0.0, lasting: bool = False) -> threading.Thread:
    """Begin to load after `delay` seconds; whoever needs one of them meanwhile waits for the import as usual.

    Args:
        lasting: this process serves people for long. Half a million objects of the libraries never become garbage: later searches for
            it leave them out, each of which would hold the interpreter for a third of a second.
    """
    timer = threading.Timer(delay, _load, (names, lasting))
    timer.daemon = True
    timer.start()
    return timer


def _load(names: tuple[str, ...], lasting: bool) -> None:
    for name in names:
        importlib.import_module(name)
    if lasting:
        gc.collect()
        gc.freeze()
