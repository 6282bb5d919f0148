"""The data sets this machine knows: imported folders by name, and the synthetic phantom. Images stay where they are.

`artifacts/datasets/<name>/` holds `manifest.csv` and `dataset.json` (root, layout, import report).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from core import owners, wording
from core.data import dataset, doors, incoming, layouts, readings
from core.data.cache import FULL
from core.data.dataset import Dataset
from core.data.manifest import Manifest
from core.data.preparation import Preparation
from core.data.threads import Progress
from core.errors import CoreError, InvalidSpec, UnknownName, UnusableData
from core.files import replacing, write_json
from core.settings import artifacts_dir

PHANTOM = "phantom"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


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


def manifest_of(record: Dataset) -> Manifest:
    """Its rows, which are read anew when it was imported anew.

    Raises:
        UnusableData: the folder of its images is gone.
    """
    root = Path(record.root)
    if not root.is_dir():
        raise UnusableData(
            "The images of a data set stay where they were imported from.",
            f"{record.name}, whose folder {root} is gone",
            "Put the folder back, or import it from its new place.",
        )
    file = _home() / record.name / "manifest.csv"
    return _read(file, file.stat().st_mtime_ns, record.name, root, record.synthetic)


def open_dataset(data: str, progress: Progress | None = None, also: Preparation | None = None) -> Manifest:
    """The manifest of a registered name, or of a folder, which is imported when it is new or has changed.

    Args:
        also: prepare the images in the same pass where the folder is imported: `cache.decoded` finds them then.

    Raises:
        UnknownName: neither a registered name nor a folder.
        UnusableData: the folder holds no data set.
        NotAllowed, BeyondLimit: see `doors.require_import`.
    """
    if data == PHANTOM and not is_registered(PHANTOM):
        make_phantom(progress)
    if is_registered(data):
        return manifest_of(describe(data))
    folder = Path(data).expanduser()
    if not data or not folder.is_dir():
        if os.sep in data or folder.exists():
            raise UnknownName("Data is a registered name or a folder.", repr(data), "There is no such folder; check the path.")
        raise UnknownName.among("data set", data, names())
    doors.require_import(folder)
    known = [item for item in datasets() if Path(item.root) == folder.resolve()]
    if known:
        fingerprint = _fingerprint(folder.resolve(), layouts.find(folder))
        known.sort(key=lambda item: item.fingerprint != fingerprint)  # a CSV may have made another set of the same folder
        if known[0].fingerprint == fingerprint:
            return manifest_of(known[0])
    return manifest_of(import_folder(folder, known[0].name if known else None, progress, also=also))


def make_phantom(progress: Progress | None = None) -> Dataset:
    """Draw the synthetic phantom and register it; the same pictures on every machine."""
    from core.data import phantom

    images_folder = _home() / PHANTOM / "images"
    doors.require_import(images_folder)
    if not images_folder.is_dir():
        phantom.write(images_folder, progress=progress)
    return import_folder(images_folder, PHANTOM, synthetic=True)


def import_folder(
    source: Path, name: str | None = None, progress: Progress | None = None, *, also: Preparation | None = None, synthetic: bool = False
) -> Dataset:
    """Read every image of `source` once, register what could be read under `name`, and report the rest.

    Args:
        source: folder in a shape that `core.data.layouts` knows, or a CSV with paths and labels; it is referred to, not copied.
        name: lower-case letters, digits, ".", "_", "-"; from the folder's (or the CSV's) name where None.
        progress: counts the files; what was read before it raised is not read again by the next import.
        also: put the images, prepared so, into the cache in the same pass: `cache.decoded` finds them then.

    Raises:
        InvalidSpec: the name breaks the rule, or belongs to another folder.
        UnusableData: no image could be read. Nothing is registered then.
        NotAllowed, BeyondLimit: see `doors.require_import`.
    """
    source = Path(source).expanduser()
    doors.require_import(source)
    listing = layouts.find(source)
    root = (source.parent if source.is_file() else source).resolve()
    own = source.stem if source.is_file() and source.stem != "metadata" else root.name
    return _register(root, _checked_name(name, root) if name else _free_name(own, root), listing, progress, also, synthetic)


def import_zip(
    packed: Path | bytes | BinaryIO, name: str | None = None, progress: Progress | None = None, *, also: Preparation | None = None
) -> Dataset:
    """Unpack a ZIP archive of any layout, or a MedMNIST .npz, to `artifacts/datasets/<name>/images` and import that.

    The same file is not unpacked again. `progress` counts files twice: as they are unpacked, and as they are read.

    Raises:
        InvalidSpec: the name breaks the rule, or belongs to another data set.
        UnusableData: see `archives.unpack`; or nothing in it could be read. Nothing is left then.
        NotAllowed, BeyondLimit: see `doors.require_import`.
    """
    doors.require_import(packed, incoming.name_of(packed))
    sha256 = incoming.sha256_of(packed)
    name, folder = _place(name, _slug(incoming.name_of(packed)), sha256)
    is_new = not is_registered(name)
    try:
        origin = incoming.origin_of(folder) or incoming.write(packed, sha256, folder, progress)
        found = layouts.find(folder)
        listing = replace(found, dropped=(*origin.left_out, *found.dropped), notes=(*origin.notes, *found.notes))
        return _register(folder.resolve(), name, listing, progress, also)
    except CoreError:
        if is_new:
            shutil.rmtree(folder.parent, ignore_errors=True)
        raise


def import_source(source: str, name: str | None = None, progress: Progress | None = None, *, also: Preparation | None = None) -> Dataset:
    """Import whatever `source` names: a folder, a CSV, a ZIP, a MedMNIST .npz, or a public set, which is fetched first.

    Raises:
        UnknownName: neither a path nor a known public set.
    """
    from core.data import sources

    path = Path(source).expanduser()
    if source not in sources.names():
        doors.require_import(path)
    if not path.exists() and source in sources.names():
        path, name = sources.fetch(source, progress), name or source
        if source == PHANTOM:
            return describe(PHANTOM)
    elif not path.exists() and (os.sep in source or path.suffix):
        raise UnknownName("A data set is a folder, a CSV, a ZIP, an .npz, or a public set.", repr(source), "Check the path.")
    elif not path.exists():
        raise UnknownName.among("public set", source, sources.names())
    if path.is_dir() or path.suffix.lower() == ".csv":
        return import_folder(path, name, progress, also=also)
    return import_zip(path, name, progress, also=also)


def _register(
    root: Path, name: str, listing: layouts.Listing, progress: Progress | None, also: Preparation | None, synthetic: bool = False
) -> Dataset:
    try:
        return _read_and_write(root, name, listing, progress, also, synthetic)
    except OSError as error:
        if error.errno not in FULL:
            raise
        folder = artifacts_dir()
        raise UnusableData(
            "The report of an import must fit on the disk.",
            f"{wording.size(shutil.disk_usage(folder).free)} free in {folder}",
            "Free some room, or set CXRLAB_ARTIFACTS to a folder on a larger disk.",
        ) from error


def _read_and_write(
    root: Path, name: str, listing: layouts.Listing, progress: Progress | None, also: Preparation | None, synthetic: bool
) -> Dataset:
    found = readings.read_all(root, listing.rows["path"].tolist(), name, progress, also)
    table = listing.rows.assign(sha256=[reading.sha256 for reading in found])
    manifest = Manifest(name, root, table[[not reading.problem for reading in found]].reset_index(drop=True), synthetic)
    if not len(manifest):
        raise UnusableData(
            "A data set needs at least one readable image.",
            f"{root}: {len(found) + len(listing.dropped)} files, none readable",
            f"First of them: {found[0].problem}",
        )
    record = dataset.of_import(manifest, listing, found, _fingerprint(root, listing))
    with replacing(_home() / name / "manifest.csv") as temporary:
        manifest.write(temporary)
    if not is_registered(name):
        owners.claim(_home() / name, "shared")
    write_json(_home() / name / "dataset.json", asdict(record))
    return record


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


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int, name: str, root: Path, synthetic: bool) -> Manifest:
    return Manifest.read(file, name, root, synthetic)


def _fingerprint(root: Path, listing: layouts.Listing) -> str:
    digest = hashlib.sha256(listing.rows.to_csv(index=False).encode())
    for path in listing.rows["path"]:
        stat = (root / path).stat()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _spelt(name: str) -> str:
    """`name`, before anything looks for a folder that is called so."""
    if not _NAME.fullmatch(name):
        raise InvalidSpec(
            "A data set's name has lower-case letters, digits, '.', '_' and '-', at most 64.", repr(name), "Choose such a name."
        )
    return name


def _checked_name(name: str, root: Path) -> str:
    record = _home() / _spelt(name) / "dataset.json"
    if (record.is_file() and Path(describe(name).root) != root) or (name == PHANTOM and root != _home() / PHANTOM / "images"):
        raise InvalidSpec("A name belongs to one data set.", f"{name!r}, which is taken by another folder", "Choose another name.")
    return name


def _free_name(own: str, root: Path) -> str:
    """A name from the folder's `own`; with a piece of the path's hash where that is taken."""
    base = _slug(own)
    try:
        return _checked_name(base, root)
    except CoreError:
        return f"{base}-{hashlib.sha256(str(root).encode()).hexdigest()[:4]}"


def _place(name: str | None, own: str, sha256: str) -> tuple[str, Path]:
    """Name and folder for a packed file of the content `sha256`: those it has already, or new ones."""
    for choice in (name,) if name else (own, f"{own}-{sha256[:4]}"):
        folder = _home() / _spelt(choice) / "images"
        origin = incoming.origin_of(folder)
        if choice != PHANTOM and not (is_registered(choice) and (origin is None or origin.sha256 != sha256)):
            _checked_name(choice, _home().resolve() / choice / "images")
            if origin and origin.sha256 != sha256:  # of an import that was stopped
                shutil.rmtree(folder)
            return choice, folder
    raise InvalidSpec("A name belongs to one data set.", f"{name or own!r}, which is taken by another one", "Choose another name.")


def _slug(own: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", own.lower()).strip("-._")[:50] or "data"


def _home() -> Path:
    return artifacts_dir() / "datasets"
