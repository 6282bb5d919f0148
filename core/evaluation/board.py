"""The paper board: each published row beside our runs of its recipe. A run on other data is never called a reproduction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from core import wording
from core.evaluation.intervals import Spread
from core.recipes import catalogue, published
from core.recipes.entry import Entry
from core.runs.index import Row

PARTS = ("test", "validation", "train")


@dataclass(frozen=True)
class Ours:
    """Finished runs of one recipe, with the same changes to it, on one data set: several are seeds or folds."""

    data: str
    differs: str  # fields whose settings differ from the recipe, with commas between; empty: none
    accuracies: tuple[float, ...]
    low: float  # of the newest run, 95 %
    high: float
    test_images: int  # of the newest run
    run_ids: tuple[str, ...]  # newest first
    recorded: bool = False  # they came with the project

    @property
    def accuracy(self) -> float:
        return mean(self.accuracies)

    @property
    def text(self) -> str:
        """ "84.1 % (79.0–88.6), n = 224", or mean ± standard deviation where there are several runs."""
        if len(self.accuracies) == 1:
            return f"{wording.percent_interval(self.accuracy, self.low, self.high)}, n = {self.test_images}"
        return Spread.of(self.accuracies).text


@dataclass(frozen=True)
class BoardRow:
    """One recipe of one published row."""

    row: published.Row
    entry: Entry
    ours: tuple[Ours, ...]

    @property
    def printed(self) -> str:
        """Every figure of the row, as printed: "test: loss 0.1512, accuracy 0.9562; validation: …"."""
        texts = []
        for part in PARTS:
            figures = [_text(figure, self.row.row) for figure in self.row.figures if figure.part == part]
            if figures:
                texts.append(f"{part}: {', '.join(figures)}")
        return "; ".join(texts)

    @property
    def comparable(self) -> bool:
        """Whether this row holds the accuracy over all classes that a run's test accuracy stands beside."""
        return published.accuracy(self.entry.name) in self.row.figures

    def difference(self, ours: Ours) -> str:
        """Ours minus published, in points; empty where settings were changed or the row has no accuracy to compare with."""
        figure = published.accuracy(self.entry.name)
        return f"{100 * (ours.accuracy - figure.value):+.1f}" if figure and self.comparable and not ours.differs else ""


def board(paper: str, rows: Sequence[Row]) -> list[BoardRow]:
    """The rows of `paper` in the order of its tables, each with our finished runs among `rows` (newest first)."""
    return [BoardRow(row, catalogue.get(entry), _ours(entry, rows)) for row in published.rows(paper) for entry in row.entries]


def table(lines: Sequence[BoardRow]) -> list[dict[str, str]]:
    """The board as a table of texts: a line for each kind of our runs, or one without. Ours stand beside overall accuracies alone."""
    empty = {"Ours: test accuracy": "", "Ours: data": "", "Difference (points)": "", "Settings changed": ""}
    found = []
    for line in lines:
        theirs = {"Table": line.row.table, "Row": line.row.row, "Published": line.printed, "Recipe": line.entry.name}
        if not line.comparable:
            found.append(theirs | empty)
        elif not line.ours:
            found.append(theirs | empty | {"Ours: test accuracy": "no run yet"})
        for ours in line.ours if line.comparable else ():
            own = {"Ours: test accuracy": ours.text, "Ours: data": ours.data + wording.RECORDED if ours.recorded else ours.data}
            found.append(theirs | own | {"Difference (points)": line.difference(ours), "Settings changed": ours.differs})
    return found


def matrices(paper: str) -> tuple[published.Matrix, ...]:
    """The paper's published confusion matrices."""
    return tuple(matrix for matrix in published.MATRICES if matrix.paper == paper)


def _text(figure: published.Figure, row: str) -> str:
    unit = {"%": " %", "s": " s"}.get(figure.unit, "")
    interval = f" ({figure.low}–{figure.high})" if figure.low else ""
    notes = [note for note in (figure.label if figure.label != row else "", f"that is {figure.means}" if figure.means else "") if note]
    return f"{figure.metric} {figure.printed}{unit}{interval}" + (f" [{'; '.join(notes)}]" if notes else "")


def _ours(entry: str, rows: Sequence[Row]) -> tuple[Ours, ...]:
    kinds: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows:
        if row.recipe == entry and row.state == "done" and row.accuracy is not None:
            kinds.setdefault((row.data, row.differs, row.recorded), []).append(row)
    return tuple(_summary(runs) for _, runs in sorted(kinds.items(), key=lambda item: bool(item[0][1])))  # unchanged ones first


def _summary(runs: list[Row]) -> Ours:
    newest = runs[0]
    return Ours(
        data=newest.data,
        differs=newest.differs,
        accuracies=tuple(row.accuracy or 0.0 for row in runs),
        low=newest.accuracy_low or 0.0,
        high=newest.accuracy_high or 0.0,
        test_images=newest.test_images or 0,
        run_ids=tuple(row.run_id for row in runs),
        recorded=newest.recorded,
    )
