"""The process that a run happens in: joins data, the loop, the run's folder and the final evaluation.

The same code serves the foreground (`train`) and a job of the app. It writes the run's folder alone and prints nothing; whoever
wants to follow passes `report`.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from core.errors import CoreError, UnusableRun
from core.runs.status import Failure, ProcessMark, State, Status
from core.runs.store import Run
from core.training import distributed
from core.training.worker import failures, several
from core.training.worker.diary import Cancelled, Diary, Paused, Report, Stopped
from core.training.worker.session import Session


def run(run: Run, device: str | None = None, report: Report | None = None) -> Status:
    """Train `run` from its start, or from its last checkpoint, to its end; returns the final status.

    Whatever happens stands in the status afterwards: done, paused, cancelled (with the best weights so far, evaluated), or failed with
    the reason.

    Raises:
        UnusableRun: it is done, or another trainer is at work on it; its status stays as it is.
        CoreError: the work failed; the status says the same.
    """
    if _processes(run) > 1 and not distributed.started_together():
        with run.exclusively():
            _refuse_done(run)
        with _stopping_on_signals(run):
            return several.trained(run, device, report)
    with distributed.joined(on_gpus=device != "cpu" and torch.cuda.is_available()) as group:
        return _trained(run if group.first else several.Onlooker(run.folder, group.rank), device, report, group)


def _processes(run: Run) -> int:
    try:
        return run.recipe().execution.processes
    except CoreError:
        return 1  # which meets the same error where it is written down


def _refuse_done(run: Run) -> None:
    if run.status().state == "done":
        rule = "Only a run that has not ended well can go on."
        raise UnusableRun(rule, f"{run.id}, which is done", "Start a new run with more epochs.")


def _trained(run: Run, device: str | None, report: Report | None, group: distributed.Group) -> Status:
    """By this process, alone or as one of `group`."""
    with run.exclusively():
        _refuse_done(run)
        diary = Diary(run, report)
        with _logging_to(run.folder / "log.txt"), _stopping_on_signals(run):
            try:
                _work(run, device, diary, group)
            except Paused:
                _end(diary, "paused", f"Paused {_place(diary.status)}; it goes on from there.")
            except Cancelled:
                _end(diary, "cancelled", f"Cancelled {_place(diary.status)}.")
            except BaseException as error:
                logging.exception("The run failed")
                explained = failures.explained(error)
                own = failures.kind_of(error), failures.message_of(explained)
                _note_failure(diary, *(several.reason_of_another(run, error) or own))
                if explained is error:
                    raise
                raise explained from error
            finally:
                run.withdraw_requests()
    return diary.status


def _work(run: Run, device: str | None, diary: Diary, group: distributed.Group) -> None:
    begun = diary.status.started or time.time()
    diary.note(state="running", process=ProcessMark.of_this(), started=begun, message="", failure="", finished=None)
    session = _opened(run, device, diary, group)
    try:
        session.train()
    except Cancelled:
        kept = "the best weights so far are kept" if session.progress.best_weights else "no epoch was completed"
        place = _place(diary.status)
        diary.follow_request()  # another one ends the evaluation as well
        _end(diary, "cancelled", f"Cancelled {place}; {kept}.", result=session.test())
    else:
        _end(diary, "done", "", result=session.test())


def _opened(run: Run, device: str | None, diary: Diary, group: distributed.Group) -> Session:
    """Of several processes the first goes ahead: what it decodes, mends and writes the others find."""
    session, stopped = None, None
    if group.first:
        try:
            session = Session.open(run, device, diary, group)
        except Stopped as request:
            stopped = request
    if stopped := group.of_first(stopped):
        raise stopped
    session = session or Session.open(run, device, diary, group)
    diary.group = group
    return session


def _end(diary: Diary, state: State, message: str, **values: object) -> None:
    diary.note(state=state, message=message, finished=time.time(), seconds_left=None, phase="", **values)


def _place(status: Status) -> str:
    """How far it had come, in words."""
    if not status.step:
        return "before the first step"
    if status.epoch == status.epochs and status.step == status.steps:
        return "after the last epoch’s steps"
    return f"in epoch {status.epoch} of {status.epochs}, after step {status.step} of {status.steps}"


def _note_failure(diary: Diary, kind: Failure, message: str) -> None:
    """Write down why, as far as that is possible: where the disk is full it may not be, and the reason must not be lost over that."""
    try:
        _end(diary, "failed", message, failure=kind)
    except OSError as another:
        sys.stderr.write(f"The run failed ({kind}), and its status cannot be written ({another}). The reason: {message}\n")


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
    """An interrupt (Ctrl-C) cancels the run, as the page's button does; a polite kill, as of a machine that shuts down, pauses it."""
    requests = {signal.SIGINT: "cancel", signal.SIGTERM: "pause"}
    try:
        before = {number: signal.signal(number, partial(_request, run.folder / name)) for number, name in requests.items()}
    except ValueError:  # not the main thread (a test): no signals here
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _request(path: Path, *_: object) -> None:
    path.touch()
