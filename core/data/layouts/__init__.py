"""Folder shapes → the rows of a manifest. Finds files and reads tables beside them; opens no image.

Recognised from the folder alone, in this order, also one or more folders further in where the outer ones hold nothing else:
a table beside the images (`tables`: any CSV with paths and labels, and the `metadata.csv` of Cohen's collection), then folders
(`folders`: class folders inside train/validation/test, the Radiography Database, class folders). MedMNIST's files become class folders
(`medmnist`) before they are looked at here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from core.data.images import READABLE
from core.data.layouts import folders, patients, tables
from core.data.layouts.files import scan
from core.data.layouts.listing import Listing
from core.errors import UnusableData

__all__ = ["Listing", "find"]


def find(source: Path) -> Listing:
    """Recognise the shape of the folder `source`, or the CSV file `source` with the folder it lies in, and list the images.

    Raises:
        UnusableData: there is no such folder, no image in any class folder, two classes differ in case only, or a table cannot be read.
    """
    if source.suffix.lower() == ".csv" and source.is_file():
        listing = tables.read(source, scan(source.parent))
        if listing is None:
            raise UnusableData("A table of a data set names files and labels.", f"{source}, which does not", f"It needs {tables.NEEDED}.")
    elif source.is_dir():
        listing = _of_folder(source)
    else:
        raise UnusableData("A data set is a folder of class folders.", source, "Check the path; a zip must be unpacked first.")
    if listing.rows.empty:
        raise UnusableData(
            "A data set needs at least one image in a class folder.",
            f"{source} without any",
            f"Put the images of each class into a folder of its own, named after the class ({', '.join(READABLE[:4])} …).",
        )
    _refuse_alike(listing.rows["label"].unique())
    return patients.from_names(listing)


def _of_folder(folder: Path) -> Listing:
    files = scan(folder)
    inner = _inner(folder, files)
    prefix = f"{inner.relative_to(folder).as_posix()}/" if inner != folder else ""
    within = [path.removeprefix(prefix) for path in files if path.startswith(prefix)]
    listing = tables.beside(inner, within) or folders.read(inner, within)
    if not prefix:
        return listing
    rows = listing.rows.assign(path=prefix + listing.rows["path"])
    return replace(listing, rows=rows, dropped=tuple((prefix + path, reason) for path, reason in listing.dropped))


def _inner(folder: Path, files: Iterable[str]) -> Path:
    """The folder that holds the classes or a table: `folder`, or the only one in it, or the only one in that …

    A folder that holds one class alone is told from a wrapper by what is in it: two folders or more, other than images and masks.
    """
    parts = [path.split("/") for path in files]
    depth = 0
    while not any(folder.joinpath(*parts[0][:depth]).glob("*.csv")) if parts else False:
        below = {part[depth] for part in parts} if all(len(part) > depth + 1 for part in parts) else set()
        if len(below) != 1:
            is_wrapper = len(below) > 1 and not {name.casefold() for name in below} <= folders.WITHIN_CLASSES
            return folder.joinpath(*parts[0][:depth]) if is_wrapper else folder
        depth += 1
    return folder.joinpath(*parts[0][:depth]) if parts else folder


def _refuse_alike(labels: Iterable[str]) -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[" ".join(label.casefold().split())].append(label)
    twins = [" and ".join(repr(name) for name in sorted(names)) for names in alike.values() if len(names) > 1]
    if twins:
        raise UnusableData(
            "Names of classes differ in more than capital letters.",
            "; ".join(twins),
            "Give one class one name and import again.",
        )
