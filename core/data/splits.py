"""Training, validation and test parts: stratified by class, grouped by patient where patients are known. Knows rows, not images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from core.data.manifest import Manifest
from core.errors import Problem, UnusableData

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """`part` names the part of every manifest row; `grouped` says whether images of one patient are kept together."""

    part: np.ndarray  # str [rows]
    grouped: bool

    @property
    def kind(self) -> str:
        """What a figure measured on this split may be called."""
        return kind(self.grouped)

    def rows(self, part: Part) -> np.ndarray:
        """Row numbers of `part`, ascending."""
        return np.flatnonzero(self.part == part)

    def counts(self, manifest: Manifest) -> pd.DataFrame:
        """Images a class (rows) and part (columns)."""
        table = pd.crosstab(manifest.table["label"].to_numpy(), self.part)
        return table.reindex(index=list(manifest.classes), columns=list(PARTS), fill_value=0)


def kind(grouped: bool) -> str:
    """The name of a split that keeps patients together, or that cannot."""
    return "grouped by patient" if grouped else "ungrouped (patients unknown)"


def groups(manifest: Manifest) -> np.ndarray:
    """A group number a row: images that share a patient or the very same file must not be torn apart. int [rows]"""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = len(manifest)
    patients = manifest.table["patient_id"].where(manifest.table["patient_id"] != "", "row " + manifest.table.index.astype(str))
    # One graph: an image is tied to its patient and to its content; a connected component is a group.
    first, count = pd.factorize(patients)[0], patients.nunique()
    second = pd.factorize(manifest.table["sha256"])[0]
    ends = np.concatenate([rows + first, rows + count + second])
    starts = np.tile(np.arange(rows), 2)
    size = rows + count + manifest.table["sha256"].nunique()
    _, component = connected_components(coo_array((np.ones(2 * rows), (starts, ends)), shape=(size, size)), directed=False)
    return component[:rows]


def split(manifest: Manifest, *, folds: int, fold: int, validation_folds: int, seed: int) -> Split:
    """Divide the rows so that every part has every class.

    The test part is number `fold` (from 0) of `folds` equal folds, so that all folds of one seed are a cross validation. The
    validation part is the first of `validation_folds` equal folds of the rest.

    Raises:
        UnusableData: fewer than two classes, more folds than images or patients, or a class that is too small to stand in all three parts.
    """
    _refuse_unsplittable(manifest)
    labels, group = manifest.table["label"].to_numpy(dtype=str), groups(manifest)
    part = np.full(len(manifest), "train", dtype="U10")
    held_out = _fold(labels, group, folds, seed, fold)
    rest = np.setdiff1d(np.arange(len(manifest)), held_out)
    part[held_out] = "test"
    part[rest[_fold(labels[rest], group[rest], validation_folds, seed, 0)]] = "validation"
    result = Split(part, manifest.has_patients)
    _refuse_missing_classes(result.counts(manifest))
    return result


def _fold(labels: np.ndarray, group: np.ndarray, folds: int, seed: int, fold: int) -> np.ndarray:
    """Rows of one of `folds` stratified folds that keep groups whole. int [rows of the fold]"""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    largest, patients = np.unique(labels, return_counts=True)[1].max(), len(np.unique(group))
    if folds > min(largest, patients):
        raise UnusableData(
            "There are no more folds than images of the largest class, and no more than patients or single images.",
            f"{folds} folds for {largest} and {patients}",
            "Choose fewer folds, or add images.",
        )
    # Where every image is a group of its own, both give stratified folds, and the plain one is far faster on large sets.
    single = patients == len(labels)
    parts = (StratifiedKFold if single else StratifiedGroupKFold)(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # refused by name where it matters
        return list(parts.split(labels, labels, None if single else group))[fold][1]


def _refuse_unsplittable(manifest: Manifest) -> None:
    problems = []
    if len(manifest.classes) < 2:
        problems.append(
            Problem(
                "Training needs at least two classes.",
                f"{manifest.name} with {len(manifest.classes)} ({', '.join(manifest.classes)})",
                "Add a folder of images for another class.",
            )
        )
    problems += [
        Problem(
            "Every class needs at least 5 images to be split into training, validation and test.",
            f"{label} with {count}",
            "Add images of this class, or remove its folder.",
        )
        for label, count in manifest.class_counts().items()
        if count < 5
    ]
    if problems:
        raise UnusableData.of(problems)


def _refuse_missing_classes(counts: pd.DataFrame) -> None:
    problems = [
        Problem(
            "Every class needs images in each of training, validation and test.",
            f"{label}: " + ", ".join(f"{n} {part}" for part, n in row.items()),
            "Add images or patients of this class, or choose other shares or another seed.",
        )
        for label, row in counts.iterrows()
        if (row == 0).any()
    ]
    if problems:
        raise UnusableData.of(problems)
