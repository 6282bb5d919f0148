"""What models answered on their test images, and which images several of them share. It computes no figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UnusableData, UnusableRun
from core.runs.store import PROBABILITY, Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Predicted:
    """One model's answers on one set of images.

    `table`: a row an image with sample_id, label, patient_id ("" where unknown), split, `probability_<class>` for every class, and
    sha256 where it is known.
    """

    name: str
    classes: tuple[str, ...]
    table: pd.DataFrame

    def labels(self) -> np.ndarray:
        """The label given to each image: that of the highest probability. str [images]"""
        return np.array(self.classes)[self.probabilities().argmax(axis=1)]

    def probabilities(self) -> np.ndarray:
        """float64 [images, classes]"""
        return self.table[[PROBABILITY + name for name in self.classes]].to_numpy(dtype=np.float64)

    def right(self) -> np.ndarray:
        """Whether each image was given its own label. bool [images]"""
        return self.labels() == self.table["label"].to_numpy(dtype=str)


def of_run(run: Run, split: str = "test") -> Predicted:
    """The stored predictions of a run for one part, with the content of each image.

    Raises:
        UnusableRun: they were not stored, are damaged, or have no image of this part.
    """
    from core.evaluation.metrics import answers_of

    classes = run.recipe().data.classes
    predictions = _read(run, "predictions.parquet", ["sample_id"])
    contents = _read(run, "split.parquet", ["sample_id", "sha256"])[["sample_id", "sha256"]].drop_duplicates("sample_id")
    try:
        answers_of(predictions, classes, split)
    except (UnusableData, UnusableRun) as error:
        raise _damaged(run, "predictions.parquet", error.problems[0].received) from error
    table = predictions[predictions["split"] == split].merge(contents, on="sample_id", how="left")
    return Predicted(run.id, classes, table.fillna({"sha256": "", "patient_id": ""}))


def shared_images(a: Predicted, b: Predicted) -> int:
    """How many images both were tested on: by content where both know it of every image, else by sample id, which holds in one set only."""
    first, second = identified([a, b])
    return len(first.table.index.intersection(second.table.index))


def aligned(runs: Sequence[Predicted]) -> list[Predicted]:
    """Each of `runs` with the rows of those images alone that all of them were tested on under one label, in one order."""
    found = identified(runs)
    common = found[0].table.index
    for run in found[1:]:
        common = common.intersection(run.table.index, sort=False)
    labels = [run.table["label"].loc[common].to_numpy(dtype=str) for run in found]
    same = np.logical_and.reduce([labels[0] == other for other in labels])
    return [replace(run, table=run.table.loc[common[same]].reset_index(drop=True)) for run in found]


def identified(runs: Sequence[Predicted]) -> list[Predicted]:
    """`runs` with tables indexed by image, ordered by it. An image that a set holds twice is two: the index counts them."""
    known = all("sha256" in run.table and (run.table["sha256"] != "").all() for run in runs)
    column = "sha256" if known else "sample_id"
    found = []
    for run in runs:
        table = run.table.sort_values([column, "label"], kind="stable")
        index = table[column] + " " + table.groupby(column).cumcount().astype(str)
        found.append(replace(run, classes=tuple(sorted(run.classes)), table=table.set_axis(index, axis=0).sort_index()))
    return found


def _read(run: Run, file: str, columns: list[str]) -> pd.DataFrame:
    """A table of the run, which has `columns` and maybe others."""
    try:
        table = {"predictions.parquet": run.predictions, "split.parquet": run.split}[file]()
    except (OSError, ValueError) as error:  # pyarrow's errors are of these two kinds
        raise _damaged(run, file, "cannot be read") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise _damaged(run, file, f"a table without {', '.join(missing)}")
    return table


def _damaged(run: Run, file: str, what: str) -> UnusableRun:
    return UnusableRun("A run is compared by whole files.", f"run {run.id}, {file}: {what}", "Restore its folder, or choose another run.")
