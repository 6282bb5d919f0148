"""Guided tours over the app's own pages: what to open, what to do there, what to look for. Frozen data, and the way from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from core.errors import CoreError, InvalidSpec, UnknownName
from core.runs import index, store
from core.runs.status import LIVE

Needs = Literal["", "run", "tested"]
"""What must be there for a step: nothing, any run, or one that has answered its test part."""


@dataclass(frozen=True)
class Step:
    """One stop of a tour."""

    title: str
    text: str
    look: str  # what to look for
    page: str  # its name in the address; "" is the first page
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of the link
    needs: Needs = ""
    terms: tuple[str, ...] = ()  # of the glossary


@dataclass(frozen=True)
class Tour:
    """A walk that answers one question. `name` stands in the link."""

    name: str
    title: str
    about: str  # one sentence
    minutes: int
    steps: tuple[Step, ...]

    def step(self, number: int | str) -> Step:
        """The step with this number, counted from 1.

        Raises:
            InvalidSpec: the tour has no such step.
        """
        if not str(number).isdecimal() or not 1 <= int(number) <= len(self.steps):
            raise InvalidSpec(f"The steps of this tour are 1 to {len(self.steps)}.", number, "Start the tour anew.")
        return self.steps[int(number) - 1]


def get(name: str) -> Tour:
    """The tour called `name`.

    Raises:
        UnknownName: there is none; the nearest are suggested.
    """
    from core.teaching.walks import TOURS

    by_name = {tour.name: tour for tour in TOURS}
    if name not in by_name:
        raise UnknownName.among("tour", name, by_name)
    return by_name[name]


def run_for(step: Step, wanted: str = "") -> str:
    """The id of the run that a step plays on: the wanted one where it will do, else the newest that will; "" where there is none."""
    if not step.needs:
        return ""
    if wanted and _fits(step, wanted):
        return wanted
    return next((row.run_id for row in index.rows() if _fits(step, row.run_id)), "")


def waits(step: Step, wanted: str) -> bool:
    """Whether a step plays on the wanted run, and must wait until that has answered its test part."""
    return step.needs == "tested" and bool(wanted) and any(row.run_id == wanted and row.state in LIVE for row in index.rows())


def link(step: Step, run: str = "") -> dict[str, str]:
    """The parameters of the step's link, with the run that it plays on."""
    return dict(step.parameters) | ({"run": run} if run else {})


def _fits(step: Step, run_id: str) -> bool:
    try:
        run = store.find(run_id)
        return not run.status().live and run.has_predictions() and run.has_model() if step.needs == "tested" else bool(run.status())
    except (CoreError, ValueError):  # a damaged folder, or a link to a run that is gone
        return False
