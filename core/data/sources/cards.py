"""The data sets of this machine at a glance: what each is, where it comes from, and whether its audit found it sound."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core import owners, wording
from core.data import library
from core.data.sources.fetching import origin
from core.data.sources.spec import UNPUBLISHED
from core.errors import CoreError
from core.settings import artifacts_dir

if TYPE_CHECKING:
    from core.data.library import Dataset

Light = Literal["green", "amber", "red", "not audited"]


@dataclass(frozen=True)
class Card:
    """One data set for people; its classes with their images, and its patients, are text."""

    name: str
    title: str  # says so where the set is synthetic
    images: int
    classes: str
    patients: str
    source: str  # the public set it was fetched from, or the folder it stands in
    licence: str
    imported: float  # Unix time; 0 for the phantom before it is drawn


def cards() -> list[Card]:
    """Every data set that can be opened by name. No manifest and no image is read."""
    return [_card(record) for record in library.available()]


def light(name: str) -> Light:
    """The worst finding of the kept audit of a data set; "not audited" where there is none of its present content."""
    from core.data import audit

    try:
        found = audit.stored(library.open_dataset(name)) if library.is_registered(name) else None
    except CoreError:  # its folder is gone: the page says so where the set is opened
        return "not audited"
    return found.light if found else "not audited"


def audits_changed() -> int:
    """A number that changes with every audit that is kept: what `light` said before holds until then."""
    folder = artifacts_dir() / "audits"
    return folder.stat().st_mtime_ns if folder.is_dir() else 0


def owns_images(record: Dataset) -> bool:
    """Whether the images stand in this app's own folder, so that `remove` takes them along: unpacked or drawn ones do."""
    return Path(record.root).is_relative_to(_home(record.name))


def remove(name: str) -> None:
    """Forget a data set. Images stay where they were imported from; only those that `owns_images` speaks of go. Runs stay.

    Raises:
        UnknownName: no such data set.
        NotAllowed: somebody else has brought it in.
    """
    library.describe(name)
    folder = _home(name)
    owners.require_own(folder)
    gone = folder.with_name(f".{name}.removed")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)  # at once, so that a half-removed set is never seen
    shutil.rmtree(gone, ignore_errors=True)


def _card(record: Dataset) -> Card:
    spec = origin(record)
    return Card(
        name=record.name,
        title=wording.data_set(record.name, record.synthetic),
        images=record.images,
        classes=", ".join(f"{label} {count:,}" for label, count in record.classes.items()),
        patients=wording.unknown(record.patients),
        source=spec.title if spec else record.root or record.layout,
        licence=(spec.licence or UNPUBLISHED) if spec else "unknown",
        imported=record.imported,
    )


def _home(name: str) -> Path:
    return artifacts_dir() / "datasets" / name
