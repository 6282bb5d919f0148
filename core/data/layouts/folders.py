"""Layouts whose labels are the names of folders."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from core.data.layouts.files import NOT_CLASSES
from core.data.layouts.listing import Listing
from core.errors import UnusableData

WITHIN_CLASSES = NOT_CLASSES | {"images"}
"""Folders that stand inside the folder of a class."""
_PARTS = {"train": "training", "val": "validation", "valid": "validation", "dev": "validation", "test": "test"}
_PART = re.compile(r"(train|val|valid|dev|test)(?:ing|idation)?(?:[ _-]?(?:data|set))?", re.IGNORECASE)
_WORKBOOK = re.compile(r"(?P<label>.+)\.m[ae]tadata\.xlsx", re.IGNORECASE)  # one of a release is spelt matadata


def read(folder: Path, files: list[str]) -> Listing:
    """Images by the folder that they stand in, be it inside a published part or not. `files` are those below `folder`."""
    top = {path.split("/")[0] for path in files if "/" in path}
    parts = {name: _part(name) for name in top if _part(name)}
    inside = any(path.split("/")[0] in parts and path.count("/") > 1 for path in files)
    has_parts = inside and (len(set(parts.values())) > 1 or len(parts) == len(top))
    records, skipped = [], []
    for path in files:
        reason = _reason(path, parts if has_parts else {})
        if reason:
            skipped.append((os.fsencode(path).decode("utf-8", "replace"), reason))
        else:
            records.append((path, path.split("/")[1 if has_parts else 0]))
    rows = pd.DataFrame(records, columns=["path", "label"], dtype=str).assign(patient_id="", source="", view="")
    if has_parts:
        counts = Counter(parts[path.split("/")[0]] for path, _ in records)
        split = ", ".join(f"{part} {counts[part]:,}" for part in ("training", "validation", "test") if counts[part])
        note = f"The set comes split ({split}). The split stands in the paths alone: a run draws its own."
        return Listing(rows, "class folders inside training, validation and test", tuple(skipped), (note,))
    return _with_workbooks(folder, Listing(rows, "class folders", tuple(skipped)))


def _reason(path: str, parts: dict[str, str]) -> str:
    """Why the file at `path` is left out, or nothing. `parts`: folders of a published split, where there is one."""
    top, *inner = path.split("/")
    if os.fsencode(path).decode("utf-8", "replace") != path:
        return "its name is not UTF-8"
    if parts and top not in parts:
        return "stands outside the folders of the published split"
    if len(inner) < (2 if parts else 1):
        return "stands outside the class folders"
    if any(part.lower() in NOT_CLASSES for part in (top, *inner[:-1])):
        return "stands in a masks folder"
    return ""


def _part(name: str) -> str:
    found = _PART.fullmatch(name)
    return _PARTS[found[1].lower()] if found else ""


def _with_workbooks(folder: Path, listing: Listing) -> Listing:
    """`listing` with sources from the Radiography Database's workbooks, `<class>.metadata.xlsx` beside the folders of the classes.

    Their FILE NAME and the files differ in case ("NORMAL-1", Normal-1.png) and in the first release in brackets ("COVID-19 (1).png").
    """
    books = {found["label"].casefold(): path for path in sorted(folder.glob("*.xlsx")) if (found := _WORKBOOK.fullmatch(path.name))}
    if not books:
        return listing
    named = {label: _sources(path) for label, path in books.items()}
    rows = listing.rows
    sources = [
        named.get(label.casefold(), {}).get(_words(path.rpartition("/")[2]), "")
        for path, label in zip(rows["path"], rows["label"], strict=True)
    ]
    lacking = sources.count("")
    notes = (f"{lacking:,} images are not named in the workbooks: their source is unknown.",) if lacking else ()
    return Listing(rows.assign(source=sources), "Radiography Database", listing.dropped, notes)


def _sources(workbook: Path) -> dict[tuple[str, ...], str]:
    """File name, as words → address, without what names the single page of an archive."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(workbook, read_only=True, data_only=True)
        header, *rows = book.worksheets[0].iter_rows(values_only=True)
        book.close()
        columns = [str(cell).strip().casefold() for cell in header]
        name, url = columns.index("file name"), columns.index("url")
        return {_words(str(row[name])): _address(str(row[url] or "")) for row in rows if row[name]}
    except Exception as error:  # a damaged workbook leads the reader to many errors: BadZipFile, KeyError, ParseError …
        raise UnusableData(
            "A metadata.xlsx has the columns FILE NAME and URL.", f"{workbook} ({error})", "Fetch it again, or move it out of the folder."
        ) from error


def _address(url: str) -> str:
    return re.sub(r"^https?://(?:www\.)?|#.*$", "", url.strip()).rstrip("/")


def _words(name: str) -> tuple[str, ...]:
    """ "Normal-1.png" as ("normal", "1")."""
    return tuple(re.findall(r"[a-z]+|\d+", re.sub(r"\.(?:png|jpe?g)$", "", name.casefold())))
