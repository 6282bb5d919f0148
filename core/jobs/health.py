"""Whether somebody works on the queue."""

from __future__ import annotations

from typing import Literal

from core import wording
from core.jobs import queue, supervisors
from core.runs import index


def look() -> tuple[Literal["ok", "warning"], str, str]:
    """State, what was found, way out."""
    living, jobs = len(supervisors.living()), queue.jobs()
    queued = {job.run_id for job in jobs}
    interrupted = sum(row.state == "interrupted" and row.run_id not in queued for row in index.all_rows())
    counts = {state: sum(job.state == state for job in jobs) for state in ("active", "waiting")} | {"interrupted": interrupted}
    found = f"{wording.count(living, 'supervisor')}; " + ", ".join(f"{count} {state}" for state, count in counts.items())
    if jobs and not living:
        return "warning", f"{found}; nobody trains what waits", "Start a supervisor with python -m core work, or open the app."
    if interrupted:
        return "warning", found, "Go on with the interrupted runs, or cancel them."
    return "ok", found, ""
