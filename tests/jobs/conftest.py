"""Queued runs that nobody has to train, and trainers that do nothing but say so."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.jobs import requests
from core.jobs.launchers.local import Local
from core.jobs.supervisor import Supervisor
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs.store import Run

DATA = DataSpec(name="set", sha256="", classes=("a", "b"))
LIMIT = 60  # seconds after which what should happen counts as never happening

TRIVIAL = Path(__file__).with_name("trivial_trainer.py")


@pytest.fixture
def submit() -> Callable[..., Run]:
    """Queue a run; nobody is started to train it."""

    def submitted(seed: int = 0, **settings: object) -> Run:
        recipe = compose(DATA, "alasfoor-cnn22", **{"image.size": 32, "epochs": 4, "seed": seed})
        return requests.start(recipe, supervised=False, **settings)

    return submitted


def trivial(*arguments: str) -> Callable[[Run, str], list[str]]:
    """The command of a trainer that does what `trivial_trainer.py` says to `arguments`."""
    return lambda run, device: [sys.executable, "-S", "-E", str(TRIVIAL), str(run.folder), device, *arguments]


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervisor]]:
    """Supervisors with trivial trainers, a step at a time; trainers left behind are ended."""
    made: list[Supervisor] = []

    def supervisor(*arguments: str, slots: dict[str, int] | None = None) -> Supervisor:
        made.append(Supervisor(Local(slots or {"cpu": 1}, trivial(*arguments))))
        return made[-1]

    yield supervisor
    for one in made:
        for trainer in one._trainers.values():
            trainer._child.kill()
            trainer._child.wait()


def until(condition: Callable[[], object], step: Callable[[], object] = lambda: None) -> None:
    """Repeat `step` until `condition` holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        step()
        time.sleep(0.01)
        assert time.monotonic() < deadline, "it never happened"
