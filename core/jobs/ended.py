"""Runs that left the queue of late: how each ended, why, and what the likely way out is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.errors import CoreError
from core.jobs import failures, overview
from core.jobs.failures import WayOut
from core.runs import index, store


@dataclass(frozen=True)
class Ended:
    """Times in seconds."""

    run_id: str
    state: str
    title: str
    experiment_name: str
    at: float  # Unix time of its last change of state
    accuracy_text: str
    message: str
    queued_seconds: float
    run_seconds: float
    way_out: WayOut | None


def of_late(runs: Iterable[index.Row], states: Collection[str], most: int) -> tuple[list[Ended], int]:
    """Those of `runs` that took one of `states` last, the latest first and at most `most`, and how many there are in all.

    Recorded ones never stood in this queue.
    """
    rows = [row for row in runs if row.state in states and not row.recorded]
    latest = sorted(rows, key=lambda row: changed_at(row.run_id), reverse=True)[:most]
    return [ended for row in latest if (ended := _ended(row)) is not None], len(rows)


def changed_at(run_id: str) -> float:
    """When its status was last written, as Unix time; 0 where its folder was removed a moment ago."""
    try:
        return (store.runs_dir() / run_id / "status.json").stat().st_mtime
    except OSError:
        return 0.0


def _ended(row: index.Row) -> Ended | None:
    """None where it was removed a moment ago."""
    try:
        run = store.find(row.run_id)
        status = run.status()
        way_out = failures.way_out(status, run.recipe()) if status.state == "failed" else None
    except (CoreError, ValueError):
        return None
    at = status.history[-1].at if status.history else status.finished or status.created
    return Ended(
        run_id=row.run_id,
        state=status.state,
        title=overview.title(row),
        experiment_name=row.experiment_name,
        at=at,
        accuracy_text=row.accuracy_text,
        message=status.message,
        queued_seconds=status.spent("queued", at),
        run_seconds=status.spent("running", at) or status.seconds or 0.0,
        way_out=way_out,
    )
