"""Where things are kept on this machine. Read anew at each call, so that a test or a second app may point elsewhere."""

from __future__ import annotations

import os
from pathlib import Path


def artifacts_dir() -> Path:
    """The folder for runs, data sets, caches and the index: `CXRLAB_ARTIFACTS`, or `artifacts/` beside the `core` package."""
    chosen = os.environ.get("CXRLAB_ARTIFACTS")
    return Path(chosen).expanduser().resolve() if chosen else Path(__file__).resolve().parents[1] / "artifacts"


def recorded_dir() -> Path:
    """The folder of the records that came with the project, which are only read: `CXRLAB_RECORDED`, or `artifacts/recorded/` there."""
    chosen = os.environ.get("CXRLAB_RECORDED")
    return Path(chosen).expanduser().resolve() if chosen else Path(__file__).resolve().parents[1] / "artifacts" / "recorded"
