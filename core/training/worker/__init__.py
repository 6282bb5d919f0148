"""The process that a run happens in: joins data, the loop, the run's folder and the final evaluation.

The same code serves the foreground (`train`) and a job of the app. It writes the run's folder alone and prints nothing; whoever
wants to follow passes `report`.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from core.errors import CoreError, TrainingFailed
from core.runs.status import ProcessMark, Status
from core.runs.store import Run
from core.training.worker.diary import Cancelled, Diary, Report
from core.training.worker.session import Session


def run(run: Run, device: str | None = None, report: Report | None = None) -> Status:
    """Train `run` from its start, or from its last checkpoint, to its end; returns the final status.

    Whatever happens stands in the status afterwards: done, cancelled (with the best weights so far, evaluated), or failed with
    the reason.

    Raises:
        CoreError: the work failed; the status says the same.
    """
    diary = Diary(run, report)
    with _logging_to(run.folder / "log.txt"), _stopping_on_signals(run):
        try:
            diary.note(
                state="running", process=ProcessMark.of_this(), started=diary.status.started or time.time(), message="", finished=None
            )
            session = Session.open(run, device, diary)
            try:
                session.train()
                state, message = "done", ""
            except Cancelled:
                state, message = "cancelled", "Cancelled; the best weights so far are kept."
            diary.note(state=state, message=message, finished=time.time(), seconds_left=None, phase="", result=session.test())
        except Cancelled:
            diary.note(state="cancelled", message="Cancelled before training started.", finished=time.time(), seconds_left=None, phase="")
        except BaseException as error:
            logging.exception("The run failed")
            diary.note(state="failed", message=_reason(error), finished=time.time(), seconds_left=None, phase="")
            if isinstance(error, torch.OutOfMemoryError):
                raise TrainingFailed(
                    "The model and a batch fit into the device's memory.", str(error), "Choose a smaller batch or image size."
                ) from error
            raise
        finally:
            run.withdraw_requests()
    return diary.status


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, CoreError) else f"{type(error).__name__}: {error}"


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send the root logger's records from INFO on to `path` as well."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


@contextmanager
def _stopping_on_signals(run: Run) -> Iterator[None]:
    """An interrupt (Ctrl-C) or a polite kill asks the run to stop, as the page's button does."""
    try:
        before = {number: signal.signal(number, lambda *_: (run.folder / "cancel").touch()) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread (a test): no signals here
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
