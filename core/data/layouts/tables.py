"""Layouts whose labels stand in a CSV file beside the images."""

from __future__ import annotations

import io
import posixpath
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.layouts import cohen
from core.data.layouts.files import beside_images
from core.data.layouts.listing import Listing
from core.errors import UnusableData

COLUMNS = {
    "path": ("path", "filepath", "imagepath", "file", "filename", "image", "imagename", "imageid", "imageindex"),
    "label": ("label", "class", "finding", "findings", "findinglabels", "diagnosis"),
    "patient_id": ("patientid", "patient", "subjectid"),
    "source": ("source", "dataset"),
    "view": ("view", "viewposition"),
}
"""What a column may be called, apart from case, spaces and "_"; the first that is there is taken."""
NEEDED = "a column path, file, filename or image, and a column label, class, finding or diagnosis"
MAX_BYTES = 200 * 2**20


def beside(folder: Path, files: list[str]) -> Listing | None:
    """The images by the table in `folder`: metadata.csv, or another CSV that names files which are there. None: there is no such table."""
    found = sorted(folder.glob("*.csv"), key=lambda path: (path.name != "metadata.csv", path.name))
    for csv in found:
        listing = read(csv, files)
        if listing and (csv.name == "metadata.csv" or not listing.rows.empty):
            return listing
    return None


def read(csv: Path, files: list[str]) -> Listing | None:
    """The images that the table `csv` names; None where it has no such columns. `files`: the image files below its folder.

    A name without folders is looked for in all folders, without its suffix too, where just one file is called so.

    Raises:
        UnusableData: no table.
    """
    table, notes = _table(csv)
    table.columns = [re.sub(r"[^a-z0-9]", "", str(name).casefold()) for name in table.columns]
    table = table.loc[:, ~table.columns.duplicated()]
    if cohen.COLUMNS.issubset(table.columns):
        rows, refused, layout = *cohen.rows(table), "Cohen’s metadata.csv"
    else:
        chosen = {name: next((alias for alias in aliases if alias in table.columns), "") for name, aliases in COLUMNS.items()}
        if not (chosen["path"] and chosen["label"]):
            return None
        rows = pd.DataFrame({name: table[alias] if alias else "" for name, alias in chosen.items()}).map(str.strip)
        refused = rows["label"].map(lambda label: "" if label else f"no label in {csv.name}")
        if chosen["label"] == "findinglabels":  # of NIH ChestX-ray
            refused = refused.mask(rows["label"].str.contains("|", regex=False), "has several findings")
        layout = "class folders with metadata.csv" if csv.name == "metadata.csv" else f"table {csv.name}"
    places = _Places(csv, files)
    found = [places.find(name) for name in rows["path"]]
    reasons = [refusal or lost for refusal, (_, lost) in zip(refused, found, strict=True)]
    dropped = [(name, reason) for name, reason in zip(rows["path"], reasons, strict=True) if reason]
    kept = rows.assign(path=[path for path, _ in found])[np.array([not reason for reason in reasons], dtype=bool)]
    repeated = kept["path"].duplicated()
    dropped += [(path, "named twice") for path in kept["path"][repeated]]
    unlisted = len({path for path in files if not beside_images(path)} - {path for path, _ in found})
    if unlisted:
        notes.append(f"{unlisted:,} files are not named in {csv.name} and were left out.")
    return Listing(kept[~repeated].sort_values("path", ignore_index=True), layout, tuple(dropped), tuple(notes))


def _table(csv: Path) -> tuple[pd.DataFrame, list[str]]:
    """The whole table as text, and what is to be said of it; no column becomes an index, which rows that end in a comma would cause."""
    try:
        if csv.stat().st_size > MAX_BYTES:
            raise ValueError(f"of more than {MAX_BYTES // 2**20} MiB")
        content = csv.read_bytes()
        try:
            text, notes = content.decode("utf-8-sig"), []
        except UnicodeDecodeError:
            text, notes = content.decode("latin-1"), [f"{csv.name} is not in UTF-8; it was read as Latin-1."]
        separator = max(",;\t", key=text.partition("\n")[0].count)
        return pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, index_col=False), notes
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UnusableData("A CSV file beside images is a table.", f"{csv}: {error}", "Repair it, or move it out of the folder.") from error


class _Places:
    """Where the files that a table names are."""

    def __init__(self, csv: Path, files: list[str]) -> None:
        self._csv, self._folder, self._files = csv, csv.parent, frozenset(files)
        self._named: dict[str, list[str]] = defaultdict(list)
        for path in files:
            name = path.rpartition("/")[2].casefold()
            for known in {name, name.rpartition(".")[0]}:
                self._named[known].append(path)

    def find(self, name: str) -> tuple[str, str]:
        """Path relative to the table's folder, and why there is none."""
        if not name:
            return "", f"no file named in {self._csv.name}"
        path = name if name in self._files else posixpath.normpath(name.replace("\\", "/"))
        if path not in self._files or (self._folder / path).is_symlink():
            path = self._relative(path)
            if not path:
                return "", "points outside the folder"
        if path in self._files or self._is_file(path):
            return path, ""
        namesakes = self._named.get(path.casefold(), [])
        if len(namesakes) == 1:
            return namesakes[0], ""
        return path, f"named in {self._csv.name}, but {'several files are called so' if namesakes else 'there is no such file'}"

    def _relative(self, path: str) -> str:
        """`path` below the folder, absolute or not; empty where it leads out of it, links included."""
        file = self._folder / path.replace("\0", "?")
        root = self._folder.resolve()
        if not file.resolve().is_relative_to(root):
            return ""
        return file.resolve().relative_to(root).as_posix() if posixpath.isabs(path) else path

    def _is_file(self, path: str) -> bool:
        try:
            return (self._folder / path).is_file()
        except (OSError, ValueError):  # a name that is too long, or that no file can have
            return False
