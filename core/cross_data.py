"""Networks × data sets: what a network trained on one set is worth on another, and how much the two sets share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

from core import assessment, wording
from core.data import library
from core.data.manifest import Manifest
from core.errors import CoreError
from core.evaluation.intervals import Estimate, groups_of, percentile_interval
from core.runs import store
from core.runs.index import Row
from core.runs.store import Run

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 6  # networks at first


@dataclass(frozen=True)
class Worth:
    """What a network is worth on a data set. `seen`: images of the set that the network trained on or chose its epoch by."""

    images: int  # it was judged by; 0 where it was not yet
    accuracy: Estimate | None
    seen: int  # found by content
    other_classes: tuple[str, ...]
    problem: str = ""  # why it cannot be judged


@dataclass(frozen=True)
class Cell:
    """One network on one data set."""

    run: Run
    manifest: Manifest
    own: bool  # the set that it was trained on: its test part counts
    worth: Worth

    @property
    def data(self) -> str:
        return self.manifest.name

    @property
    def missing(self) -> bool:
        """Whether it can be judged and was not yet."""
        return self.worth.accuracy is None and not self.worth.problem

    @property
    def text(self) -> str:
        """ "84.1 % (79.0–88.6)<br>n = 224<br>shared 12", for a cell of a figure."""
        if self.missing:
            return "not tested yet"
        worth, accuracy = self.worth, self.worth.accuracy
        if accuracy is None:
            return "cannot be tested"
        lines = [wording.percent_interval(accuracy.value, accuracy.low, accuracy.high), f"n = {worth.images:,}"]
        return "<br>".join([*lines, "its own test part" if self.own else f"{worth.seen:,} seen, left out"])

    def evaluate(self) -> None:
        """Ask the network; the answers are kept in the run's folder."""
        assessment.of_data(self.run, self.manifest, some_classes=True)


@dataclass(frozen=True)
class Grid:
    """A matrix for a figure: accuracies (NaN where there is none) and texts, a row a network, a column a data set."""

    values: list[list[float]]
    text: list[list[str]]
    rows: list[str]
    columns: list[str]


def newest_of_each(rows: Sequence[Row]) -> list[str]:
    """The newest runs, one of each model and data set, a few; of records only those that kept their model, where any run has one."""
    newest: dict[tuple[str, str], str] = {}
    kept = store.with_models(row.run_id for row in rows if row.recorded)
    asked = [row for row in rows if not row.recorded or row.run_id in kept]
    for row in asked or rows:
        newest.setdefault((row.model, row.data), row.run_id)
    return list(newest.values())[:SHOWN]


def rests_on(run: Run, manifest: Manifest) -> tuple[str | float | bool | None, ...]:
    """What `worth` of the two follows from: while this stays, that does."""
    try:
        kept = assessment.kept_at(run, manifest)
    except CoreError as error:  # which `worth` meets as well
        kept = str(error)
    return run.id, run.status().finished, run.has_model(), manifest.name, manifest.sha256, kept


def worth(run: Run, manifest: Manifest) -> Worth:
    """By the answers that were made before; no network is asked."""
    overlap = assessment.Overlap(run, manifest)
    try:
        seen, others = overlap.left_out, overlap.other_classes
        if _own(run, manifest):
            predictions = assessment.of_part(run, "test")
        else:
            kept = assessment.kept_of_data(run, manifest)
            predictions = None if kept is None else kept.predictions
        if predictions is None:
            return Worth(0, None, seen, others, assessment.why_not(overlap))
        return Worth(len(predictions), _accuracy(predictions, run.recipe().data.classes), seen, others)
    except CoreError as error:
        return Worth(0, None, 0, (), str(error))


def cells(runs: Sequence[Run], sets: Sequence[str], judge: Callable[[Run, Manifest], Worth] = worth) -> list[Cell]:
    """A cell for every pair, row by row, with what was made before; no network is asked. `judge`: `worth`, or one that remembers."""
    manifests = [library.open_dataset(name) for name in sets]
    pairs = [(run, manifest) for run in runs for manifest in manifests]
    return [Cell(run, manifest, _own(run, manifest), judge(run, manifest)) for run, manifest in pairs]


def grid(found: Sequence[Cell]) -> Grid:
    runs, sets = (list(dict.fromkeys(keys)) for keys in ([cell.run.id for cell in found], [cell.data for cell in found]))
    place = {(cell.run.id, cell.data): cell for cell in found}
    lines = [[place[run, data] for data in sets] for run in runs]
    return Grid(
        values=[[cell.worth.accuracy.value if cell.worth.accuracy else nan for cell in line] for line in lines],
        text=[[cell.text for cell in line] for line in lines],
        rows=[_row_name(line[0].run) for line in lines],
        columns=[library.title(data) for data in sets],
    )


def table(found: Sequence[Cell]) -> list[dict[str, Any]]:
    """A row a cell, in words."""
    return [
        {
            "trained on": cell.run.recipe().data.title,
            "model": cell.run.recipe().model,
            "run": cell.run.id,
            "tested on": library.title(cell.data),
            "accuracy": cell.text if cell.worth.accuracy is None else wording.percent_interval(*vars(cell.worth.accuracy).values()),
            "n": cell.worth.images or None,
            "seen, left out": cell.worth.seen,
            "of": len(cell.manifest),
            "classes left out": ", ".join(cell.worth.other_classes),
            "note": "its own test part" if cell.own else cell.worth.problem,
        }
        for cell in found
    ]


def _own(run: Run, manifest: Manifest) -> bool:
    return run.recipe().data.name == manifest.name


def _accuracy(predictions: pd.DataFrame, classes: tuple[str, ...]) -> Estimate:
    from core.evaluation.metrics import answers_of
    from core.evaluation.resampling import resampled

    labels, probabilities, patients = answers_of(predictions, classes)
    drawn = resampled(labels, probabilities, groups_of(patients, len(labels))[0], ("accuracy",))["accuracy"]
    return percentile_interval(float((probabilities.argmax(axis=1) == labels).mean()), drawn)


def _row_name(run: Run) -> str:
    recipe = run.recipe()
    return f"{recipe.model}, {recipe.data.title} ({run.id.rsplit('-', 1)[-1]})"
