"""The manifest: one row an image, whatever shape the data came in. It knows the files, not their pixels."""

from __future__ import annotations

import hashlib
from csv import QUOTE_ALL
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

COPY = "#"
"""Follows the sha256 of a row that stands for a changed copy of a file, with the copy's number after it."""

COLUMNS = ("path", "label", "patient_id", "source", "view", "sha256")


@dataclass(frozen=True)
class Manifest:
    """A data set: `table` has the columns `COLUMNS`, all text; `path` is relative to `root`; unknown values are empty strings."""

    name: str
    root: Path
    table: pd.DataFrame
    synthetic: bool = False

    def __post_init__(self) -> None:
        missing = [column for column in COLUMNS if column not in self.table.columns]
        if missing:
            raise ValueError(f"A manifest has the columns {', '.join(COLUMNS)}; these are missing: {', '.join(missing)}.")

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names in alphabetical order: position is the class index everywhere."""
        return tuple(sorted(self.table["label"].unique()))

    @cached_property
    def has_patients(self) -> bool:
        """Whether any image names its patient; where none does, a split cannot be grouped."""
        return bool((self.table["patient_id"] != "").any())

    @cached_property
    def patients(self) -> int | None:
        """Number of known patients, or None where no image names one."""
        known = self.table.loc[self.table["patient_id"] != "", "patient_id"]
        return int(known.nunique()) if len(known) else None

    @cached_property
    def sha256(self) -> str:
        """Identity of the content: paths, labels, patients and pixels' files, wherever the folder stands."""
        columns = (self.table[column].astype(str) for column in COLUMNS)
        lines = map("\t".join, zip(*columns, strict=True))  # row by row in pandas takes ten times as long
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @cached_property
    def known(self) -> frozenset[str]:
        """Path of every image, as in the table."""
        return frozenset(self.table["path"])

    def class_counts(self) -> dict[str, int]:
        """Images a class, in the order of `classes`."""
        counts = self.table["label"].value_counts()
        return {name: int(counts[name]) for name in self.classes}

    def paths(self) -> list[Path]:
        """Absolute path of every image, row by row."""
        return [self.root / path for path in self.table["path"]]

    @classmethod
    def read(cls, csv: Path, name: str, root: Path, synthetic: bool = False) -> Manifest:
        """Read a manifest stored by `write`."""
        return cls(name, root, pd.read_csv(csv, dtype=str, keep_default_na=False), synthetic)

    def write(self, csv: Path) -> None:
        self.table[list(COLUMNS)].to_csv(csv, index=False, quoting=QUOTE_ALL)  # else a carriage return in a name would end the row
