"""Why a job failed, and what can be done about it: a sentence, and the changes to its recipe that would help."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.runs.status import Failure, Status

if TYPE_CHECKING:
    from core.recipes.recipe import Recipe

_PASSING: tuple[Failure, ...] = ("driver",)
"""Kinds that may be gone at the next attempt."""


@dataclass(frozen=True)
class WayOut:
    """`sentence`: what to do. `label`: on the button that does it. `changes`: dotted fields of the recipe; empty: go on as it is."""

    sentence: str
    label: str
    changes: dict[str, Any]


def may_pass(status: Status) -> bool:
    """Whether the same attempt may succeed later."""
    return status.failure in _PASSING


def way_out(status: Status, recipe: Recipe) -> WayOut | None:
    """The likely way out of a failure; None where only a person can tell."""
    if status.failure == "memory":
        if recipe.batch_size >= 4:
            batch = recipe.batch_size // 2
            return WayOut("A smaller batch needs less memory.", f"Train with batches of {batch}", {"batch_size": batch})
        size = max(8, recipe.image.size // 2)
        return WayOut("Smaller images need less memory.", f"Train at {size} px", {"image.size": size})
    if status.failure == "not finite":
        rate = recipe.optimiser.lr / 10
        return WayOut("Training diverged; a lower learning rate usually helps.", f"Train at a rate of {rate:g}", {"optimiser.lr": rate})
    ways: dict[Failure, WayOut] = {
        "data": WayOut("Bring the data set back as it was, then go on; or start anew on the data as they are now.", "Go on", {}),
        "disk": WayOut("Make room on the disk, then go on: nothing that was stored is lost.", "Go on", {}),
        "killed": WayOut("Something outside ends the trainer, often for lack of memory. Close other programs, then go on.", "Go on", {}),
        "driver": WayOut("The graphics driver failed several times. Restart the machine, or train on the processor.", "Go on", {}),
    }
    return ways.get(status.failure)


def without_a_word(status: Status, end: str, attempts: int, log: str) -> Status:
    """The status of a run whose trainer was ended from outside, or could not start, too often."""
    last = f" Its last words: {log}" if log else ""
    killed = end.startswith("killed") or not end
    message = f"The trainer ended without a word {attempts} times in a row, without any progress ({end or 'killed'}).{last}"
    return status.changed(
        state="failed", failure="killed" if killed else "other", message=message, finished=time.time(), process=None, seconds_left=None
    )
