"""What was found out about a network and a planted marker, as data: answers under three conditions, heat, pictures. Runs no network.

Kept beside the run, by the weights' epoch and the planted set's name, which holds a hash of all that decides its images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.evaluation.intervals import Estimate, groups_of, percentile_interval, weight_chunks, wilson
from core.evaluation.metrics import answers_of
from core.explain.heatmap import HeatMap
from core.files import read_table
from core.runs.store import Run
from core.shortcuts.planting import Exposure
from core.shortcuts.sets import Planted

if TYPE_CHECKING:
    import pandas as pd

Condition = Literal["trained", "absent", "swapped"]
CONDITIONS: dict[Condition, str] = {"trained": "as planted", "absent": "absent everywhere", "swapped": "on the other classes"}
"""Where the marker stands, in words."""

ANSWERS, HEAT, EXAMPLES = "answers.parquet", "heat.parquet", "examples.npz"
"""The files of the findings."""


@dataclass(frozen=True)
class Answers:
    """How the network answers under one condition. `confusion`: rows true classes, columns answers. int [classes, classes]"""

    condition: Condition
    classes: tuple[str, ...]
    label: str  # the marked class
    confusion: np.ndarray

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> Estimate:
        """With Wilson's interval, by image."""
        return wilson(int(np.trace(self.confusion)), self.images)

    @property
    def sensitivity(self) -> Estimate:
        """Of the marked class, with Wilson's interval, by image."""
        number = self.classes.index(self.label)
        return wilson(int(self.confusion[number, number]), int(self.confusion[number].sum()))

    @property
    def called(self) -> int:
        """Images that are called the marked class, rightly or not."""
        return int(self.confusion[:, self.classes.index(self.label)].sum())


@dataclass(frozen=True)
class Heat:
    """Share of the Grad-CAM heat at the marker's place, mean over images, the interval drawn by patient; empty maps count as 0."""

    marked: Estimate  # on images with the marker
    unmarked: Estimate  # on the same images without it
    area: float  # share of the image that the place takes: what a map that knows nothing would reach
    images: int
    empty: int  # maps of marked images in which nothing speaks for the class


@dataclass(frozen=True)
class Example:
    """One test image of the marked class, with the marker and without. Pixels: uint8 [S, S]; heat for the marked class."""

    sample_id: str
    marked: np.ndarray
    unmarked: np.ndarray
    heat_marked: HeatMap
    heat_unmarked: HeatMap
    probability_marked: float  # of the marked class
    probability_unmarked: float


@dataclass(frozen=True)
class Unmasked:
    """All that was found of one run. `heat`: None for an exposure, which has no place."""

    run: Run
    planted: Planted
    answers: dict[Condition, Answers]
    heat: Heat | None
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Files:
    """Where the findings of one run about one planted set are kept."""

    run: Run
    planted: Planted

    @cached_property
    def _stem(self) -> str:
        return f"epoch{self.run.weights_epoch()}-{self.planted.name}"

    def path(self, what: str) -> Path:
        return self.run.annex / "assessments" / f"{self._stem}-{what}"

    @property
    def complete(self) -> bool:
        return all(self.path(what).is_file() for what in (ANSWERS, HEAT, EXAMPLES))


def known(run: Run, planted: Planted) -> Unmasked | None:
    """What `unmasking.unmask` found before, else None."""
    files = Files(run, planted)
    return read(files) if run.has_model() and files.complete else None


def read(files: Files) -> Unmasked:
    """The findings that `files` hold."""
    planted, classes = files.planted, files.run.recipe().data.classes
    table = read_table(files.path(ANSWERS))
    answers = {condition: _answers(table, condition, classes, planted.label) for condition in CONDITIONS}
    heat = None if isinstance(planted.marker, Exposure) else _mean_heat(read_table(files.path(HEAT)))
    return Unmasked(files.run, planted, answers, heat, _examples(files.path(EXAMPLES), classes.index(planted.label), planted.label))


def _answers(table: pd.DataFrame, condition: Condition, classes: tuple[str, ...], label: str) -> Answers:
    labels, shares, _ = answers_of(table, classes, condition)
    matrix = np.bincount(labels * len(classes) + shares.argmax(axis=1), minlength=len(classes) ** 2).reshape(len(classes), -1)
    return Answers(condition, classes, label, matrix)


def _mean_heat(table: pd.DataFrame) -> Heat:
    groups, _ = groups_of(table["patient_id"].to_numpy(dtype=str), len(table))
    values = table[["marked", "unmarked"]].to_numpy(dtype=float).T
    weights = np.concatenate(list(weight_chunks(groups)))
    drawn = values @ weights.T / weights.sum(axis=1)
    marked, unmarked = (percentile_interval(each.mean(), resampled) for each, resampled in zip(values, drawn, strict=True))
    return Heat(marked, unmarked, float(table["area"].mean()), len(table), int(table["empty"].sum()))


def _examples(path: Path, class_index: int, label: str) -> tuple[Example, ...]:
    def heat(signed: np.ndarray) -> HeatMap:
        return HeatMap.of(signed, "gradcam", class_index=class_index, label=label)

    with np.load(path) as kept:
        found = {name: kept[name] for name in kept.files}
    return tuple(
        Example(
            str(sample),
            marked=found["marked"][row],
            unmarked=found["unmarked"][row],
            heat_marked=heat(found["heat_marked"][row]),
            heat_unmarked=heat(found["heat_unmarked"][row]),
            probability_marked=float(found["probabilities"][0, row]),
            probability_unmarked=float(found["probabilities"][1, row]),
        )
        for row, sample in enumerate(found["sample_id"])
    )
