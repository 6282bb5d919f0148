"""The data sets this machine knows: imported folders by name, and the synthetic phantom. Images stay where they are.

`artifacts/datasets/<name>/` holds `manifest.csv` and `dataset.json` (root, layout, import report).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core import wording
from core.data import images, layouts, threads
from core.data.manifest import Manifest
from core.data.threads import Progress
from core.errors import CoreError, InvalidSpec, UnknownName, UnreadableImage, UnusableData
from core.files import replacing, write_json
from core.settings import artifacts_dir

PHANTOM = "phantom"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set without opening an image; also the report of its import."""

    name: str
    root: str
    synthetic: bool
    layout: str
    imported: float  # Unix time
    fingerprint: str  # of file names, sizes and times: tells cheaply whether the folder is as it was
    images: int
    classes: dict[str, int]  # images a class
    patients: int | None  # None: unknown
    sources: int
    modes: dict[str, int]  # what the files hold: "L", "RGB" …
    sizes: dict[str, int]  # most frequent "width×height" first, at most ten
    dropped: list[tuple[str, str]]  # path, reason
    notes: list[str]

    def dropped_table(self) -> list[dict[str, str]]:
        """What was left out and why, a row a file."""
        return [{"file": path, "reason": reason} for path, reason in self.dropped]


def datasets() -> list[Dataset]:
    """Every registered data set, by name; the phantom is among them once it was drawn."""
    records = sorted(_home().glob("*/dataset.json"))
    return [Dataset(**json.loads(record.read_text(encoding="utf-8"))) for record in records]


def available() -> list[Dataset]:
    """Every data set that can be opened by name: the registered ones, and the phantom, drawn or not."""
    return datasets() if is_registered(PHANTOM) else [_undrawn_phantom(), *datasets()]


def names() -> tuple[str, ...]:
    """Names that `open_dataset` takes, the phantom first."""
    return (PHANTOM, *(record.parent.name for record in sorted(_home().glob("*/dataset.json")) if record.parent.name != PHANTOM))


def title(name: str) -> str:
    """`name` for people."""
    return wording.data_set(name, synthetic=name == PHANTOM)


def is_registered(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and (_home() / name / "dataset.json").is_file()


def describe(name: str) -> Dataset:
    """The record of a registered data set.

    Raises:
        UnknownName: no such data set.
    """
    record = _home() / name / "dataset.json"
    if not is_registered(name):
        raise UnknownName.among("data set", name, names())
    return Dataset(**json.loads(record.read_text(encoding="utf-8")))


def open_dataset(data: str, progress: Progress | None = None) -> Manifest:
    """The manifest of a registered name, or of a folder, which is imported when it is new or has changed.

    Raises:
        UnknownName: neither a registered name nor a folder.
        UnusableData: the folder holds no data set.
    """
    if data == PHANTOM and not is_registered(PHANTOM):
        make_phantom(progress)
    if is_registered(data):
        return _manifest(describe(data))
    folder = Path(data).expanduser()
    if not data or not folder.is_dir():
        if os.sep in data or folder.exists():
            raise UnknownName("Data is a registered name or a folder.", repr(data), "There is no such folder; check the path.")
        raise UnknownName.among("data set", data, names())
    known = [item for item in datasets() if Path(item.root) == folder.resolve()]
    if known and known[0].fingerprint == _fingerprint(folder.resolve(), layouts.find(folder)):
        return _manifest(known[0])
    return _manifest(import_folder(folder, known[0].name if known else None, progress))


def make_phantom(progress: Progress | None = None) -> Dataset:
    """Draw the synthetic phantom and register it; the same pictures on every machine."""
    from core.data import phantom

    images_folder = _home() / PHANTOM / "images"
    if not images_folder.is_dir():
        phantom.write(images_folder, progress=progress)
    return import_folder(images_folder, PHANTOM, synthetic=True)


def import_folder(source: Path, name: str | None = None, progress: Progress | None = None, *, synthetic: bool = False) -> Dataset:
    """Read every image of `source` once, register what could be read under `name`, and report the rest.

    Args:
        source: folder in a shape that `core.data.layouts` knows; it is referred to, not copied.
        name: lower-case letters, digits, ".", "_", "-"; from the folder's name where None.

    Raises:
        InvalidSpec: the name breaks the rule, or belongs to another folder.
        UnusableData: no image could be read. Nothing is registered then.
    """
    source = Path(source).expanduser()
    listing = layouts.find(source)
    root = source.resolve()
    name = _checked_name(name, root) if name else _free_name(root)
    readings = _read_all(root, listing.rows["path"].tolist(), progress)
    table = listing.rows.assign(sha256=[reading.sha256 for reading in readings])
    readable = [not reading.problem for reading in readings]
    dropped = [*listing.dropped, *((r.path, r.problem) for r in readings if r.problem)]
    manifest = Manifest(name, root, table[readable].reset_index(drop=True), synthetic)
    if not len(manifest):
        raise UnusableData(
            "A data set needs at least one readable image.",
            f"{source}: {len(dropped)} files, none readable",
            f"First of them: {dropped[0][1]}",
        )
    record = _record(manifest, listing, [r for r in readings if not r.problem], dropped)
    with replacing(_home() / name / "manifest.csv") as temporary:
        manifest.write(temporary)
    write_json(_home() / name / "dataset.json", asdict(record))
    return record


@dataclass(frozen=True)
class _Reading:
    path: str
    sha256: str = ""
    mode: str = ""
    size: str = ""
    problem: str = ""


def _read_all(root: Path, paths: list[str], progress: Progress | None) -> list[_Reading]:
    def read(path: str) -> _Reading:
        try:
            content = (root / path).read_bytes()
            xray = images.read(content, Path(path).name)
        except UnreadableImage as error:
            return _Reading(path, problem=str(error))
        except OSError as error:
            return _Reading(path, problem=f"cannot be read: {error.strerror}")
        height, width = xray.pixels.shape
        return _Reading(path, hashlib.sha256(content).hexdigest(), xray.mode, f"{width}×{height}")

    return threads.each(read, paths, progress)


def _undrawn_phantom() -> Dataset:
    from core.data import phantom

    return Dataset(
        name=PHANTOM,
        root="",
        synthetic=True,
        layout="drawn on first use",
        imported=0.0,
        fingerprint="",
        images=len(phantom.CLASSES) * phantom.PER_CLASS,
        classes=dict.fromkeys(phantom.CLASSES, phantom.PER_CLASS),
        patients=None,
        sources=1,
        modes={},
        sizes={},
        dropped=[],
        notes=["Synthetic: drawn, not taken, when it is first used."],
    )


def _record(manifest: Manifest, listing: layouts.Listing, readings: list[_Reading], dropped: list[tuple[str, str]]) -> Dataset:
    notes = list(listing.notes)
    if len(manifest.classes) == 1:
        notes.append("There is one class only: a model can be evaluated on it, but none can be trained.")
    if not manifest.has_patients:
        notes.append("No patient ids: splits are ungrouped, and images of one patient may stand in training and test.")
    return Dataset(
        name=manifest.name,
        root=str(manifest.root),
        synthetic=manifest.synthetic,
        layout=listing.layout,
        imported=time.time(),
        fingerprint=_fingerprint(manifest.root, listing),
        images=len(manifest),
        classes=manifest.class_counts(),
        patients=manifest.patients,
        sources=int(manifest.table["source"].replace("", pd.NA).nunique()),
        modes=dict(Counter(reading.mode for reading in readings).most_common()),
        sizes=dict(Counter(reading.size for reading in readings).most_common(10)),
        dropped=dropped,
        notes=notes,
    )


def _manifest(record: Dataset) -> Manifest:
    root = Path(record.root)
    if not root.is_dir():
        raise UnusableData(
            "The images of a data set stay where they were imported from.",
            f"{record.name}, whose folder {root} is gone",
            "Put the folder back, or import it from its new place.",
        )
    return Manifest.read(_home() / record.name / "manifest.csv", record.name, root, record.synthetic)


def _fingerprint(root: Path, listing: layouts.Listing) -> str:
    digest = hashlib.sha256(listing.rows.to_csv(index=False).encode())
    for path in listing.rows["path"]:
        stat = (root / path).stat()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _checked_name(name: str, root: Path) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidSpec(
            "A data set's name has lower-case letters, digits, '.', '_' and '-', at most 64.", repr(name), "Choose such a name."
        )
    record = _home() / name / "dataset.json"
    if (record.is_file() and Path(describe(name).root) != root) or (name == PHANTOM and root != _home() / PHANTOM / "images"):
        raise InvalidSpec("A name belongs to one data set.", f"{name!r}, which is taken by another folder", "Choose another name.")
    return name


def _free_name(root: Path) -> str:
    """A name from the folder's own; with a piece of the path's hash where that is taken."""
    base = re.sub(r"[^a-z0-9._-]+", "-", root.name.lower()).strip("-._")[:50] or "data"
    try:
        return _checked_name(base, root)
    except CoreError:
        return f"{base}-{hashlib.sha256(str(root).encode()).hexdigest()[:4]}"


def _home() -> Path:
    return artifacts_dir() / "datasets"
