"""The queue as people see it: what trains, what waits and from when, what it is all worth in time."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from core import wording
from core.jobs import devices, estimates, queue, supervisors
from core.runs import index
from core.runs.status import Status
from core.runs.store import Run

TURN = "waits for its turn"
SILENT_AFTER = 60.0  # seconds without a heartbeat after which people are told


@dataclass(frozen=True)
class Line:
    """A job that is active or waits. Times in seconds."""

    run_id: str
    state: str  # "starting" where a trainer was started and has not said anything yet
    place: int  # among those that wait, from 1; 0: it does not wait
    title: str
    model: str
    data: str
    experiment_name: str
    priority: int
    device: str
    progress: str
    share_done: float
    queued_seconds: float
    run_seconds: float
    left: float | None  # of an active job: until its end; of a waiting one: until its start; None: unknown
    heartbeat_age: float | None
    silent: float | None  # see `silence`
    asked: str  # "to stop", "to pause", or ""

    @property
    def waits(self) -> bool:
        return self.state == "waiting"

    @property
    def left_text(self) -> str:
        if self.waits and self.left is not None and self.left < 1:
            return "starts next"
        if self.waits:
            return f"starts in {wording.duration(self.left)}" if self.left is not None else "start unknown"
        return wording.duration(self.left)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Parted:
    """What has `lines`, by whether they wait."""

    lines: list[Line]

    @property
    def waiting(self) -> list[Line]:
        return [line for line in self.lines if line.waits]

    @property
    def active(self) -> list[Line]:
        return [line for line in self.lines if not line.waits]


@dataclass(frozen=True)
class Overview(Parted):
    lines: list[Line]
    rows: list[index.Row]  # of all runs, newest first
    left: float | None  # seconds until all is done
    supervisors: int
    devices: int

    @property
    def stands_still(self) -> bool:
        """Whether jobs wait, and nobody is there to start them."""
        return bool(self.waiting) and not self.supervisors

    @property
    def sentence(self) -> str:
        """What the whole queue comes to, and whether anybody works on it."""
        who = " No supervisor lives: nothing starts until one does (python -m core work)." if self.stands_still else ""
        return f"{self.summary}{who}"

    @property
    def summary(self) -> str:
        """What the whole queue comes to; empty where there is nothing in it."""
        if not self.lines:
            return ""
        left = "unknown, as none like some of them was trained here yet" if self.left is None else wording.duration(self.left)
        jobs, devices = wording.count(len(self.lines), "job"), wording.count(self.devices, "device")
        return f"{jobs} on {devices}; until all are done: {left}."


def lines() -> Overview:
    """Active jobs first, then those that wait, in their order."""
    found, known = queue.jobs(), index.all_rows()
    rows = {row.run_id: row for row in known}
    found = [job for job in found if job.run_id in rows]  # a folder that was removed by hand leaves its job behind until it is claimed
    living, now = supervisors.living(), time.time()
    statuses = {job.run_id: job.run.status() for job in found if job.state == "active"}
    judged = {run: status.spent("running", now) + left for run, status in statuses.items() if (left := status.seconds_left) is not None}
    pace = estimates.pace(known, judged)
    waiting = [estimates.seconds_left(rows[job.run_id], pace) for job in found if job.state == "waiting"]
    number = max(1, jobs_at_a_time(living))
    # A trainer that starts does not know its own speed yet.
    active = {run_id: _left(status, rows[run_id], pace) for run_id, status in statuses.items()}
    *starts, end = estimates.finish(list(active.values()), waiting, number)
    begin, place = iter(starts), count(1)
    made = []
    for job in found:
        status = statuses.get(job.run_id) or job.run.status()
        left = active[job.run_id] if job.state == "active" else next(begin)
        row = rows[job.run_id]
        made.append(
            Line(
                run_id=job.run_id,
                state=_state(job.state, status),
                place=next(place) if job.state == "waiting" else 0,
                title=title(row),
                model=row.model,
                data=row.data,
                experiment_name=job.experiment_name,
                priority=job.priority,
                device=job.device,
                progress=_missing(job, living) or _progress(job.state, status),
                share_done=status.share_done,
                queued_seconds=status.spent("queued", now),
                run_seconds=status.spent("running", now),
                left=left,
                heartbeat_age=now - status.heartbeat if status.heartbeat and job.state == "active" else None,
                silent=silence(status, now) if job.state == "active" else None,
                asked=asked(job.run) if job.state == "active" else "",
            )
        )
    seen = index.seen(known)
    own = {row.run_id for row in seen}
    return Overview([line for line in made if line.run_id in own], seen, end, len(living), number)


def title(row: index.Row) -> str:
    """What a run is of: "resnet18 on phantom (synthetic), fold 2 of 5, seed 7"; chance is named where runs are told apart by it."""
    fold = f", fold {row.fold + 1} of {row.folds}" if row.fold or row.experiment_name else ""
    seed = f", seed {row.seed}" if row.seed or row.experiment_name else ""
    return f"{row.model} on {row.data}{fold}{seed}"


def silence(status: Status, now: float) -> float | None:
    """Seconds since the last sign of life of a trainer that should have given one; None where all is well."""
    if status.state != "running" or status.heartbeat is None or now - status.heartbeat <= SILENT_AFTER:
        return None
    return now - status.heartbeat


def asked(run: Run) -> str:
    """What its trainer was asked and has not done yet: "to stop", "to pause", or ""."""
    return "to stop" if run.cancel_requested() else "to pause" if run.pause_requested() else ""


def progress_text(status: Status) -> str:
    """One line on a live run: "epoch 2 of 8 · 180 images/s · about 20 s left"."""
    if status.state == "queued" or status.phase != "training":
        return status.message or status.phase or TURN
    parts = [f"epoch {status.epoch} of {status.epochs}"]
    if status.images_per_second is not None:
        parts += [f"{status.images_per_second:.0f} images/s", f"{wording.duration(status.seconds_left)} left"]
    return " · ".join(parts)


def _progress(state: str, status: Status) -> str:
    if state == "active" and status.state == "queued":
        return "its trainer starts"
    return progress_text(status) if status.live else "has ended"


def _left(status: Status, row: index.Row, pace: estimates.Pace) -> float | None:
    return estimates.seconds_left(row, pace) if status.seconds_left is None else status.seconds_left


def _state(state: str, status: Status) -> str:
    if state == "waiting":
        return state
    return "starting" if status.state == "queued" else status.state


def _missing(job: queue.Job, living: list[supervisors.Supervisor]) -> str:
    """What a waiting job waits for in vain, as things are; else empty."""
    offered = {device for one in living for device in one.slots}
    if job.state == "active" or not living or not job.wanted or any(f"{device}:".startswith(f"{job.wanted}:") for device in offered):
        return ""
    return f"waits for {job.wanted}, which no supervisor has"


def jobs_at_a_time(living: list[supervisors.Supervisor], wanted: str = "") -> int:
    """Jobs that can train at a time, of those that want the device `wanted` ("": any); supervisors on one machine share its devices."""
    slots: dict[tuple[str, str], int] = {}
    for one in living:
        gpus = any(devices.kind(device) != "cpu" for device in one.slots)
        for device, jobs in one.slots.items():
            fits = device == wanted or device.startswith(f"{wanted}:") if wanted else devices.kind(device) != "cpu" or not gpus
            if fits:
                slots[one.process.host, device] = max(jobs, slots.get((one.process.host, device), 0))
    return sum(slots.values())
