"""What people ask of the queue. Each request is whole when it returns: a page may be closed, the app may end."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Literal

from core import access, owners
from core.errors import CoreError, UnusableRun
from core.jobs import queue, supervisors
from core.runs import limits, store, ticket, trash
from core.runs.status import RESUMABLE
from core.runs.store import Run
from core.settings import artifacts_dir

if TYPE_CHECKING:
    from core.jobs.failures import WayOut
    from core.recipes.recipe import Recipe


def start(recipe: Recipe, *, device: str = "", priority: int = 0, experiment_name: str = "", supervised: bool = True) -> Run:
    """Queue a run of `recipe`; with `supervised` somebody is there to train it.

    Args:
        device: "cpu", "cuda" (any GPU), "cuda:1" …; empty: a GPU where there is one.
        priority: higher ones start first.
        experiment_name: a name that several runs share.

    Raises:
        NotAllowed, BeyondLimit: see `store.create`; or that person has too many unfinished runs.
        CoreError: the disk is full.
    """
    limits.require_turn()
    if priority > 0:
        access.require("manage")
    new = queue.new_ticket(wanted=device, priority=priority, experiment_name=experiment_name, processes=recipe.execution.processes)
    try:
        run = store.create(recipe, before_visible=new.write)
        queue.enqueue(run, new)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise CoreError(
            "The disk has room for a run's folder.", str(error), f"Make room in {artifacts_dir()}, then start it again."
        ) from None
    if supervised:
        supervisors.ensure()
    return run


def attend() -> None:
    """See to it that somebody trains what waits: after a crash or a restart nobody may be left."""
    if queue.jobs():
        supervisors.ensure()


def go_on(run: Run, *, supervised: bool = True) -> Run:
    """Queue a run that was paused, cancelled, interrupted or failed; it goes on from its newest checkpoint.

    Raises:
        NotAllowed, BeyondLimit: it is somebody else's, or that person has too many unfinished runs.
        UnusableRun: it is in the queue, at work, or done.
    """
    owners.require_own(run.folder)
    status = run.status()
    if status.state not in RESUMABLE:
        way_out = "Train it for more epochs, or start it anew with changes." if status.state == "done" else "Wait for it, or cancel it."
        raise UnusableRun(
            "A run goes on when it was paused, cancelled, interrupted or failed.", f"{run.id}, which is {status.state}", way_out
        )
    if queue.find(run.id):
        raise UnusableRun("A run stands in the queue once.", f"{run.id}, which is there", "Wait for it, or cancel it.")
    if status.state != "paused":  # which counts as unfinished already
        limits.require_turn()
    old = ticket.of(run) or queue.new_ticket(processes=run.recipe().execution.processes)
    new = old.changed(state="waiting", submitted=time.time(), device="", host="", claim="", supervisor="", process=None, vain=0)
    run.withdraw_requests()
    new.write(run)
    # Before it stands in the queue: a supervisor may start it at once.
    run.write_status(status.changed(state="queued", process=None, message="Goes on when its turn comes.", failure="", finished=None))
    queue.enqueue(run, new)
    if supervised:
        supervisors.ensure()
    return run


def take(way_out: WayOut, run: Run) -> Run:
    """Do what helps a run that failed: let it go on, or queue a changed one in its stead; returns whichever of them.

    Raises:
        UnusableRun: it goes on, or has gone on, already.
        InvalidSpec: the recipe cannot be changed so.
    """
    if not way_out.changes:
        return go_on(run)
    from core.recipes import catalogue

    return _start_like(run, catalogue.changed(run.recipe(), **way_out.changes))


def train_on(run: Run, epochs: int) -> Run:
    """Queue a run that begins where a finished one ended and trains until `epochs` epochs are done in all.

    Raises:
        InvalidSpec: those are no more than it has.
        UnusableRun: it is not done, or lacks what going on needs.
    """
    from core.runs import continuation

    return _start_like(run, continuation.continued(run, epochs))


def cancel(run: Run) -> None:
    """End it: a waiting job at once; one that trains after its current step, its best weights so far kept and tested.

    Raises:
        NotAllowed: it is somebody else's.
        UnusableRun: it has ended already.
    """
    owners.require_own(run.folder)
    if queue.withdraw(run):
        run.write_status(run.status().changed(state="cancelled", finished=time.time(), message="Cancelled while it waited."))
    elif _trains(run):
        run.request_cancel()
    elif run.status().state in ("interrupted", "paused"):
        run.write_status(run.status().changed(state="cancelled", finished=time.time(), message="Cancelled while no trainer was at work."))
    else:
        raise _ended(run)


def pause(run: Run) -> None:
    """Stop it so that it can go on exactly where it was: a waiting job at once, one that trains after its current step.

    Raises:
        NotAllowed: it is somebody else's.
        UnusableRun: it has ended already.
    """
    owners.require_own(run.folder)
    if queue.withdraw(run):
        run.write_status(run.status().changed(state="paused", message="Paused while it waited."))
    elif _trains(run):
        run.request_pause()
    else:
        raise _ended(run)


def move(run: Run, to: Literal["first", "last", "earlier", "later"] | None = None, priority: int | None = None) -> None:
    """Change the place of a waiting job among those of its priority, or its priority.

    Raises:
        NotAllowed: it is somebody else's; or whoever acts is no administrator and would put it before others.
        UnusableRun: it does not wait.
    """
    owners.require_own(run.folder)
    if priority is not None or to in ("first", "earlier"):
        access.require("manage")
    if queue.reorder(run.id, priority=priority, to=to) is None:
        raise UnusableRun("What waits in the queue can be moved.", f"{run.id}, which does not wait", "Choose a job that waits.")


def delete(run: Run) -> None:
    """Put a run that has ended into the trash, from which it can be taken back for `trash.RETENTION_DAYS` days.

    Raises:
        NotAllowed: it is somebody else's.
        UnusableRun: it waits or trains, or is recorded.
    """
    owners.require_own(run.folder)
    run.refuse_if_recorded()
    if queue.find(run.id) or run.status().live:
        raise UnusableRun("A run that waits or trains is not deleted.", run.id, "Cancel it first.")
    trash.put(run)


def _start_like(run: Run, recipe: Recipe) -> Run:
    """As `run` was submitted: for the same device, with the same priority, under the same name."""
    old = ticket.of(run) or queue.new_ticket()
    return start(recipe, device=old.wanted, priority=old.priority, experiment_name=old.experiment_name)


def _trains(run: Run) -> bool:
    """Whether it is somebody's work now, or about to be."""
    return queue.find(run.id) is not None or run.status().state == "running"


def _ended(run: Run) -> UnusableRun:
    return UnusableRun(
        "A run that waits or trains can be stopped.", f"{run.id}, which is {run.status().state}", "There is nothing to stop."
    )
