"""Training, validation and test parts: stratified by class; the images of a patient, and copies of one picture, stay in one part.

It knows rows; which of them show one picture, `duplicates` says.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from core.data.manifest import COPY, Manifest
from core.errors import Problem, UnusableData

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
Together = Literal["patients and duplicates", "patients", "nothing"]
TOGETHER: tuple[Together, ...] = get_args(Together)
"""What is kept in one part: patients and all copies of a picture; patients and equal files; or nothing, each image for itself."""


@dataclass(frozen=True)
class Split:
    """`part` names the part of every manifest row; `grouped` says whether images of one patient are kept together."""

    part: np.ndarray  # str [rows]
    grouped: bool
    together: Together = "patients and duplicates"

    @property
    def kind(self) -> str:
        """What a figure measured on this split may be called."""
        return kind(self.grouped, self.together)

    def rows(self, part: Part) -> np.ndarray:
        """Row numbers of `part`, ascending."""
        return np.flatnonzero(self.part == part)

    def counts(self, manifest: Manifest) -> pd.DataFrame:
        """Images a class (rows) and part (columns)."""
        table = pd.crosstab(manifest.table["label"].to_numpy(), self.part)
        return table.reindex(index=list(manifest.classes), columns=list(PARTS), fill_value=0)


def kind(grouped: bool, together: Together = "patients and duplicates") -> str:
    """The name of a split that keeps patients together, that cannot, or that was told not to."""
    if together == "nothing":
        return "ungrouped (on purpose)"
    return "grouped by patient" if grouped else "ungrouped (patients unknown)"


def groups(manifest: Manifest, ties: np.ndarray | None = None) -> np.ndarray:
    """A group number a row: images that share a patient or the very same file, or are tied otherwise, must not be torn apart. int [rows]

    Args:
        ties: other pairs of rows that belong together. int [pairs, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = len(manifest)
    patients = manifest.table["patient_id"].where(manifest.table["patient_id"] != "", "row " + manifest.table.index.astype(str))
    # One graph: an image is tied to its patient, its content and its copies; a connected component is a group.
    first, count = pd.factorize(patients)[0], patients.nunique()
    second = pd.factorize(manifest.table["sha256"])[0]
    others = np.empty((0, 2), dtype=int) if ties is None else ties
    starts = np.concatenate([np.tile(np.arange(rows), 2), others[:, 0]])
    ends = np.concatenate([rows + first, rows + count + second, others[:, 1]])
    size = rows + count + manifest.table["sha256"].nunique()
    _, component = connected_components(coo_array((np.ones(len(starts)), (starts, ends)), shape=(size, size)), directed=False)
    return component[:rows]


def copies(manifest: Manifest) -> np.ndarray | None:
    """Pairs of rows that show one picture, enough to reach every copy from any other. int [pairs, 2]

    Rows that stand for copies made before a split, and those that they are of, are meant to be torn apart: they have none. None for
    a manifest whose folder is not there, which is split by what it says alone.

    Raises:
        UnusableData, UnreadableImage: a file that was not looked at before is gone, changed or damaged.
    """
    from core.data import duplicates

    if not manifest.root.is_dir():
        return None
    pairs = duplicates.of_manifest(manifest).ties
    content = manifest.table["sha256"].str.partition(COPY)
    copied = manifest.table["sha256"].isin(content[0][content[1] != ""]).to_numpy() | (content[1] != "").to_numpy()
    return pairs[~copied[pairs].any(axis=1)]


def split(
    manifest: Manifest, *, folds: int, fold: int, validation_folds: int, seed: int, together: Together = "patients and duplicates"
) -> Split:
    """Divide the rows so that every part has every class.

    The test part is number `fold` (from 0) of `folds` equal folds, so that all folds of one seed are a cross validation. The
    validation part is the first of `validation_folds` equal folds of the rest. What is kept `together` stands in one part.

    Raises:
        UnusableData: fewer than two classes, more folds than images or patients, a class that is too small to stand in all three parts,
            or files that `copies` must read and cannot.
        UnreadableImage: as `copies`.
    """
    _refuse_unsplittable(manifest)
    labels = manifest.table["label"].to_numpy(dtype=str)
    if together == "nothing":
        group = np.arange(len(manifest))
    else:
        group = groups(manifest, copies(manifest) if together == "patients and duplicates" else None)
    part = np.full(len(manifest), "train", dtype="U10")
    held_out = _fold(labels, group, folds, seed, fold)
    rest = np.setdiff1d(np.arange(len(manifest)), held_out)
    part[held_out] = "test"
    part[rest[_fold(labels[rest], group[rest], validation_folds, seed, 0)]] = "validation"
    result = Split(part, manifest.has_patients and together != "nothing", together)
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
