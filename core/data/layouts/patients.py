"""Patient ids from file names, where a public set writes them there.

NIH ChestX-ray: `00000013_005.png` is image 5 of patient 13. Kermany et al. (Chest X-Ray Images): `person1_bacteria_2.jpeg` and
`IM-0115-0001.jpeg`; persons are numbered anew for bacteria and viruses in places, so one number may stand for two persons, who are then
kept together, which does no harm. CheXpert: `patient00001/study1/view1_frontal.jpg`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from core.data.layouts.listing import Listing

PATTERNS = (
    ("NIH ChestX-ray", re.compile(r"(?:^|/)(?P<nih>\d{8})_\d{3}\.\w+$")),
    (
        "Kermany et al.",
        re.compile(r"(?:^|/)(?P<kermany>person\d+|(?:NORMAL2-)?IM-\d{4})(?:_(?:bacteria|virus)_\d+|-\d{4}(?:-\d{4})?)\.\w+$"),
    ),
    ("CheXpert", re.compile(r"(?:^|/)(?P<chexpert>patient\d{5})/study\d+/[^/]+$")),
)


def of(path: str) -> tuple[str, str]:
    """The patient of the file at `path` and the set whose naming tells it; two empty strings where none does."""
    for name, pattern in PATTERNS:
        if found := pattern.search(path):
            (prefix, patient), *_ = found.groupdict().items()
            return f"{prefix}-{patient}", name
    return "", ""


def from_names(listing: Listing) -> Listing:
    """`listing` with patients from the file names, where it names none itself."""
    if (listing.rows["patient_id"] != "").any():
        return listing
    found = [of(path) for path in listing.rows["path"]]
    named = sorted({name for _, name in found if name})
    if not named:
        return listing
    count = sum(bool(patient) for patient, _ in found)
    note = f"Patients were read from the names of {count:,} files, as in {' and '.join(named)}."
    rows = listing.rows.assign(patient_id=[patient for patient, _ in found])
    return replace(listing, rows=rows, notes=(*listing.notes, note))
