"""The lab's training: a small network that is quick enough for a lesson, and the runs that were made on a planted set."""

from __future__ import annotations

from dataclasses import dataclass

from core import wording
from core.data import library
from core.data.threads import Progress
from core.errors import CoreError
from core.recipes import fitting
from core.recipes.recipe import Recipe
from core.runs import index, store
from core.runs.store import Run
from core.shortcuts import sets
from core.shortcuts.sets import Planted

MODEL, SIZE, EPOCHS, BATCH = "alasfoor-cnn22", 128, 10, 16
"""Chosen by trial on the phantom: its last map is 16 × 16, fine enough to point at a letter, and ten epochs take seconds."""

USUAL = ("COVID-like", "Normal")
"""The phantom's classes of the guided walk: the one that is marked, the one beside it."""


@dataclass(frozen=True)
class Runs:
    """The run looked at, and the same network trained without the marker; None where there is none."""

    marked: Run | None
    clean: Run | None

    @property
    def live(self) -> bool:
        return any(run.status().live for run in (self.marked, self.clean) if run)


def recipe(data: str, epochs: int = EPOCHS, progress: Progress | None = None) -> Recipe:
    """The lab's recipe on a planted set or a clean twin. Raises UnusableData where the set cannot be split."""
    manifest = library.open_dataset(data, progress)
    batch = max(2, min(BATCH, len(manifest) // 2))  # well below the training part, which is about two thirds
    changes = {"image.size": SIZE, "epochs": epochs, "batch_size": batch}
    return fitting.fit(fitting.draft(model=MODEL, **changes), manifest)[0]


def runs(planted: Planted, chosen: str = "") -> Runs:
    """The newest runs on the planted set and its clean twin; of the former the one with id `chosen`, where it is one."""
    marked = _on(planted.name)
    return Runs(next((run for run in marked if run.id == chosen), next(iter(marked), None)), next(iter(_on(planted.clean)), None))


def planted_of(run_id: str) -> Planted | None:
    """The planted set that a run was trained on; None where it was another set, or there is no such run."""
    try:
        return sets.known(store.find(run_id).recipe().data.name)
    except CoreError:
        return None


def pair(source: str) -> tuple[str, tuple[str, ...]]:
    """The class to mark first, and those beside it: two classes make the lesson plainest, as chance is then one half."""
    names = sets.classes(source)
    if set(USUAL) <= set(names):
        return USUAL[0], USUAL[1:]
    return names[0], names[1:2]


def _on(data: str) -> list[Run]:
    """Runs on the data set `data`, the newest first; those that cannot be read are passed over."""
    names = (data, wording.data_set(data, synthetic=True))
    rows = [row for row in index.rows() if row.data in names and row.state != index.DAMAGED]
    return [store.find(row.run_id) for row in sorted(rows, key=lambda row: row.created, reverse=True)]
