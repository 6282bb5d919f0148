"""What is known of an imported data set without opening an image: the report of its import."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import pandas as pd

from core.data import readings
from core.data.layouts import Listing
from core.data.manifest import Manifest
from core.data.readings import Reading


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
    reasons: dict[str, int] = field(default_factory=dict)  # why files were left out, without their names → files
    depths: dict[str, int] = field(default_factory=dict)  # bits a channel → files
    duplicates: list[tuple[str, list[str]]] = field(default_factory=list)  # "same file" or "same pixels", the paths of each group

    def dropped_table(self) -> list[dict[str, str]]:
        """What was left out and why, a row a file."""
        return [{"file": path, "reason": reason} for path, reason in self.dropped]


def of_import(manifest: Manifest, listing: Listing, found: list[Reading], fingerprint: str) -> Dataset:
    """The report on `manifest`, the readable images of `listing`; `found` has a reading for every file of that."""
    read = [reading for reading in found if not reading.problem]
    unreadable = [reading for reading in found if reading.problem]
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
        fingerprint=fingerprint,
        images=len(manifest),
        classes=manifest.class_counts(),
        patients=manifest.patients,
        sources=int(manifest.table["source"].replace("", pd.NA).nunique()),
        modes=_counted([reading.mode for reading in read]),
        sizes=dict(Counter(reading.size for reading in read).most_common(10)),
        dropped=[*listing.dropped, *((reading.path, reading.problem) for reading in unreadable)],
        notes=notes,
        reasons=_counted([reason for _, reason in listing.dropped] + [reading.reason for reading in unreadable]),
        depths=_counted([str(reading.depth) for reading in read]),
        duplicates=readings.duplicates(read),
    )


def _counted(values: list[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first."""
    return dict(Counter(values).most_common())
