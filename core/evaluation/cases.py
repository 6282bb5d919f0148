"""The images behind the figures: those of a cell, the worst errors, those on which runs differ, and where their files lie.

A case is a row with sample_id, label, predicted, confidence (probability of the predicted class) and loss (−log of the true class's
probability, in nats). Predictions are tables as runs store them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data.manifest import COPY, Manifest
from core.errors import UnknownName, UnusableData
from core.evaluation.predicted import Predicted, aligned
from core.runs.store import Run

if TYPE_CHECKING:
    import pandas as pd


def cases(table: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Every row of `table` as a case, in its order."""
    run = Predicted("", classes, table)
    shares, rows = run.probabilities(), np.arange(len(table))
    true = table["label"].map({name: number for number, name in enumerate(classes)}).to_numpy(dtype=np.int64)
    losses = -np.log(shares[rows, true].clip(np.finfo(float).eps))  # clipped as in the figures: a share of 0 has no finite loss
    cells = table[["sample_id", "label"]].reset_index(drop=True)
    return cells.assign(predicted=run.labels(), confidence=shares.max(axis=1), loss=losses)


def cell(table: pd.DataFrame, classes: tuple[str, ...], true: str, predicted: str) -> pd.DataFrame:
    """The cases of one cell of the confusion matrix, the most confident first.

    Raises:
        UnknownName: `true` or `predicted` is none of `classes`.
    """
    for name in (true, predicted):
        if name not in classes:
            raise UnknownName.among("class", name, classes)
    found = cases(table, classes)
    return _first(found[(found["label"] == true) & (found["predicted"] == predicted)], "confidence", None)


def top_losses(table: pd.DataFrame, classes: tuple[str, ...], n: int) -> pd.DataFrame:
    """The `n` cases of the highest loss, right or wrong, the highest first."""
    return _first(cases(table, classes), "loss", n)


def confident_errors(table: pd.DataFrame, classes: tuple[str, ...], n: int) -> pd.DataFrame:
    """The `n` errors of the highest confidence, the highest first."""
    found = cases(table, classes)
    return _first(found[found["label"] != found["predicted"]], "confidence", n)


def missed_by_all(runs: Sequence[Predicted]) -> pd.DataFrame:
    """Images that every run gets wrong: sample_id, label, the label given by each run, and mean_loss, the highest first.

    Only images that all of `runs` (at least one) were tested on are looked at; sample_id is the first run's.
    """
    found = _side_by_side(runs)
    wrong = found[[run.name for run in runs]].ne(found["label"], axis=0).all(axis=1)
    return _first(found[wrong].drop(columns="split"), "mean_loss", None)


def disagreements(runs: Sequence[Predicted]) -> pd.DataFrame:
    """Images to which runs give different labels: sample_id, label, the label given by each run, and split, the most split first.

    `split` is the share of pairs of runs that give different labels, in (0, 1]. Images as in `missed_by_all`.
    """
    found = _side_by_side(runs)
    return _first(found[found["split"] > 0].drop(columns="mean_loss"), "split", None)


def image_of(manifest: Manifest, sample_id: str) -> Path:
    """The file of an image; of a copy made before the split, the file that it is a copy of.

    Raises:
        UnusableData: the data set has no such image, or its file is gone.
    """
    path = sample_id if sample_id in manifest.known else sample_id.rpartition(COPY)[0]  # a file's own name may hold COPY
    if path not in manifest.known:
        raise UnusableData(
            "A case is an image of its data set.", f"{sample_id}, which {manifest.name} does not have", "Import the folder as it was then."
        )
    file = manifest.root / path
    if not file.is_file():
        raise UnusableData(
            "The images of a data set stay where they were imported from.",
            f"{file}, which is gone",
            f"Put it back, or import the folder of {manifest.name} again.",
        )
    return file


def path_of(run: Run, sample_id: str) -> Path:
    """The file of an image in a run's own data set; for many images, open the set once and use `image_of`.

    Raises:
        UnknownName: the data set is not known here.
        UnusableData: as `image_of`, or its folder is gone.
        UnusableRun: the recipe cannot be read.
    """
    from core.data import library

    return image_of(library.open_dataset(run.recipe().data.name), sample_id)


def _side_by_side(runs: Sequence[Predicted]) -> pd.DataFrame:
    """A row an image that all runs were tested on: sample_id, label, a column of labels for each run, split and mean_loss."""
    together = aligned(runs)
    tables = [cases(run.table, run.classes) for run in together]
    given = {run.name: table["predicted"].to_numpy(dtype=str) for run, table in zip(together, tables, strict=True)}
    first, labels = tables[0], np.array(list(given.values()))
    pairs = max(1, len(runs) * (len(runs) - 1))
    differing = (labels[:, np.newaxis] != labels[np.newaxis]).sum(axis=(0, 1))  # each pair is seen twice, and no run differs from itself
    found = first[["sample_id", "label"]].assign(**given)
    return found.assign(split=differing / pairs, mean_loss=np.mean([table["loss"] for table in tables], axis=0))


def _first(found: pd.DataFrame, by: str, n: int | None) -> pd.DataFrame:
    """The first `n` rows by a column, the highest first, equal ones by sample id; None: all."""
    return found.sort_values([by, "sample_id"], ascending=[False, True]).head(len(found) if n is None else n).reset_index(drop=True)
