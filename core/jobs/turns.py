"""One training job at a time on this machine: a lock that the system gives back whatever happens to its holder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from core.runs.status import ProcessMark
from core.runs.store import Run
from core.settings import artifacts_dir

LOOK_EVERY = 0.5  # seconds


@contextmanager
def taken(run: Run) -> Iterator[None]:
    """Wait for this machine's turn, heartbeat going on; ends early, without the turn, when the run is cancelled meanwhile."""
    lock = FileLock(artifacts_dir() / "training.lock")
    lock_taken = False
    # Queued also where it goes on: as "cancelled" it would look ended while it waits, and could not be cancelled again.
    run.write_status(
        run.status().changed(
            state="queued", process=ProcessMark.of_this(), heartbeat=time.time(), message="Starting the trainer.", finished=None
        )
    )
    while not lock_taken and not run.cancel_requested():
        try:
            lock.acquire(timeout=LOOK_EVERY)
            lock_taken = True
        except Timeout:
            waiting = run.status().changed(heartbeat=time.time(), message="Waiting: another run is training on this machine.")
            run.write_status(waiting)
    try:
        yield
    finally:
        if lock_taken:
            lock.release()
