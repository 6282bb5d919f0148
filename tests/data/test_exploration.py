"""Numbers on a data set are those of its pixels, measured once; rows are filtered and paged without a look at each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data import exploration, library, signatures
from core.data.exploration import Filters
from core.data.manifest import COLUMNS, Manifest
from core.errors import UnknownName

MakeFolder = Callable[..., Path]


def grey_set(folder: Path, classes: dict[str, list[tuple[int, int, int]]]) -> Manifest:
    """A data set of uniform images: class → width, height and grey of each."""
    for label, images in classes.items():
        (folder / label).mkdir(parents=True)
        for number, (width, height, grey) in enumerate(images):
            Image.new("L", (width, height), grey).save(folder / label / f"{number}.png")
    return library.open_dataset(str(folder))


def table_of(rows: int) -> Manifest:
    """A manifest without files: two classes, three sources, four images a patient."""
    number = np.arange(rows).astype(str)
    columns = {
        "path": np.char.add("p", number),
        "label": np.where(np.arange(rows) % 5 == 0, "covid", "normal"),
        "patient_id": (np.arange(rows) // 4).astype(str),
        "source": np.array(["a", "b", ""])[np.arange(rows) % 3],
        "view": "PA",
        "sha256": np.char.add("s", number),
    }
    return Manifest("made", Path("/nowhere"), pd.DataFrame(columns).astype(str)[list(COLUMNS)])


def test_sizes_greys_and_mean_images_are_those_of_the_pixels(tmp_path: Path) -> None:
    manifest = grey_set(tmp_path / "set", {"a": [(40, 30, 100), (40, 30, 110)], "b": [(50, 60, 200)]})
    measured = exploration.measure(manifest)
    assert measured.sizes.tolist() == [[40, 30], [40, 30], [50, 60]]
    np.testing.assert_allclose(measured.means[:, 5, 5], [105, 200])
    np.testing.assert_allclose(measured.histograms.sum(axis=1), 1)
    assert measured.histograms[0, [100 // 4, 110 // 4]].tolist() == [0.5, 0.5]
    assert (measured.coarse[:, 3, 3] == [100, 110, 200]).all()


def test_a_mean_image_is_compared_with_the_mean_of_all_images(tmp_path: Path) -> None:
    manifest = grey_set(tmp_path / "set", {"a": [(40, 30, 100)] * 3, "b": [(40, 30, 200)]})
    first, second = exploration.mean_images(exploration.measure(manifest), manifest)
    assert (first.label, second.label) == ("a", "b")
    assert (first.picture == 100).all()
    np.testing.assert_allclose(first.difference, -25)
    np.testing.assert_allclose(second.difference, 75)
    assert first.limit == second.limit == 75


def test_what_was_measured_is_read_and_not_measured_again(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 3, "b": 2})))
    assert exploration.stored(manifest) is None
    measured = exploration.measure(manifest)
    monkeypatch.setattr(signatures, "of_manifest", lambda *_: pytest.fail("the images were read again"))
    again = exploration.measure(manifest)
    for name, values in vars(measured).items():
        np.testing.assert_array_equal(getattr(again, name), values)


def test_other_labels_on_the_same_files_are_measured_anew(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 3, "b": 2})))
    exploration.measure(manifest)
    swapped = manifest.table.assign(label=manifest.table["label"].iloc[::-1].to_numpy())
    assert exploration.stored(Manifest(manifest.name, manifest.root, swapped)) is None


def test_a_size_that_gives_a_class_away_is_red_and_one_that_does_not_is_green(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ones = [(20, 20, grey) for grey in range(40)]
    others = [(int(w), 20, grey) for w, grey in zip(rng.integers(21, 40, 40), range(100, 140), strict=True)]
    given_away = grey_set(tmp_path / "given", {"a": ones, "b": others})
    light, sentence = exploration.size_reading(exploration.measure(given_away), given_away.classes)
    assert light == "red"
    assert "a 1.000" in sentence
    alike = grey_set(tmp_path / "alike", {"a": ones, "b": [(20, 20, grey) for grey in range(100, 140)]})
    assert exploration.size_reading(exploration.measure(alike), alike.classes)[0] == "green"


def test_one_class_alone_is_measured_and_its_size_tells_nothing(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 3})))
    measured = exploration.measure(manifest)
    assert np.isnan(measured.size_auc).all()
    assert exploration.size_reading(measured, manifest.classes)[0] == "green"


def test_shares_of_sizes_are_of_the_class_and_rare_sizes_are_put_together(tmp_path: Path) -> None:
    manifest = grey_set(tmp_path / "set", {"a": [(9, 9, 1)] * 3 + [(8, 9, 1)], "b": [(9, 9, 2), (7, 9, 2)]})
    counts = exploration.size_counts(manifest, exploration.measure(manifest).sizes)
    assert counts.iloc[0].to_dict() == {"width": 9, "height": 9, "label": "a", "images": 3}
    shares = exploration.size_shares(counts, manifest.classes, most=1)
    assert shares.to_dict("index") == {"a": {"9×9": 0.75, "other sizes": 0.25}, "b": {"9×9": 0.5, "other sizes": 0.5}}


def test_images_meet_every_filter() -> None:
    manifest, parts = table_of(60), np.array(["train", "test"] * 30)
    table = manifest.table
    rows = exploration.select(manifest, Filters("normal", "a", part="test"), parts)
    expected = table.index[(table["label"] == "normal") & (table["source"] == "a") & (parts == "test")]
    assert len(rows)
    assert rows.tolist() == expected.tolist()
    assert exploration.select(manifest, Filters()).tolist() == list(range(60))
    assert exploration.select(manifest, Filters(patient="2")).tolist() == [8, 9, 10, 11]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 100), st.integers(1, 30))
def test_the_pages_hold_every_row_once_and_in_order(rows: int, size: int) -> None:
    first = exploration.paged(np.arange(rows), 1, size)
    pages = [exploration.paged(np.arange(rows), number, size) for number in range(1, first.pages + 1)]
    assert np.concatenate([page.rows for page in pages]).tolist() == list(range(rows))
    assert all(page.first == page.rows[0] + 1 for page in pages if len(page.rows))


def test_a_page_that_is_not_there_is_the_nearest() -> None:
    assert exploration.paged(np.arange(10), 99, 4).rows.tolist() == [8, 9]
    assert exploration.paged(np.arange(10), -1, 4).rows.tolist() == [0, 1, 2, 3]


def test_the_parts_of_a_split_come_by_path_and_copies_are_passed_over() -> None:
    split = pd.DataFrame({"sample_id": ["p1", "p1#1", "p0"], "split": ["test", "train", "train"]})
    assert exploration.parts_of(table_of(3), split).tolist() == ["train", "test", ""]


def test_a_patient_has_his_other_images_and_an_unknown_one_has_none() -> None:
    manifest = table_of(8)
    assert exploration.of_patient(manifest, 5).tolist() == [4, 6, 7]
    nameless = Manifest("made", manifest.root, manifest.table.assign(patient_id=""))
    assert not len(exploration.of_patient(nameless, 5))


def test_an_image_is_found_by_its_path_and_a_wrong_path_is_refused() -> None:
    assert exploration.row_of(table_of(8), "p5") == 5
    with pytest.raises(UnknownName, match="none of that name"):
        exploration.row_of(table_of(8), "p9")


def test_the_nearest_image_is_the_same_picture_in_other_greys() -> None:
    coarse = np.random.default_rng(0).integers(0, 100, (9, 16, 16), np.uint8)
    coarse[7] = coarse[2] * 2 + 10
    coarse[8] = 50  # constant: correlates with nothing
    (best, correlation), *others = exploration.nearest(coarse, 2, 20)
    assert (best, len(others)) == (7, 7)
    assert correlation == pytest.approx(1, abs=1e-5)
    assert dict(others)[8] == pytest.approx(0, abs=1e-5)


def test_a_source_of_one_class_alone_is_marked() -> None:
    rows = exploration.source_table({"": {"a": 2}, "x": {"a": 3, "b": 0}, "y": {"a": 1, "b": 1}}, ["a", "b"])
    assert [(row["source"], row["a"], row["b"], row["gives away"]) for row in rows] == [
        ("unknown", 2, 0, ""), ("x", 3, 0, "✖ only a"), ("y", 1, 1, "")
    ]  # fmt: skip


def test_a_page_of_twenty_thousand_rows_touches_no_row_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = table_of(20_000)
    sizes = np.random.default_rng(0).integers(200, 220, (20_000, 2))
    for work in ("apply", "agg", "iterrows", "itertuples"):
        monkeypatch.setattr(pd.DataFrame, work, lambda *_, name=work, **__: pytest.fail(f"{name} goes row by row"))
    for work in ("apply", "tolist", "__iter__"):
        monkeypatch.setattr(pd.Series, work, lambda *_, name=work, **__: pytest.fail(f"{name} goes row by row"))
    page = exploration.paged(exploration.select(manifest, Filters("normal", "a")), 3, 24)
    assert len(page.rows) == 24
    assert exploration.row_of(manifest, "p19999") == 19_999
    assert len(exploration.of_patient(manifest, 100)) == 3
    assert len(exploration.size_counts(manifest, sizes)) <= 800
