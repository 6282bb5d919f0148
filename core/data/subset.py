"""Part of a data set, and rows that stand for copies: pure functions from one manifest to another. They open no image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from core.data.manifest import COPY, Manifest
from core.data.splits import groups
from core.errors import InvalidSpec, Problem


def take(manifest: Manifest, labels: Sequence[str], caps: Mapping[str, int], seed: int) -> Manifest:
    """The images of `labels` (none: of every class), of each class in `caps` at most so many; the order of rows is kept.

    A class above its cap loses whole patients, drawn by `seed`; only one patient, where needed, loses some images to meet the cap exactly.

    Raises:
        InvalidSpec: labels that the set does not have, caps of classes that are not taken, or a class left without an image.
    """
    labels = list(labels) or list(manifest.classes)
    _refuse(manifest, labels, caps)
    label = manifest.table["label"].to_numpy(dtype=str)
    keep = np.isin(label, labels)
    group = groups(manifest) if caps else np.empty(0)
    for name in sorted(caps):
        rows = np.flatnonzero(label == name)
        if len(rows) > caps[name]:
            # The draw of one class does not depend on which others are capped.
            rng = np.random.default_rng([seed, manifest.classes.index(name)])
            keep[rows] = False
            keep[_thinned(rows, group[rows], caps[name], rng)] = True
    if keep.all():
        return manifest
    return replace(manifest, table=manifest.table[keep].reset_index(drop=True))


def expand(manifest: Manifest, copies: Mapping[str, int]) -> Manifest:
    """Every image of a class in `copies` (class → images that one becomes, itself included) as that many rows, one after the other.

    A copy has its image's path; its sha256 ends in `COPY` and its number. Patients are emptied on every row, so that a split of
    the result is ungrouped and copies of one X-ray may stand in several parts.

    Raises:
        InvalidSpec: labels that the set does not have.
    """
    _refuse(manifest, list(copies), {})
    if not copies:
        return manifest
    times = manifest.table["label"].map(lambda label: copies.get(label, 1)).to_numpy(dtype=int)
    table = manifest.table.loc[np.repeat(manifest.table.index.to_numpy(), times)].reset_index(drop=True)
    number = pd.Series(np.concatenate([np.arange(count) for count in times]))
    table["sha256"] = table["sha256"] + number.map(lambda copy: f"{COPY}{copy}" if copy else "")
    return replace(manifest, table=table.assign(patient_id=""))


def _thinned(rows: np.ndarray, group: np.ndarray, cap: int, rng: np.random.Generator) -> np.ndarray:
    """`cap` of `rows`: whole groups in random order as long as they fit, then the first images of one that does not."""
    chosen: list[int] = []
    too_large: list[np.ndarray] = []
    for number in rng.permutation(np.unique(group)):
        members = rows[group == number]
        if len(chosen) + len(members) <= cap:
            chosen.extend(members)
        else:
            too_large.append(members)
    left = cap - len(chosen)
    if left:
        chosen.extend(too_large[0][:left])  # each that was too large then is larger than what is left now
    return np.sort(np.array(chosen, dtype=int))


def _refuse(manifest: Manifest, labels: list[str], caps: Mapping[str, int]) -> None:
    has = ", ".join(manifest.classes)
    problems = [
        Problem("A class is taken from those of the data set.", f"{name!r}; {manifest.name} has {has}", "Choose among these.")
        for name in dict.fromkeys([*labels, *caps])
        if name not in manifest.classes
    ]
    problems += [
        Problem(
            "Only a class that is taken has a cap.", f"a cap for {name}, taken are {', '.join(labels)}", "Take the class, or drop its cap."
        )
        for name in caps
        if name in manifest.classes and name not in labels
    ]
    problems += [
        Problem("Every class keeps at least one image.", f"a cap of {cap} for {name}", "Choose a larger cap, or leave the class out.")
        for name, cap in caps.items()
        if cap < 1
    ]
    if problems:
        raise InvalidSpec.of(problems)
