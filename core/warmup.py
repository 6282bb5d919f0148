"""Heavy libraries, loaded in the background while a person still reads the first page.

Modules that pages import load scikit-learn, scipy and torch inside the functions that need them, so that pages open at once.
"""

from __future__ import annotations

import importlib
import threading

HEAVY = (
    "sklearn.metrics",
    "sklearn.model_selection",
    "core.training.preview",
    "core.models.backbones",
    "core.inference",
    "statsmodels.stats.api",
)
DELAY = 2.0  # seconds: loading holds the interpreter, and the first page should be on its way by then


def start() -> threading.Thread:
    """Begin to load; whoever needs one of them meanwhile waits for the import as usual."""
    timer = threading.Timer(DELAY, lambda: [importlib.import_module(name) for name in HEAVY])
    timer.daemon = True
    timer.start()
    return timer
