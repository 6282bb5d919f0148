"""Sets built from others: which images, how many, by links, and what is missing."""

from __future__ import annotations

import pytest

from core.data import library
from core.data.sources import composed
from core.data.sources.spec import Composed, Part
from core.errors import UnusableData

WAY = Composed((Part("first", "COVID-19", 3), Part("second", "Normal"), Part("second", "Pneumonia")), {})


@pytest.fixture
def parts(make_folder):
    library.import_folder(make_folder({"COVID": 8, "other": 2}, patients=2, name="one"), "first")
    library.import_folder(make_folder({"NORMAL": 4, "PNEUMONIA": 5}, name="two", seed=1), "second")


@pytest.mark.usefixtures("parts")
def test_a_composed_set_has_the_images_its_recipe_asks_for_under_the_fields_names(tmp_path):
    steps = []
    record = library.import_folder(composed.build(WAY, tmp_path / "data", lambda *step: steps.append(step)), "composed")
    assert record.classes == {"COVID-19": 3, "Normal": 4, "Pneumonia": 5}
    assert steps == [(done, 12) for done in range(1, 13)]
    table = library.open_dataset("composed").table
    assert set(table["source"]) == {"first", "second"}
    assert set(table.loc[table["source"] == "first", "patient_id"].str.split(":").str[0]) == {"first"}
    assert set(table.loc[table["source"] == "second", "patient_id"]) == {""}


@pytest.mark.usefixtures("parts")
def test_nothing_is_copied_and_each_file_is_the_original(tmp_path):
    folder = composed.build(WAY, tmp_path / "data")
    assert {file.stat().st_nlink for file in folder.glob("*/*.png")} == {2}


@pytest.mark.usefixtures("parts")
def test_the_same_images_are_taken_each_time_whatever_their_names(tmp_path):
    first = library.import_folder(composed.build(WAY, tmp_path / "data"), "composed")
    chosen = set(library.open_dataset("composed").table["sha256"])
    root = library.describe("first").root
    for file in sorted((tmp_path / "one" / "COVID").iterdir()):
        file.rename(file.with_name(f"z{file.name[::-1]}.png"))
    (tmp_path / "one" / "metadata.csv").unlink()
    library.import_folder(root, "first")
    again = library.import_folder(composed.build(WAY, tmp_path / "data"), "composed")
    assert set(library.open_dataset("composed").table["sha256"]) == chosen
    assert again.classes == first.classes


def test_a_file_on_another_file_system_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(composed.os, "link", lambda *_: (_ for _ in ()).throw(OSError(18, "Invalid cross-device link")))
    (tmp_path / "one.png").write_bytes(b"one")
    composed.place(tmp_path / "one.png", tmp_path / "new" / "two.png")
    assert (tmp_path / "new" / "two.png").read_bytes() == b"one"


def test_every_set_that_is_missing_is_named(make_folder, tmp_path):
    with pytest.raises(UnusableData, match="of which first, second are missing"):
        composed.build(WAY, tmp_path / "data")
    library.import_folder(make_folder({"COVID": 4}), "first")
    with pytest.raises(UnusableData, match="of which second is missing"):
        composed.build(WAY, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_part_that_lacks_the_class_is_named_and_nothing_is_left(make_folder, tmp_path):
    library.import_folder(make_folder({"Normal": 4}, name="one"), "first")
    library.import_folder(make_folder({"Normal": 4, "Pneumonia": 1}, name="two"), "second")
    with pytest.raises(UnusableData, match=r"the class COVID-19.*first with Normal"):
        composed.build(WAY, tmp_path / "data")
    assert not list(tmp_path.glob("*data*"))


@pytest.mark.usefixtures("parts")
def test_a_stop_leaves_the_set_as_it_was(tmp_path):
    before = sorted(composed.build(WAY, tmp_path / "data").rglob("*"))

    def stop(done, _total):
        if done == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        composed.build(WAY, tmp_path / "data", stop)
    assert sorted((tmp_path / "data").rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
