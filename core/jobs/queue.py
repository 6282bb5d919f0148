"""Which run is trained next, and on what: a table of jobs in which each claim is one transaction.

Waiting and active jobs stand in the table, ended ones in their run folders alone. The folders hold everything that the table does
(`core.runs.ticket`): where it is missing, or lacks jobs, it is filled from them.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal, TypeVar

from core.errors import CoreError, UnusableRun
from core.jobs import devices
from core.runs import database, index, store, ticket
from core.runs.status import ProcessMark, Status
from core.runs.store import Run
from core.runs.ticket import Ticket

Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """One row of the table; see `Ticket` for what the fields mean."""

    run_id: str
    state: Literal["waiting", "active"]
    priority: int
    place: int
    wanted: str
    processes: int
    experiment_name: str
    submitted: float
    device: str
    host: str
    claim: str
    supervisor: str
    vain: int

    @property
    def run(self) -> Run:
        return Run(store.runs_dir() / self.run_id)

    @property
    def devices(self) -> list[str]:
        return self.device.split(",") if self.device else []


_COLUMNS = [field.name for field in fields(Job)]
_CLAIMED = "WHERE run_id = ? AND claim = ?"
_ORDER = "priority DESC, place, run_id"
_SCHEMA = f"CREATE TABLE jobs ({', '.join(_COLUMNS)}, PRIMARY KEY (run_id))"
_INDEX = f"CREATE INDEX jobs_in_order ON jobs (state, {_ORDER})"


def enqueue(run: Run, new: Ticket) -> Job:
    """Put `run` behind all waiting jobs of its priority. Its status is the caller's affair.

    Raises:
        UnusableRun: it stands in the queue already.
    """

    def insert(connection: sqlite3.Connection) -> Job:
        there = _select(connection, "WHERE run_id = ?", run.id)
        if there and (there[0].state, there[0].submitted) == ("waiting", new.submitted):
            return there[0]  # found in its folder a moment ago, by whoever filled the table
        if there:
            raise UnusableRun("A run stands in the queue once.", f"{run.id}, which is there", "Wait for it, or cancel it.")
        found = connection.execute("SELECT max(place) FROM jobs").fetchone()[0]
        return _insert(connection, run, new.changed(place=(found or 0) + 1))

    job = _use(insert)
    _ticket(job, new).write(run)
    return job


def jobs() -> list[Job]:
    """Active ones first, then those that wait, in the order in which they will start."""
    return _use(lambda connection: _select(connection, f"ORDER BY state, {_ORDER}"), writes=False)


def find(run_id: str) -> Job | None:
    """The job of a run that waits or is active."""
    found = _use(lambda connection: _select(connection, "WHERE run_id = ?", run_id), writes=False)
    return found[0] if found else None


def active(host: str) -> list[Job]:
    return _use(lambda connection: _select(connection, "WHERE state = 'active' AND host = ?", host), writes=False)


def claim(host: str, slots: Mapping[str, int], supervisor: str) -> Job | None:
    """Give the next waiting job that fits a free device of `host`; None where none waits or all devices are taken.

    However many supervisors claim at once, each job goes to one of them, and no device gets more jobs than its slots.

    Args:
        slots: device → jobs that it takes at a time. Jobs that want no device in particular take GPUs where there are some.
    """

    def take(connection: sqlite3.Connection) -> Job | None:
        free = dict(slots)
        for job in _select(connection, "WHERE state = 'active' AND host = ?", host):
            for device in job.devices:
                free[device] = free.get(device, 0) - 1
        for job in _first_waiting(connection, [device for device, left in free.items() if left > 0]):
            fitting = _devices_for(job, slots)
            needed = _devices_needed(job, fitting)
            chosen = devices.together([device for device in fitting if free[device] > 0], needed)
            if chosen:
                values = {"state": "active", "device": ",".join(chosen), "host": host, "claim": uuid.uuid4().hex, "supervisor": supervisor}
                return _update(connection, job, values)
            if devices.together(fitting, needed):  # it waits for devices to come free; those behind it must not take them
                free |= dict.fromkeys(fitting, 0)
        return None

    while (job := _use(take)) is not None:
        status = _to_train(job)
        if status is None:
            release(job)
            continue
        old = ticket.of(job.run) or Ticket(submitted=job.submitted)
        _ticket(job, old).changed(process=None, reached=(status.epoch, status.step)).write(job.run)
        return job
    return None


def _to_train(job: Job) -> Status | None:
    """How its run stands; None where there is nothing to train."""
    try:
        status = job.run.status()
    except (CoreError, ValueError):  # its folder is gone, or damaged
        return None
    return None if status.state == "done" else status  # a table that was made again may remember what its folder had just got over


def note_process(job: Job, mark: ProcessMark) -> None:
    """Remember who trains an active job."""
    old = ticket.of(job.run)
    if old is not None and old.claim == job.claim:
        old.changed(process=mark).write(job.run)


def release(job: Job) -> bool:
    """Take an active job out of the table; False where its claim has ended already."""
    deleted = _use(lambda connection: connection.execute(f"DELETE FROM jobs {_CLAIMED}", (job.run_id, job.claim)).rowcount)
    if deleted:
        _end_ticket(job.run)
    return deleted == 1


def is_active(job: Job) -> bool:
    """Whether its claim still holds."""
    return bool(_use(lambda connection: _select(connection, _CLAIMED, job.run_id, job.claim), writes=False))


def return_to_queue(job: Job, vain: int) -> bool:
    """Let an active job wait again, before all others of its priority; False where its claim has ended already."""

    def put_back(connection: sqlite3.Connection) -> Job | None:
        if not _select(connection, _CLAIMED, job.run_id, job.claim):
            return None
        first = connection.execute("SELECT min(place) FROM jobs").fetchone()[0]
        values = {"state": "waiting", "place": first - 1, "device": "", "host": "", "claim": "", "supervisor": "", "vain": vain}
        return _update(connection, job, values)

    waiting = _use(put_back)
    if waiting is not None:
        old = ticket.of(job.run) or Ticket(submitted=job.submitted)
        _ticket(waiting, old).changed(process=None).write(job.run)
    return waiting is not None


def withdraw(run: Run) -> bool:
    """Take a waiting job out of the table; False where none waits."""
    query = "DELETE FROM jobs WHERE run_id = ? AND state = 'waiting'"
    deleted = _use(lambda connection: connection.execute(query, (run.id,)).rowcount)
    if deleted:
        _end_ticket(run)
    return deleted == 1


def reorder(run_id: str, *, priority: int | None = None, to: Literal["first", "last", "earlier", "later"] | None = None) -> Job | None:
    """Change a waiting job's priority, or its place among those of its priority; None where none waits."""

    def move(connection: sqlite3.Connection) -> list[Job]:
        found = _select(connection, "WHERE run_id = ? AND state = 'waiting'", run_id)
        if not found:
            return []
        job = found[0] if priority is None else _update(connection, found[0], {"priority": priority})
        rivals = _select(connection, f"WHERE state = 'waiting' AND priority = ? ORDER BY {_ORDER}", job.priority)
        now = [rival.run_id for rival in rivals].index(run_id)
        target = {"first": 0, "last": len(rivals) - 1, "earlier": max(0, now - 1), "later": min(len(rivals) - 1, now + 1), None: now}[to]
        other = rivals[target]
        if to in ("first", "last") and target != now:  # as few as possible change their places: each is written into its folder
            return [_update(connection, job, {"place": other.place + (1 if to == "last" else -1)})]
        swapped = [_update(connection, job, {"place": other.place}), _update(connection, other, {"place": job.place})]
        return swapped[:1] if target == now else swapped

    moved = _use(move)
    for job in moved:
        if old := ticket.of(job.run):
            _ticket(job, old).write(job.run)
    return next((job for job in moved if job.run_id == run_id), None)


def fill_from_folders() -> int:
    """Add jobs that only their folders know: submitted when a process died, or copied here; returns how many."""
    known = {job.run_id for job in jobs()}
    found = _tickets([run for run in _in_states("queued", "interrupted") if run.id not in known])
    lost = [(run, old) for run, old in found if old.state != "ended"]
    if lost:
        _use(lambda connection: [_insert(connection, run, old) for run, old in lost])
    return len(lost)


def _use(work: Callable[[sqlite3.Connection], Result], writes: bool = True) -> Result:
    """`work` on the table; a missing one, or another version's, is first made from the folders."""
    try:
        return database.use(partial(_with_table, work), writes)
    except _NoTable:
        database.use(partial(_create, _tickets(_in_states("queued", "running", "interrupted"))))
        return database.use(partial(_with_table, work), writes)


class _NoTable(Exception):
    """There is none, or another version wrote it."""


def _with_table(work: Callable[[sqlite3.Connection], Result], connection: sqlite3.Connection) -> Result:
    if not database.has_columns(connection, "jobs", _COLUMNS):
        raise _NoTable
    return work(connection)


def _create(tickets: list[tuple[Run, Ticket]], connection: sqlite3.Connection) -> None:
    if database.has_columns(connection, "jobs", _COLUMNS):  # somebody else was quicker
        return
    connection.execute("DROP TABLE IF EXISTS jobs")
    connection.execute(_SCHEMA)
    connection.execute(_INDEX)
    for run, known in tickets:
        if known.state != "ended":
            _insert(connection, run, known)


def _in_states(*states: str) -> list[Run]:
    return [Run(store.runs_dir() / row.run_id) for row in index.all_rows() if row.state in states]


def _tickets(runs: list[Run]) -> list[tuple[Run, Ticket]]:
    return [(run, found) for run in runs if (found := ticket.of(run)) is not None]


def _select(connection: sqlite3.Connection, rest: str, *values: object) -> list[Job]:
    return [Job(*row) for row in connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM jobs {rest}", values)]


def _first_waiting(connection: sqlite3.Connection, free: list[str]) -> list[Job]:
    """The first of each kind of wish that a free device could meet: whoever stands behind one of them has the same chances or worse."""
    if not free:
        return []
    found = []
    for wanted, processes in connection.execute("SELECT DISTINCT wanted, processes FROM jobs WHERE state = 'waiting'").fetchall():
        query = f"WHERE state = 'waiting' AND wanted = ? AND processes = ? ORDER BY {_ORDER} LIMIT 1"
        found += _select(connection, query, wanted, processes)
    return sorted(found, key=lambda job: (-job.priority, job.place, job.run_id))


def _devices_for(job: Job, slots: Mapping[str, int]) -> list[str]:
    """Those of `slots` that would do for `job`."""
    if job.wanted:
        return [device for device in slots if device == job.wanted or device.startswith(f"{job.wanted}:")]
    return [device for device in slots if devices.kind(device) != "cpu"] or list(slots)


def _devices_needed(job: Job, fitting: list[str]) -> int:
    return 1 if all(devices.kind(device) == "cpu" for device in fitting) else job.processes  # which share the processor


def _insert(connection: sqlite3.Connection, run: Run, new: Ticket) -> Job:
    job = Job(run_id=run.id, **{name: getattr(new, name) for name in _COLUMNS if name != "run_id"})
    connection.execute(f"INSERT OR REPLACE INTO jobs VALUES ({', '.join('?' * len(_COLUMNS))})", tuple(vars(job).values()))
    return job


def _update(connection: sqlite3.Connection, job: Job, values: dict[str, Any]) -> Job:
    connection.execute(f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in values)} WHERE run_id = ?", (*values.values(), job.run_id))
    return Job(**vars(job) | values)


def _ticket(job: Job, old: Ticket) -> Ticket:
    """`old` as the table has it now."""
    return old.changed(**{name: value for name, value in vars(job).items() if name != "run_id"})


def _end_ticket(run: Run) -> None:
    if old := ticket.of(run):
        old.changed(state="ended", process=None, claim="", supervisor="").write(run)


def new_ticket(**settings: Any) -> Ticket:
    """For a run that is submitted now."""
    return Ticket(submitted=time.time(), **settings)
