"""A run that several processes train: starting them, and what the others may write while the first keeps the run's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from core.errors import TrainingFailed
from core.files import write_json
from core.runs.status import Failure, ProcessMark, Status
from core.runs.store import Run
from core.settings import artifacts_dir
from core.training.worker.diary import Report

LOOK_EVERY = 0.5  # seconds
_ROOT = Path(__file__).resolve().parents[3]


def trained(run: Run, device: str | None, report: Report | None) -> Status:
    """Start the processes that the recipe asks for and wait for them; returns the final status. Their words go to the run's log.

    Raises:
        UnusableRun: the run is held by another trainer.
        TrainingFailed: the work failed; the status says why.
    """
    processes = run.recipe().execution.processes
    with run.exclusively():
        _forget_reasons(run)
        message, now = f"Starting {processes} processes.", time.time()
        run.write_status(run.status().changed(state="queued", process=ProcessMark.of_this(), heartbeat=now, message=message, failure=""))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += ["-m", "core.training.worker", run.id, *([device] if device else [])]
    threads = max(1, (os.cpu_count() or 1) // processes)
    settings = {"OMP_NUM_THREADS": str(threads), "CXRLAB_ARTIFACTS": str(artifacts_dir())}
    with open(run.folder / "log.txt", "a", encoding="utf-8") as log:
        # In a session of their own: they are asked to stop by the run's folder, together, and not by signals one by one.
        started = subprocess.Popen(
            command, cwd=_ROOT, env=os.environ | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        while started.poll() is None:
            time.sleep(LOOK_EVERY)
            if report:
                report(run.status())
    run.withdraw_requests()
    _forget_reasons(run)
    return _final(run)


def _final(run: Run) -> Status:
    status = run.status()
    if status.state in ("queued", "running", "interrupted"):
        message = "The processes of the training ended without a word: see the log. What was kept is kept; go on with the run."
        status = status.changed(state="failed", failure="killed", message=message, finished=time.time(), seconds_left=None)
        run.write_status(status)
    if status.state == "failed":
        raise TrainingFailed("All processes of a training end well.", status.message, "The run's log says more.")
    return status


@dataclass(frozen=True)
class Onlooker(Run):
    """A run as all but the first process of its training have it: they read it, and write nothing but why they failed."""

    rank: int = 0

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        yield  # the first one holds it

    def write_status(self, status: Status) -> None:
        if status.state == "failed":
            write_json(self.folder / f"failed-{self.rank}.json", {"failure": status.failure, "message": status.message})

    def _nothing(self, *_: Any, **__: Any) -> None:
        """The first one does it."""

    withdraw_requests = write_environment = append_metrics = drop_metrics_after = _nothing
    write_split = write_predictions = write_checkpoint = write_weights = _nothing


def reason_of_another(run: Run, error: BaseException) -> tuple[Failure, str] | None:
    """Why another process failed, where `error` is that it could not be reached any more."""
    if not isinstance(error, RuntimeError):
        return None
    for path in sorted(run.folder.glob("failed-*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        return cast("Failure", said["failure"]), said["message"]
    return None


def _forget_reasons(run: Run) -> None:
    for path in run.folder.glob("failed-*.json"):
        path.unlink()
