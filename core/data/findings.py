"""What an audit says of a data set: each thing looked at, as a light and a sentence with its numbers. Tables in, findings out; no file.

The tables have a manifest's columns, and "size" ("width×height") and "part" (of a split, or "") besides.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from core import wording
from core.data.audit import LIGHTS, Finding, Light, Pair

if TYPE_CHECKING:
    import pandas as pd

RED, AMBER = 0.5, 0.2
"""Cramér's V from which a source, or a property of the files, gives the label away, and from which it hints at it."""
CHANCE = 0.001  # p of the chi-squared test from which an association may be chance, whatever its V
SMALL = 30  # images: a class with fewer has too few in the test part for any figure
SPLITTABLE = 5  # images: a class with fewer cannot be split
FREQUENT = 10  # sizes that are looked at one by one; all others count as one


def of(table: pd.DataFrame, pairs: tuple[Pair, ...], unreadable: tuple[tuple[str, str], ...], *, split: bool) -> tuple[Finding, ...]:
    """Every finding, the worst first."""
    found = (
        _unreadable(unreadable),
        _classes(table),
        *_duplicates(table, pairs),
        *_patients(table),
        *(_parts(table, pairs) if split else ()),
        _sources(table),
        *_files(table),
    )
    return tuple(sorted(found, key=lambda finding: LIGHTS.index(finding.light), reverse=True))


def association(one: pd.Series, other: pd.Series) -> tuple[float | None, float]:
    """Cramér's V of two columns (Cramér 1946, section 21.9) and the p of the chi-squared test; (None, 1) where one has a single value."""
    import pandas as pd
    from scipy.stats import chi2_contingency

    counts = pd.crosstab(one, other)
    if min(counts.shape) < 2:
        return None, 1.0
    test = chi2_contingency(counts.to_numpy(), correction=False)
    return float((test.statistic / counts.to_numpy().sum() / (min(counts.shape) - 1)) ** 0.5), float(test.pvalue)


def leakage(table: pd.DataFrame, pairs: tuple[Pair, ...]) -> dict[str, Any]:
    """Patients in several classes and in several parts, by name, and the number of `pairs` across parts."""
    parts = table["part"].tolist()
    return {
        "patients_in_classes": _several(table, "label"),
        "patients_in_parts": _several(table[table["part"] != ""], "part"),
        "pairs_across_parts": len(_across(parts, pairs)),
    }


def _several(table: pd.DataFrame, column: str) -> dict[str, list[str]]:
    """Known patients with more than one value of `column`, and these values."""
    known = table[table["patient_id"] != ""]
    values = known.groupby("patient_id")[column].unique()
    return {patient: sorted(found) for patient, found in values.items() if len(found) > 1}


def _across(parts: list[str], pairs: tuple[Pair, ...]) -> list[Pair]:
    return [pair for pair in pairs if "" not in (a := {parts[pair.first_row], parts[pair.second_row]}) and len(a) > 1]


def _rows(pairs: list[Pair]) -> tuple[int, ...]:
    return tuple(row for pair in pairs for row in (pair.first_row, pair.second_row))


def _unreadable(unreadable: tuple[tuple[str, str], ...]) -> Finding:
    if not unreadable:
        return Finding("unreadable", "green", "No file was left out.")
    path, reason = unreadable[0]
    return Finding("unreadable", "amber", f"{wording.count(len(unreadable), 'file')} left out, the first of them {path}: {reason}")


def _classes(table: pd.DataFrame) -> Finding:
    counts = table["label"].value_counts()
    small = counts[counts < SMALL]
    if len(counts) < 2:
        return Finding("classes", "amber", f"There is one class only ({counts.index[0]}): nothing can be trained on it alone.")
    if small.empty:
        return Finding("classes", "green", f"The smallest class, {counts.index[-1]}, has {wording.count(int(counts.iloc[-1]), 'image')}.")
    light: Light = "red" if counts.iloc[-1] < SPLITTABLE else "amber"
    named = ", ".join(f"{label} with {count:,}" for label, count in small.items())
    sentence = f"Fewer than {SMALL} images: {named}. Every figure of such a class is a guess."
    return Finding("classes", light, sentence, tuple(table["label"].isin(small.index).to_numpy().nonzero()[0].tolist()))


def _duplicates(table: pd.DataFrame, pairs: tuple[Pair, ...]) -> list[Finding]:
    if not pairs:
        return [Finding("duplicates", "green", "No image was found twice, be it resized, recompressed, slightly cropped or mirrored.")]
    kinds = {kind: sum(pair.kind == kind for pair in pairs) for kind in ("same file", "same pixels", "near")}
    words = {
        "same file": "the same file under two names",
        "same pixels": "the same pixels in another file",
        "near": "nearly the same picture",
    }
    told = ", ".join(f"{count:,} {words[kind]}" for kind, count in kinds.items() if count)
    patients = table["patient_id"].tolist()
    within = sum(patients[pair.first_row] == patients[pair.second_row] != "" for pair in pairs)
    inside = f" Pairs within one patient: {within:,}; these may be two exposures." if within else ""
    found = [
        Finding("duplicates", "amber", f"{wording.count(len(pairs), 'pair')} of images show one picture ({told}).{inside}", _rows([*pairs]))
    ]
    torn = [pair for pair in pairs if pair.first_label != pair.second_label]
    if torn:
        sentence = f"{wording.count(len(torn), 'pair')} of duplicates with different labels: at least one label of each pair is wrong."
        found.append(Finding("label conflicts", "red", sentence, _rows(torn)))
    return found


def _patients(table: pd.DataFrame) -> list[Finding]:
    unknown = table["patient_id"] == ""
    if unknown.all():
        return [Finding("patients", "amber", "No image names its patient: whether a patient stands in training and test cannot be known.")]
    known = table.loc[~unknown, "patient_id"].nunique()
    count = wording.count(known, "patient")
    images = wording.count(len(table), "image")
    rows = tuple(unknown.to_numpy().nonzero()[0].tolist())
    if rows:
        found = [Finding("patients", "amber", f"{count} known; {len(rows):,} of {images} name none and may belong to any of them.", rows)]
    else:
        found = [Finding("patients", "green", f"{images} of {count}; a split keeps the images of each together.")]
    several = _several(table, "label")
    if several:
        rows = tuple(table["patient_id"].isin(list(several)).to_numpy().nonzero()[0].tolist())
        sentence = f"{wording.count(len(several), 'patient stands', 'patients stand')} in more than one class, with {len(rows):,} images."
        found.append(Finding("patients in classes", "amber", sentence, rows))
    return found


def _parts(table: pd.DataFrame, pairs: tuple[Pair, ...]) -> list[Finding]:
    several = _several(table[table["part"] != ""], "part")
    rows = tuple(table["patient_id"].isin(list(several)).to_numpy().nonzero()[0].tolist())
    across = _across(table["part"].tolist(), pairs)
    return [
        Finding(
            "patients in splits",
            "red" if several else "green",
            f"{wording.count(len(several), 'patient stands', 'patients stand')} in more than one part of the split.",
            rows,
        ),
        Finding(
            "duplicates in splits",
            "red" if across else "green",
            f"{wording.count(len(across), 'pair')} of duplicates across parts of the split.",
            _rows(across),
        ),
    ]


def _sources(table: pd.DataFrame) -> Finding:
    known = table[table["source"] != ""]
    if known.empty:
        return Finding("sources", "amber", "No image names its source: whether the source gives the label away cannot be known.")
    value, p = association(table["source"], table["label"])
    if value is None:
        return Finding("sources", "green", "All images come from one source, or are of one class.")
    tied = _tied(table)
    bare = f"Cramér’s V of source and label {value:.2f}, 1 meaning that the source gives the label away"
    if tied:
        label, source = tied[0]
        rows = tuple(table["label"].isin([label for label, _ in tied]).to_numpy().nonzero()[0].tolist())
        sentence = f"Every image of {label} comes from {source}, and every image from {source} is of {label}: the source alone tells it"
        return Finding("sources", "red", f"{sentence} ({bare}).", rows)
    light = _light(value, p)
    says = {"red": "The source gives much of the label away", "amber": "The source hints at the label", "green": "The source says little"}
    return Finding("sources", light, f"{says[light]} ({bare}).")


def _tied(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Classes that come from one source which holds nothing else, each with that source."""
    sources, labels = (table.groupby(a)[b].unique() for a, b in (("label", "source"), ("source", "label")))
    return [(label, found[0]) for label, found in sources.items() if len(found) == 1 and found[0] and len(labels[found[0]]) == 1]


def _files(table: pd.DataFrame) -> list[Finding]:
    frequent = table["size"].value_counts().index[:FREQUENT]
    kinds = table["path"].map(lambda path: PurePosixPath(path).suffix.lower())
    seen = (("image sizes", "size", table["size"].where(table["size"].isin(frequent), "other")), ("file types", "file type", kinds))
    found = []
    for name, thing, column in seen:
        value, p = association(column, table["label"])
        if value is None:
            found.append(Finding(name, "green", f"All images share one {thing}, or one class."))
            continue
        light = _light(value, p)
        says = {"red": "gives much of the label away", "amber": "hints at the label", "green": "says little of the label"}[light]
        found.append(Finding(name, light, f"The {thing} {says} (Cramér’s V {value:.2f}, p {_p(p)})."))
    return found


def _light(value: float, p: float) -> Light:
    if p >= CHANCE or value < AMBER:
        return "green"
    return "red" if value >= RED else "amber"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
