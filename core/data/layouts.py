"""Folder shapes → the rows of a manifest. Finds files and reads tables beside them; opens no image.

Read today: class folders, with an optional `metadata.csv` (columns `path`, `label` and any of `patient_id`, `source`, `view`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.data.images import READABLE
from core.errors import UnusableData

NOT_CLASSES = frozenset(("masks", "mask", "__macosx"))
"""Folders that stand beside images in known sets and hold none: learning from masks has happened."""


@dataclass(frozen=True)
class Listing:
    """What a folder holds: `rows` has the columns path (relative, with /), label, patient_id, source, view; `notes` are for people."""

    rows: pd.DataFrame
    layout: str
    dropped: tuple[tuple[str, str], ...] = ()  # path, reason
    notes: tuple[str, ...] = ()


def find(folder: Path) -> Listing:
    """Recognise the shape of `folder` and list its images.

    Raises:
        UnusableData: there is no such folder, no image in any class folder, or a metadata.csv that cannot be read.
    """
    if not folder.is_dir():
        raise UnusableData("A data set is a folder of class folders.", folder, "Check the path; a zip must be unpacked first.")
    csv = folder / "metadata.csv"
    table = _table(csv) if csv.is_file() else pd.DataFrame()
    listing = _from_metadata(folder, table) if {"path", "label"} <= set(table.columns) else _from_class_folders(folder)
    if listing.rows.empty:
        raise UnusableData(
            "A data set needs at least one image in a class folder.",
            f"{folder} without any",
            f"Put the images of each class into a folder of its own, named after the class ({', '.join(READABLE[:4])} …).",
        )
    return listing


def _table(csv: Path) -> pd.DataFrame:
    """The whole table as text; no column becomes an index, which rows that end in a comma would cause."""
    try:
        return pd.read_csv(csv, dtype=str, keep_default_na=False, index_col=False)
    except (OSError, ValueError) as error:  # pandas' parser errors and wrong bytes are ValueErrors
        raise UnusableData("metadata.csv is a table in UTF-8.", f"{csv}: {error}", "Repair it, or move it out of the folder.") from error


def _from_metadata(folder: Path, table: pd.DataFrame) -> Listing:
    rows = pd.DataFrame({name: table.get(name, "") for name in ("path", "label", "patient_id", "source", "view")}).map(str.strip)
    inside = pd.Series([_is_inside(folder, path) for path in rows["path"]], dtype=bool)
    present = inside & pd.Series([_is_file(folder, path) for path in rows["path"]], dtype=bool)
    labelled = rows["label"] != ""
    reasons = pd.Series("no label in metadata.csv", index=rows.index)
    reasons[~present] = "named in metadata.csv, but there is no such file"
    reasons[~inside] = "points outside the folder"
    kept = rows[present & labelled]
    repeated = kept["path"].duplicated()
    dropped = [*zip(rows["path"], reasons, present & labelled, strict=True)]
    lost = [(path, reason) for path, reason, ok in dropped if not ok] + [(path, "named twice") for path in kept["path"][repeated]]
    kept = kept[~repeated].sort_values("path", ignore_index=True)
    unlisted = set(_images_below(folder)) - set(rows["path"])
    notes = (f"{len(unlisted):,} files are not named in metadata.csv and were left out.",) if unlisted else ()
    return Listing(kept, "class folders with metadata.csv", tuple(lost), notes)


def _from_class_folders(folder: Path) -> Listing:
    records, skipped = [], []
    for path in _images_below(folder):
        label, *inner = path.split("/")
        if (readable := os.fsencode(path).decode("utf-8", "replace")) != path:
            skipped.append((readable, "its name is not UTF-8"))
        elif not inner:
            skipped.append((path, "stands outside the class folders"))
        elif any(part.lower() in NOT_CLASSES for part in path.split("/")[:-1]):
            skipped.append((path, "stands in a masks folder"))
        else:
            records.append((path, label))
    rows = pd.DataFrame(records, columns=["path", "label"], dtype=str).assign(patient_id="", source="", view="")
    return Listing(rows, "class folders", tuple(skipped))


def _images_below(folder: Path) -> list[str]:
    """Image files below `folder`, relative, sorted; hidden files and folders are passed over."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in READABLE and path.is_file())
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def _is_inside(folder: Path, path: str) -> bool:
    """Whether the relative `path` stays below `folder`; links that lead out do not."""
    return bool(path) and "\0" not in path and (folder / path).resolve().is_relative_to(folder.resolve())


def _is_file(folder: Path, path: str) -> bool:
    try:
        return (folder / path).is_file()
    except (OSError, ValueError):  # a name that is too long, or that no file can have
        return False
