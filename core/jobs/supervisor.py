"""The process that trains what waits: claims jobs, starts trainers, sees how they end. It may be killed at any moment.

All that it must remember stands in the table of jobs and in the run folders, so that another supervisor takes over trainers that outlived
this one. Several may work on one queue. It knows nothing of torch: it stays small, and whatever a trainer does cannot take it along.
"""

from __future__ import annotations

import logging
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from core.errors import CoreError
from core.jobs import failures, queue, supervisors
from core.jobs.launchers import Launcher, Trainer
from core.jobs.queue import Job
from core.runs import ticket, trash
from core.runs.status import ProcessMark, alive

LOOK_EVERY = 0.5  # seconds between two looks at the queue
SWEEP_EVERY = 60.0  # seconds between two looks for jobs that only their folders know
VAIN_MOST = 8  # attempts in a row without any progress, after which another one will not help
_START_LIMIT = 60.0  # seconds for which a trainer that a dead supervisor claimed may be about to start

log = logging.getLogger(__name__)


class Supervisor:
    """One supervisor; `work` is its life, `step` one look at everything, which tests call themselves."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self._trainers: dict[str, Trainer] = {}  # claim → started here
        self._orphans: dict[str, float] = {}  # claim of a job whose supervisor died before its trainer was known → since when
        self._stopped = Event()

    def work(self, idle_seconds: float | None = None) -> None:
        """Until `stop`, or until there has been nothing to do for `idle_seconds`. Trainers go on without it."""
        busy = swept = time.monotonic()
        with supervisors.registered(self.launcher.name, dict(self.launcher.slots())) as me:
            beaten = 0.0
            self._guarded(self.sweep)
            while not self._stopped.is_set():
                now = time.monotonic()
                if now - beaten > supervisors.BEAT_EVERY:
                    supervisors.beat(me)
                    beaten = now
                if now - swept > SWEEP_EVERY:
                    self._guarded(self.sweep)
                    swept = now
                if self._guarded(lambda: self.step(me.name)):
                    busy = time.monotonic()
                elif idle_seconds is not None and now - busy > idle_seconds:
                    if not self._guarded(self.sweep):
                        log.info("Nothing to do for %.0f s", idle_seconds)
                        return
                    busy = now  # a job that only its folder knew
                self.launcher.wait(LOOK_EVERY)

    def stop(self, *_: object) -> None:
        self._stopped.set()

    def stop_on_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)

    def sweep(self) -> bool:
        """Look for what others lost; returns whether there was any."""
        found = queue.fill_from_folders()
        gone = trash.empty()
        if gone:
            log.info("%d runs left the trash for good", gone)
        return found > 0

    def step(self, name: str) -> bool:
        """Look at every active job, then give free devices to waiting ones; returns whether there is anything to do."""
        active = queue.active(self.launcher.host)
        if active:
            living = {one.name for one in supervisors.living()}
            for job in active:
                if job.supervisor == name or job.supervisor not in living:
                    self._look_if_there(job)
        claimed = False
        while (job := queue.claim(self.launcher.host, self.launcher.slots(), name)) is not None:
            self._start(job)
            claimed = True
        return bool(active) or claimed

    def _start(self, job: Job) -> None:
        try:
            trainer = self.launcher.start(job.run, job.device)
        except OSError as error:
            log.exception("No trainer could be started for %s", job.run_id)
            self._without_a_word(job, f"no process could be started ({error})")
            return
        self._trainers[job.claim] = trainer
        log.info("%s on %s", job.run_id, job.device)
        if trainer.mark is not None:
            queue.note_process(job, trainer.mark)

    def _look_if_there(self, job: Job) -> None:
        try:
            self._look(job)
        except (CoreError, ValueError):  # somebody removed or damaged its folder: there is nothing to go on with
            log.exception("%s leaves the queue", job.run_id)
            queue.release(job)

    def _look(self, job: Job) -> None:
        trainer = self._trainers.get(job.claim)
        # A run that still says running has another trainer, or one on a machine that was lost: it may live until its heartbeat is old.
        if (trainer.ended() if trainer else self._orphaned(job)) and job.run.status().state != "running":
            self._trainers.pop(job.claim, None)
            self._orphans.pop(job.claim, None)
            self._settle(job, trainer.end if trainer else "")

    def _orphaned(self, job: Job) -> bool:
        """Whether nobody trains a job that another supervisor claimed, which has died."""
        status, known = job.run.status(), ticket.of(job.run)
        marks = [mark for mark in (status.process, known.process if known else None) if isinstance(mark, ProcessMark)]
        if any(alive(mark, status.heartbeat, time.time()) for mark in marks):
            return False
        if marks or not status.live:
            return True
        return time.monotonic() - self._orphans.setdefault(job.claim, time.monotonic()) > _START_LIMIT

    def _settle(self, job: Job, end: str) -> None:
        """Nobody trains `job` any more, as far as this supervisor knows: what its run says decides what becomes of it."""
        status = job.run.status()
        if status.state in ("queued", "interrupted"):
            self._without_a_word(job, end)
        elif status.state == "failed" and failures.may_pass(status) and job.vain < VAIN_MOST - 1:
            self._again(job, status.message, job.vain + 1)
        elif queue.release(job):
            log.info("%s: %s", job.run_id, status.state)

    def _without_a_word(self, job: Job, end: str) -> None:
        """A trainer that was killed is started again from its newest checkpoint, unless that has been in vain several times."""
        run, known = job.run, ticket.of(job.run)
        status = run.status()
        if run.cancel_requested() or run.pause_requested():
            state = "cancelled" if run.cancel_requested() else "paused"
            if queue.release(job):
                run.write_status(
                    status.changed(state=state, process=None, message=f"The trainer was {end or 'gone'} before it could stop.")
                )
                run.withdraw_requests()
            return
        progress = known is not None and (status.epoch, status.step) > tuple(known.reached)
        vain = 0 if progress else job.vain + 1
        if vain < VAIN_MOST:
            self._again(job, f"The trainer ended without a word ({end or 'it was killed, or the machine stopped'}).", vain)
        elif queue.release(job):
            run.write_status(failures.without_a_word(status, end, vain, run.log(lines=5)))
            log.warning("%s: failed after %d attempts", job.run_id, vain)

    def _again(self, job: Job, reason: str, vain: int) -> None:
        status = job.run.status()
        message = f"{reason} It goes on from its newest checkpoint when its turn comes."
        before = status.changed(state="queued", process=None, message=message, failure="", finished=None, seconds_left=None)
        if not queue.is_active(job):
            return
        job.run.write_status(before)  # first: once it waits, another supervisor may start it
        queue.return_to_queue(job, vain)
        log.warning("%s waits again: %s", job.run_id, reason)

    def _guarded(self, work: Callable[[], bool]) -> bool:
        """`work`, whose failure (a full disk, a table that others hold) must not end the supervisor."""
        try:
            return work()
        except (OSError, sqlite3.Error):
            log.exception("A look at the queue failed; the next one may not")
            with suppress(OSError):
                time.sleep(LOOK_EVERY)
            return True
