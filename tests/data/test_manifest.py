"""The manifest: a table that says the same wherever its folder stands, and comes back from the disk as it was."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.manifest import COLUMNS, Manifest

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)  # what a file name may hold


def table(*rows: tuple[str, ...]) -> pd.DataFrame:
    """`rows` are (path, label, patient_id)."""
    return pd.DataFrame([(*row, "", "", row[0]) for row in rows], columns=list(COLUMNS), dtype=str)


def manifest(*rows: tuple[str, ...]) -> Manifest:
    return Manifest("set", Path("/data"), table(*rows))


def test_classes_are_in_alphabetical_order_and_counted_in_it() -> None:
    found = manifest(("1", "b", ""), ("2", "a", ""), ("3", "b", ""))
    assert found.classes == ("a", "b")
    assert list(found.class_counts().items()) == [("a", 1), ("b", 2)]
    assert len(found) == 3


def test_unknown_patients_are_not_counted() -> None:
    assert manifest(("1", "a", ""), ("2", "a", "")).patients is None
    assert not manifest(("1", "a", "")).has_patients
    assert manifest(("1", "a", "p"), ("2", "a", ""), ("3", "b", "p")).patients == 1


def test_paths_are_below_the_root_in_the_order_of_the_rows() -> None:
    assert manifest(("b/2.png", "b", ""), ("a/1.png", "a", "")).paths() == [Path("/data/b/2.png"), Path("/data/a/1.png")]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="missing: label, sha256"):
        Manifest("set", Path(), table(("1", "a", "")).drop(columns=["label", "sha256"]))


def test_identity_is_the_content_wherever_the_folder_stands_and_whatever_it_is_called() -> None:
    rows = table(("1", "a", "p"), ("2", "b", ""))
    assert Manifest("x", Path("/x"), rows).sha256 == Manifest("y", Path("/y"), rows.copy(), synthetic=True).sha256


@pytest.mark.parametrize("column", COLUMNS)
def test_identity_changes_with_every_column(column: str) -> None:
    rows = table(("1", "a", "p"), ("2", "b", ""))
    changed = rows.copy()
    changed.loc[0, column] += "x"
    assert Manifest("x", Path(), rows).sha256 != Manifest("x", Path(), changed).sha256


@settings(max_examples=60, deadline=None)
@example(rows=[("a\r.png", "b\n", "c\r\nd", '"', ",", "\r")])
@given(rows=st.lists(st.tuples(*[TEXT] * len(COLUMNS)), min_size=1, max_size=5))
def test_a_stored_manifest_comes_back_as_it_was(rows: list[tuple[str, ...]]) -> None:
    stored = Manifest("set", Path("/data"), pd.DataFrame(rows, columns=list(COLUMNS), dtype=str))
    with TemporaryDirectory() as folder:
        csv = Path(folder) / "manifest.csv"
        stored.write(csv)
        back = Manifest.read(csv, "set", Path("/data"))
    assert back.table.to_numpy().tolist() == stored.table.to_numpy().tolist()
    assert back.sha256 == stored.sha256
