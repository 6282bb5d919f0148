"""Part of a data set: whole patients, deterministic by seed; and rows that stand for copies."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.manifest import COPY, Manifest
from core.data.splits import split
from core.data.subset import expand, take
from core.errors import InvalidSpec


def manifest(patients: dict[str, list[int]]) -> Manifest:
    """Class → images of each of its patients; no patient is named where `patients` has single images only."""
    rows = [
        (f"{label}/{patient}-{image}.png", label, f"{label} {patient}" if max(counts) > 1 else "", "", "", f"{label}{patient}-{image}")
        for label, counts in patients.items()
        for patient, count in enumerate(counts)
        for image in range(count)
    ]
    return Manifest("set", Path("/nowhere"), pd.DataFrame(rows, columns=["path", "label", "patient_id", "source", "view", "sha256"]))


SET = manifest({"a": [3, 3, 3, 1, 1], "b": [2] * 6, "c": [1, 2]})


def test_all_classes_without_caps_is_the_set_itself() -> None:
    assert take(SET, (), {}, 0) is SET
    assert take(SET, ("a", "b", "c"), {"a": 11}, 5) is SET


def test_only_the_labels_asked_for_are_taken_in_the_order_of_the_rows() -> None:
    part = take(SET, ("c", "a"), {}, 0)
    assert part.class_counts() == {"a": 11, "c": 3}
    assert part.table["path"].tolist() == [path for path in SET.table["path"] if path[0] in "ac"]
    assert (part.name, part.root, part.table.index.tolist()) == (SET.name, SET.root, list(range(14)))
    assert part.sha256 != SET.sha256


@given(cap=st.integers(1, 12), seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_a_cap_is_met_and_at_most_one_patient_is_cut(cap: int, seed: int) -> None:
    part = take(SET, (), {"a": cap}, seed)
    assert part.class_counts() == {"a": min(cap, 11), "b": 12, "c": 3}
    whole = SET.table.groupby("patient_id").size()
    left = part.table.groupby("patient_id").size()
    assert (left < whole[left.index]).sum() <= 1
    assert take(SET, (), {"a": cap}, seed).sha256 == part.sha256


def test_seeds_draw_differently_and_each_class_for_itself() -> None:
    single = manifest({"a": [1] * 40, "b": [1] * 40})
    drawn = {take(single, (), {"a": 10}, seed).sha256 for seed in range(5)}
    assert len(drawn) == 5
    both = take(single, (), {"a": 10, "b": 10}, 1).table
    assert both[both["label"] == "a"]["path"].tolist() == take(single, ("a",), {"a": 10}, 1).table["path"].tolist()


def test_all_that_cannot_be_taken_is_said_at_once() -> None:
    with pytest.raises(InvalidSpec) as refusal:
        take(SET, ("a", "x"), {"b": 3, "a": 0}, 0)
    text = str(refusal.value)
    assert len(refusal.value.problems) == 3
    assert "'x'; set has a, b, c" in text
    assert "a cap for b, taken are a, x" in text
    assert "Every class keeps at least one image. Received: a cap of 0 for a." in text


def test_copies_are_rows_of_the_same_file_that_a_split_may_tear_apart() -> None:
    copied = expand(SET, {"c": 3})
    assert copied.class_counts() == {"a": 11, "b": 12, "c": 9}
    assert copied.table["sha256"].tolist()[-3:] == ["c1-1", f"c1-1{COPY}1", f"c1-1{COPY}2"]
    assert copied.table["path"].nunique() == len(SET)
    assert not copied.has_patients
    parts = split(expand(SET, {"a": 2, "c": 6}), folds=5, fold=0, validation_folds=5, seed=0)
    assert not parts.grouped


def test_no_copies_leave_the_set_and_its_patients_as_they_are() -> None:
    assert expand(SET, {}) is SET
    with pytest.raises(InvalidSpec, match="'x'; set has a, b, c"):
        expand(SET, {"x": 2})
