"""The library: what was imported is known by name, what could not be read is named, and the folder is watched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.data import images, library, phantom
from core.data.library import Dataset, import_folder, open_dataset
from core.errors import InvalidSpec, UnknownName, UnusableData

MakeFolder = Callable[..., Path]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were opened as images since."""
    opened: list[str] = []
    read = images.read

    def counted(source: bytes, name: str) -> images.XRay:
        opened.append(name)
        return read(source, name)

    monkeypatch.setattr(images, "read", counted)
    return opened


def test_an_imported_folder_is_known_by_name_and_opens_by_it(make_folder: MakeFolder) -> None:
    folder = make_folder({"b": 2, "a": 4}, patients=2)
    record = import_folder(folder, "mine")
    assert (record.name, record.root, record.images, record.classes) == ("mine", str(folder), 6, {"a": 4, "b": 2})
    assert (record.patients, record.sources, record.modes, record.sizes) == (3, 1, {"L": 6}, {"24×24": 6})
    assert (record.dropped, record.notes, record.synthetic) == ([], [], False)
    assert library.describe("mine") == record
    assert library.datasets() == [record]
    assert library.names() == (library.PHANTOM, "mine")
    manifest = open_dataset("mine")
    assert manifest.class_counts() == record.classes
    assert all(path.is_file() for path in manifest.paths())


def test_the_images_stay_where_they_are(make_folder: MakeFolder, artifacts: Path) -> None:
    import_folder(make_folder({"a": 2, "b": 2}), "mine")
    assert {path.name for path in artifacts.rglob("*") if path.is_file()} == {"manifest.csv", "dataset.json"}


def test_what_weakens_a_data_set_is_noted(make_folder: MakeFolder) -> None:
    notes = import_folder(make_folder({"a": 2})).notes
    assert [note.split(":")[0] for note in notes] == ["There is one class only", "No patient ids"]


def test_files_that_cannot_be_read_are_named_and_the_rest_is_imported(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 4, "b": 2})
    whole = (folder / "a" / "000.png").read_bytes()
    (folder / "a" / "000.png").write_text("I am a text.")
    (folder / "a" / "001.png").write_bytes(whole[: len(whole) // 2])
    (folder / "a" / "002.png").write_bytes(b"")
    Image.new("L", (64, 64), 90).save(folder / "b" / "cut.jpg")
    (folder / "b" / "cut.jpg").write_bytes((folder / "b" / "cut.jpg").read_bytes()[:-60])
    record = import_folder(folder)
    assert record.classes == {"a": 1, "b": 2}
    assert [path for path, _ in record.dropped] == ["a/000.png", "a/001.png", "a/002.png", "b/cut.jpg"]
    assert all("Received:" in reason for _, reason in record.dropped)
    assert open_dataset(record.name).table["path"].tolist() == ["a/003.png", "b/000.png", "b/001.png"]
    assert record.dropped_table()[0] == {"file": "a/000.png", "reason": record.dropped[0][1]}


def test_a_file_that_may_not_be_opened_is_named(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder({"a": 2, "b": 2})
    read_bytes = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path == folder / "a" / "000.png":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    assert import_folder(folder).dropped == [("a/000.png", "cannot be read: Permission denied")]


def test_a_folder_without_a_readable_image_registers_nothing(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1, "b": 1})
    for path in folder.rglob("*.png"):
        path.write_text("x")
    with pytest.raises(UnusableData, match=r"2 files, none readable\. First of them: An image is"):
        import_folder(folder)
    assert library.datasets() == []


def test_the_report_names_what_the_layout_left_out_too(make_folder: MakeFolder) -> None:
    record = import_folder(make_folder({"a": 1, "b": 1, "masks": 1}))
    assert record.dropped == [("masks/000.png", "stands in a masks folder")]
    assert library.describe(record.name).dropped_table() == record.dropped_table()


@pytest.mark.parametrize(
    ("folder", "name"), [("My Data (v2)", "my-data-v2"), ("Größe.1", "gr-e.1"), ("---", "data"), ("肺", "data"), ("x" * 90, "x" * 50)]
)
def test_a_name_is_made_from_the_folders(make_folder: MakeFolder, folder: str, name: str) -> None:
    assert import_folder(make_folder({"a": 1}, name=folder)).name == name


@pytest.mark.parametrize("name", ["Upper", "a b", "../up", "a/b", ".hidden", "x" * 65, "ü"])
def test_a_name_that_breaks_the_rule_is_refused_before_an_image_is_read(make_folder: MakeFolder, readings: list[str], name: str) -> None:
    with pytest.raises(InvalidSpec, match="lower-case letters, digits"):
        import_folder(make_folder({"a": 1}), name)
    assert readings == []
    assert library.datasets() == []


def test_a_name_taken_by_another_folder_is_refused_and_a_made_one_gets_out_of_the_way(make_folder: MakeFolder) -> None:
    first, second = make_folder({"a": 1}, name="x/set"), make_folder({"a": 2}, name="y/set")
    assert import_folder(first).name == "set"
    with pytest.raises(InvalidSpec, match=r"one data set\. Received: 'set', which is taken by another folder"):
        import_folder(second, "set")
    assert library.describe("set").root == str(first)
    other = import_folder(second).name
    assert other.startswith("set-")
    assert library.names() == (library.PHANTOM, "set", other)


def test_the_phantoms_name_is_not_for_other_folders(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1}, name="phantom")
    with pytest.raises(InvalidSpec, match="taken by another folder"):
        import_folder(folder, "phantom")
    assert import_folder(folder).name.startswith("phantom-")


def test_a_folder_opened_twice_is_read_once(make_folder: MakeFolder, readings: list[str]) -> None:
    folder = make_folder({"a": 3, "b": 3})
    (folder / "a" / "text.png").write_text("never readable")
    first = open_dataset(str(folder))
    assert len(readings) == 7
    again = open_dataset(str(folder / ".." / folder.name))
    assert len(readings) == 7
    assert (first.sha256, first.name) == (again.sha256, again.name)


def add(folder: Path) -> None:
    shutil.copy(folder / "a" / "000.png", folder / "a" / "new.png")


def remove(folder: Path) -> None:
    (folder / "a" / "000.png").unlink()


def rename(folder: Path) -> None:
    (folder / "a" / "000.png").rename(folder / "b" / "other.png")


def touch_up(folder: Path) -> None:
    Image.new("L", (24, 24), 7).save(folder / "a" / "000.png")


def relabel(folder: Path) -> None:
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace("a/000.png,a,", "a/000.png,b,"))


@pytest.mark.parametrize("change", [add, remove, rename, touch_up, relabel])
def test_a_folder_that_changed_is_read_again_under_its_name(make_folder: MakeFolder, change: Callable[[Path], None]) -> None:
    folder = make_folder({"a": 3, "b": 3}, patients=1 if change is relabel else None)
    import_folder(folder, "mine")
    before = open_dataset(str(folder))
    change(folder)
    after = open_dataset(str(folder))
    assert before.name == after.name == "mine"
    assert before.sha256 != after.sha256
    assert open_dataset("mine").sha256 == after.sha256
    assert len(library.datasets()) == 1


@pytest.mark.parametrize("registered", [False, True])
def test_an_interrupted_import_leaves_what_was(make_folder: MakeFolder, artifacts: Path, registered: bool) -> None:
    folder = make_folder({"a": 10, "b": 10})
    before = [import_folder(folder)] if registered else []
    content = {path: path.read_bytes() for path in artifacts.rglob("*") if path.is_file()}

    def stop(done: int, total: int) -> None:
        assert total == 20
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_folder(folder, progress=stop)
    assert library.datasets() == before
    assert {path: path.read_bytes() for path in artifacts.rglob("*") if path.is_file()} == content


def test_progress_counts_every_file(make_folder: MakeFolder) -> None:
    calls: list[tuple[int, int]] = []
    import_folder(make_folder({"a": 2, "b": 1}), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_an_unknown_name_suggests_the_nearest(make_folder: MakeFolder) -> None:
    import_folder(make_folder({"a": 1}), "radiography")
    for ask in (open_dataset, library.describe):
        with pytest.raises(UnknownName, match=r"'radiografy'\. Did you mean radiography\?"):
            ask("radiografy")


@pytest.mark.parametrize("data", [f"no{os.sep}where", "./gone"])
def test_a_path_that_is_not_there_is_not_taken_for_a_name(data: str) -> None:
    with pytest.raises(UnknownName, match="There is no such folder; check the path"):
        open_dataset(data)


def test_a_data_set_without_a_name_is_not_the_working_folder(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_folder({"a": 1, "b": 1}))
    with pytest.raises(UnknownName):
        open_dataset("")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(UnknownName, match="registered name or a folder"):
        open_dataset(str(tmp_path / "a.zip"))


def test_a_data_set_whose_folder_is_gone_says_where_it_was(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1, "b": 1})
    import_folder(folder, "mine")
    shutil.rmtree(folder)
    with pytest.raises(UnusableData, match=rf"mine, whose folder {folder} is gone\. Put the folder back"):
        open_dataset("mine")
    assert library.describe("mine").images == 2


def test_names_of_every_alphabet_are_kept(make_folder: MakeFolder) -> None:
    folder = make_folder({"COVID-19, früh": 1, '肺炎 "x"': 1, "NA": 1})
    manifest = open_dataset(str(folder))
    assert set(manifest.classes) == {"COVID-19, früh", '肺炎 "x"', "NA"}
    assert open_dataset(manifest.name).sha256 == manifest.sha256
    assert all(path.is_file() for path in open_dataset(manifest.name).paths())


def test_the_phantom_is_drawn_on_first_use_and_kept(monkeypatch: pytest.MonkeyPatch, make_folder: MakeFolder) -> None:
    drawn: list[Path] = []

    def write(folder: Path, **_: object) -> None:
        drawn.append(folder)
        shutil.copytree(make_folder({"a": 2, "b": 2}), folder)

    monkeypatch.setattr(phantom, "write", write)
    first, again = open_dataset(library.PHANTOM), open_dataset(library.PHANTOM)
    assert first.synthetic
    assert first.sha256 == again.sha256
    assert len(drawn) == 1
    assert isinstance(library.describe(library.PHANTOM), Dataset)
    assert library.names() == (library.PHANTOM,)
