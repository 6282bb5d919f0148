"""Whether somebody works on the queue: what supervisors last wrote of themselves, beside the runs that wait."""

from __future__ import annotations

import json
import time
from typing import Literal

from core import wording
from core.runs import index
from core.runs.status import ProcessMark, alive
from core.settings import artifacts_dir


def look() -> tuple[Literal["ok", "warning"], str, str]:
    """State, what was found, way out. A supervisor's file holds its `process` (a `ProcessMark`) and its last `heartbeat` (Unix time)."""
    now, living, gone = time.time(), 0, []
    for path in sorted((artifacts_dir() / "supervisors").glob("*.json")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            lives = alive(ProcessMark.model_validate(values["process"]), values.get("heartbeat"), now)
        except (OSError, ValueError, KeyError, TypeError):  # pydantic's errors are ValueErrors
            lives = False
        living += lives
        gone += [] if lives else [path.name]
    rows = index.rows()
    counts = {state: sum(row.state == state for row in rows) for state in ("running", "queued", "interrupted")}
    found = f"{wording.count(living, 'supervisor')}; " + ", ".join(f"{count} {state}" for state, count in counts.items())
    if counts["interrupted"]:
        return "warning", found, "Go on with the interrupted runs, or cancel them."
    if gone and not living:
        return "warning", f"{found}; ended without a word: {', '.join(gone)}", "Start one with python -m core work, or submit a run."
    return "ok", found, ""
