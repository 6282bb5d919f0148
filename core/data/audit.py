"""The audit of a data set: duplicates, patients and sources that betray the label, files that differ by class. Said in plain sentences.

An audit knows files, labels and names; no model, no run. What it does not find is not proved absent: patients under two names, one
hospital's habits, wrong labels. Kept in `artifacts/audits/`, by the content of the data set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from core import access, wording
from core.data import signatures
from core.data.threads import Progress
from core.files import write_json
from core.settings import artifacts_dir

if TYPE_CHECKING:
    import pandas as pd

    from core.data.duplicates import Duplicates
    from core.data.manifest import Manifest

VERSION = 1  # stored with an audit: raise it whenever another one would be made
Light = Literal["green", "amber", "red"]
LIGHTS: tuple[Light, ...] = get_args(Light)  # from harmless to serious
Kind = Literal["same file", "same pixels", "near"]


@dataclass(frozen=True)
class Pair:
    """Two images that show the same. Rows are of the manifest, `first_row` < `second_row`; paths are relative to its root.

    kind: the same file (content), the same pixels in another file, or nearly the same picture.
    correlation: of the two pictures laid over each other, in [-1, 1]; 1 for the same pixels.
    mirrored: the second is like the first seen in a mirror.
    """

    first_row: int
    second_row: int
    first_path: str
    second_path: str
    first_label: str
    second_label: str
    kind: Kind
    correlation: float
    mirrored: bool = False


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `rows` are the images that prove it; `sentence` is for people, with its numbers."""

    name: str  # "duplicates", "label conflicts", "patients", "patients in classes", "patients in splits", "sources", "files", …
    light: Light
    sentence: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Audit:
    """What was found in a data set of `images` readable images.

    data, sha256: its name and content. classes: images a class. patients: known ones, or None. sources: images a source; "" is unknown.
    unreadable: path and reason of every file that was left out. duplicates: all pairs; conflicts: those of them with different labels.
    leakage: "patients_in_classes" (patient → its classes), "patients_in_parts" (patient → its parts) and "pairs_across_parts" (pairs of
    `duplicates`, counted) of the split that was given, "split" (whether one was). by_source: source → label → images.
    source_association: Cramér's V of source and label (1: the source gives the label away), or None with fewer than two of either.
    """

    data: str
    sha256: str
    images: int
    classes: dict[str, int]
    patients: int | None
    sources: dict[str, int]
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[Pair, ...]
    leakage: dict[str, Any]
    by_source: dict[str, dict[str, int]]
    source_association: float | None
    findings: tuple[Finding, ...]

    @property
    def conflicts(self) -> tuple[Pair, ...]:
        """Duplicates with different labels: one of the two is wrong, or both are."""
        return tuple(pair for pair in self.duplicates if pair.first_label != pair.second_label)

    @property
    def light(self) -> Light:
        """The worst of all findings."""
        return max((finding.light for finding in self.findings), key=LIGHTS.index, default="green")

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"conflicts": [asdict(pair) for pair in self.conflicts], "light": self.light}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Audit:
        """What `to_json` gave, read back from JSON."""
        given = {field.name: content[field.name] for field in fields(cls)}
        return cls(
            **given
            | {
                "unreadable": tuple((path, reason) for path, reason in content["unreadable"]),
                "duplicates": tuple(Pair(**pair) for pair in content["duplicates"]),
                "findings": tuple(Finding(**finding | {"rows": tuple(finding["rows"])}) for finding in content["findings"]),
            }
        )

    @property
    def text(self) -> str:
        """For people: what there is, then a line a finding."""
        classes = ", ".join(f"{label} {count:,}" for label, count in self.classes.items())
        head = f"{self.data}: {wording.count(self.images, 'image')} ({classes}), patients {wording.unknown(self.patients)}"
        return "\n".join([head, *(f"  [{finding.light}] {finding.name}: {finding.sentence}" for finding in self.findings)])


def audit(
    manifest: Manifest,
    dropped: Iterable[tuple[str, str]] = (),
    progress: Progress | None = None,
    *,
    parts: Sequence[str] | None = None,
) -> Audit:
    """Look through `manifest`, and keep what was found.

    Args:
        dropped: path and reason of files that the import left out.
        progress: counts the files that must be read; none where signatures of all are kept.
        parts: the part of a split that each row stands in ("" for none), where a split is to be looked at; such an audit is not kept.

    Raises:
        UnusableData: a file is gone or changed since the import.
        UnreadableImage: a file can no longer be read.
        NotAllowed: whoever acts may not audit.
    """
    from core.data import duplicates, findings

    access.require("train")
    pairs = _pairs(manifest, duplicates.of_manifest(manifest, progress))
    images = signatures.of_manifest(manifest, progress)
    sizes = [f"{width}×{height}" for width, height in zip(images.width.tolist(), images.height.tolist(), strict=True)]
    table = manifest.table.assign(size=sizes, part="" if parts is None else list(parts))
    unreadable = tuple((path, reason) for path, reason in dropped)
    found = Audit(
        data=manifest.name,
        sha256=manifest.sha256,
        images=len(manifest),
        classes=manifest.class_counts(),
        patients=manifest.patients,
        sources={source: int(count) for source, count in table["source"].value_counts().items()},
        unreadable=unreadable,
        duplicates=pairs,
        leakage=findings.leakage(table, pairs) | {"split": parts is not None},
        by_source={source: _counts(rows["label"]) for source, rows in table.groupby("source")},
        source_association=findings.association(table["source"], table["label"])[0],
        findings=findings.of(table, pairs, unreadable, split=parts is not None),
    )
    if parts is None:
        write_json(_path(manifest), {"version": VERSION} | found.to_json())
    return found


def stored(manifest: Manifest) -> Audit | None:
    """The kept audit of exactly this content, or None. No image is opened."""
    try:
        content = json.loads(_path(manifest).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Audit.from_json(content) if content.get("version") == VERSION else None


def overlap(first: Manifest, second: Manifest, progress: Progress | None = None) -> tuple[Pair, ...]:
    """Images that stand in both sets: `first_row` is of `first`, `second_row` of `second`. Whether a set is external is computed so.

    Every image of `second` that stands in `first` is in some pair; of several copies in `first`, one is named.

    Raises:
        UnusableData, UnreadableImage: as `audit`.
    """
    from core.data import duplicates

    both = [signatures.of_manifest(manifest, progress) for manifest in (first, second)]
    found = duplicates.find(signatures.Signatures.joined(both))
    here, there = found.picture[: len(first)], found.picture[len(first) :]
    rows_here = {number: row for row, number in reversed(list(enumerate(here.tolist())))}
    alike = {number: (number, 1.0, False) for number in rows_here}
    for (a, b), correlation, mirrored in zip(found.near.tolist(), found.correlation.tolist(), found.mirrored.tolist(), strict=True):
        for one, other in ((a, b), (b, a)):
            if one in rows_here and (other not in alike or alike[other][1] < correlation):
                alike[other] = (one, correlation, mirrored)
    pairs = []
    for row, number in enumerate(there.tolist()):
        if number in alike:
            one, correlation, mirrored = alike[number]
            pairs.append(_pair((first, rows_here[one]), (second, row), one == number, correlation, mirrored))
    return tuple(pairs)


def _pairs(manifest: Manifest, found: Duplicates) -> tuple[Pair, ...]:
    same = [_pair((manifest, a), (manifest, b), True, 1.0, False) for a, b in found.same.tolist()]
    near = [
        _pair((manifest, a), (manifest, b), False, correlation, mirrored)
        for (a, b), correlation, mirrored in zip(found.near_rows.tolist(), found.correlation.tolist(), found.mirrored.tolist(), strict=True)
    ]
    return tuple(same + sorted(near, key=lambda pair: -pair.correlation))


def _pair(first: tuple[Manifest, int], second: tuple[Manifest, int], same: bool, correlation: float, mirrored: bool) -> Pair:
    one, other = (manifest.table.iloc[row] for manifest, row in (first, second))
    kind: Kind = "near" if not same else "same file" if one["sha256"] == other["sha256"] else "same pixels"
    rows = {"first_row": first[1], "second_row": second[1], "first_path": one["path"], "second_path": other["path"]}
    return Pair(**rows, first_label=one["label"], second_label=other["label"], kind=kind, correlation=correlation, mirrored=mirrored)


def _counts(values: pd.Series) -> dict[str, int]:
    return {name: int(count) for name, count in values.value_counts().sort_index().items()}


def _path(manifest: Manifest) -> Path:
    return artifacts_dir() / "audits" / f"{manifest.sha256[:20]}.json"
