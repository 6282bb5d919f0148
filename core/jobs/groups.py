"""Jobs that were submitted under one experiment's name, as one: how many are in which state, and what is asked of all of them at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from core.errors import UnusableRun
from core.jobs import ended, queue, requests, supervisors
from core.jobs.overview import Line, Overview, Parted
from core.runs import index, store
from core.runs.store import Run

KEPT_SECONDS = 2 * 86400.0  # that an experiment is shown after the last of its runs ended
_WORDS = {"running": "training", "queued": "waiting", "paused": "paused", "failed": "failed", "done": "done"}
"""Those that matter most first."""


@dataclass(frozen=True)
class Group(Parted):
    name: str
    counts: dict[str, int]  # state of a run → runs
    lines: list[Line]  # those that are active or wait

    @property
    def runs(self) -> int:
        return sum(self.counts.values())

    @property
    def share_ended(self) -> float:
        return 1 - sum(self.counts.get(state, 0) for state in ("queued", "running", "paused", "interrupted")) / self.runs

    @property
    def sentence(self) -> str:
        """ "1 training · 12 waiting · 3 done · the last one: starts in about 2.0 h"."""
        order = [*_WORDS, *sorted(self.counts.keys() - _WORDS.keys())]
        parts = [f"{self.counts[state]:,} {_WORDS.get(state, state)}" for state in order if self.counts.get(state)]
        if self.waiting:
            parts.append(f"the last one: {self.waiting[-1].left_text}")
        return " · ".join(parts)


def groups(found: Overview) -> list[Group]:
    """Experiments of two or more runs with something left to do, then those that ended of late; each kind newest first."""
    runs: dict[str, list[index.Row]] = {}
    for row in found.rows:
        if row.experiment_name and not row.recorded:
            runs.setdefault(row.experiment_name, []).append(row)
    lines: dict[str, list[Line]] = {}
    for line in found.lines:
        lines.setdefault(line.experiment_name, []).append(line)
    made = [Group(name, _counts(rows, lines.get(name, [])), lines.get(name, [])) for name, rows in runs.items() if len(rows) > 1]
    made = [group for group in made if group.share_ended < 1 or _lately(runs[group.name])]
    return sorted(made, key=lambda group: group.share_ended == 1)


def pause(name: str) -> int:
    """Pause all of an experiment that wait or train; returns how many."""
    return len(_each(_queued(name), requests.pause))


def cancel(name: str) -> int:
    """Cancel all of an experiment that wait or train; returns how many."""
    return len(cancelled(name))


def cancelled(name: str) -> list[Run]:
    """Cancel all of an experiment that wait or train; returns them."""
    return _each(_queued(name), requests.cancel)


def go_on(name: str) -> int:
    """Queue all of an experiment that are paused again; returns how many."""
    paused = [row.run_id for row in reversed(index.rows()) if row.experiment_name == name and row.state == "paused"]
    asked = _each(map(store.find, paused), lambda run: requests.go_on(run, supervised=False))
    supervisors.ensure()
    return len(asked)


def prioritise(name: str, priority: int) -> int:
    """Give all of an experiment that wait this priority; returns how many."""
    return len(_each(_queued(name), lambda run: requests.move(run, priority=priority)))


def _counts(rows: Iterable[index.Row], lines: Iterable[Line]) -> dict[str, int]:
    """By state; whose trainer is about to start counts as running."""
    active = {line.run_id: "running" for line in lines if not line.waits}
    return dict(Counter(active.get(row.run_id, row.state) for row in rows))


def _queued(name: str) -> list[Run]:
    """Those that would start last come first, so that none of them starts while the others are asked to end."""
    return [job.run for job in reversed(queue.jobs()) if job.experiment_name == name]


def _each(runs: Iterable[Run], ask: Callable[[Run], object]) -> list[Run]:
    """Those of `runs` that did as they were asked."""
    asked = []
    for run in runs:
        with suppress(UnusableRun):  # it ended a moment ago, or it trains and cannot be moved
            ask(run)
            asked.append(run)
    return asked


def _lately(rows: Iterable[index.Row]) -> bool:
    return time.time() - max(ended.changed_at(row.run_id) for row in rows) < KEPT_SECONDS
