"""The library: what was imported is known by name, what could not be read is named, and the folder is watched."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import images, library, phantom, sources
from core.data.library import Dataset, import_folder, import_source, import_zip, open_dataset
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
    assert not [path for path in artifacts.rglob("*") if path.suffix in images.READABLE]


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


def registered_files(artifacts: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in artifacts.glob("datasets/*/*") if not path.parent.name.startswith(".")}


@pytest.mark.parametrize("registered", [False, True])
def test_an_interrupted_import_leaves_what_was(make_folder: MakeFolder, artifacts: Path, registered: bool) -> None:
    folder = make_folder({"a": 10, "b": 10})
    before = [import_folder(folder)] if registered else []
    (folder / "a" / "new.png").write_bytes((folder / "a" / "000.png").read_bytes())
    shutil.rmtree(artifacts / "datasets" / ".readings", ignore_errors=True)
    content = registered_files(artifacts)

    def stop(done: int, total: int) -> None:
        assert total == 21
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_folder(folder, progress=stop)
    assert library.datasets() == before
    assert registered_files(artifacts) == content


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


def test_the_report_counts_reasons_depths_and_duplicates(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 3, "b": 2, "masks": 2})
    shutil.copy(folder / "a" / "000.png", folder / "b" / "copy.png")
    with Image.open(folder / "a" / "001.png") as image:
        image.save(folder / "b" / "same.bmp")
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 160).save(folder / "b" / "deep.png")
    for name in ("000", "001"):
        (folder / "b" / f"{name}.png").write_text("text")
    record = import_folder(folder)
    assert record.reasons == {
        "stands in a masks folder": 2,
        "An image is a PNG, JPEG, WebP, BMP, TIFF, GIF or DICOM file.": 2,
    }
    assert record.depths == {"8": 5, "16": 1}
    assert sorted(record.duplicates) == [
        ("same file", ["a/000.png", "b/copy.png"]),
        ("same pixels", ["a/001.png", "b/same.bmp"]),
    ]


def test_a_record_of_an_earlier_import_still_opens(make_folder: MakeFolder, artifacts: Path) -> None:
    import_folder(make_folder({"a": 2}), "mine")
    file = artifacts / "datasets" / "mine" / "dataset.json"
    kept = {key: value for key, value in json.loads(file.read_text()).items() if key not in ("reasons", "depths", "duplicates")}
    file.write_text(json.dumps(kept))
    assert library.describe("mine").reasons == {}


def zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return stream.getvalue()


def test_a_zip_is_unpacked_imported_and_known_again(make_folder: MakeFolder, artifacts: Path, readings: list[str]) -> None:
    folder = make_folder({"a": 2, "b": 2}, patients=1, name="My set")
    (folder / "notes.txt").write_text("x")
    packed = folder.with_suffix(".zip")
    packed.write_bytes(zipped(folder))
    record = import_zip(packed)
    assert (record.name, record.root) == ("my-set", str(artifacts / "datasets" / "my-set" / "images"))
    assert (record.classes, record.patients) == ({"a": 2, "b": 2}, 4)
    assert record.reasons == {"is neither an image nor a table": 1}
    assert len(readings) == 4
    again = import_zip(packed.read_bytes(), "my-set")
    assert len(readings) == 4
    assert again.dropped_table() == record.dropped_table()
    assert all(path.is_file() for path in open_dataset("my-set").paths())


def test_another_zip_of_the_same_name_gets_out_of_the_way_or_is_refused(make_folder: MakeFolder) -> None:
    first, second = (zipped(make_folder({"a": 1, "b": 1}, name=name, seed=seed)) for seed, name in enumerate(("x/s", "y/s")))
    assert import_zip(first, "set").name == "set"
    with pytest.raises(InvalidSpec, match="taken by another"):
        import_zip(second, "set")
    stream = io.BytesIO(second)
    stream.name = "set.zip"
    assert import_zip(stream).name.startswith("set-")
    for name in ("phantom", "../up"):
        with pytest.raises(InvalidSpec):
            import_zip(second, name)


def test_a_stopped_import_of_a_zip_goes_on_and_a_useless_one_leaves_nothing(make_folder: MakeFolder, artifacts: Path) -> None:
    packed, calls = zipped(make_folder({"a": 4, "b": 4})), []

    def stop(done: int, total: int) -> None:
        calls.append((done, total))
        if len(calls) == 12:  # of 8 that are unpacked and then read
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_zip(packed, "mine", stop)
    assert library.datasets() == []
    calls.clear()
    import_zip(packed, "mine", lambda done, total: calls.append((done, total)))
    assert calls[0][0] >= 4  # some had been read, none is unpacked again
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("a/1.png", "no image")
    with pytest.raises(UnusableData, match="none readable"):
        import_zip(text.getvalue(), "empty")
    assert not (artifacts / "datasets" / "empty").exists()


def test_a_source_is_a_folder_a_csv_a_zip_or_a_name(make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder({"a": 2, "b": 2}, patients=1)
    (tmp_path / "s.zip").write_bytes(zipped(folder))
    (folder / "labels.csv").write_text("file,label\na/000.png,x\na/gone.png,y\nb/000.png,y\n")
    assert import_source(str(folder)).name == "set"
    assert import_source(str(tmp_path / "s.zip")).name == "s"
    by_table = import_source(str(folder / "labels.csv"))
    assert (by_table.name, by_table.classes, by_table.reasons) == (
        "labels",
        {"x": 1, "y": 1},
        {"named in labels.csv, but there is no such file": 1},
    )
    assert open_dataset(str(folder)).name == "set"
    monkeypatch.setattr(sources, "names", lambda: ("known",))
    monkeypatch.setattr(sources, "fetch", lambda _name, _progress: folder)
    assert import_source("known").name == "known"
    for unknown, message in (("knwon", "Did you mean known"), (f"no{os.sep}where", "Check the path"), ("gone.zip", "Check the path")):
        with pytest.raises(UnknownName, match=message):
            import_source(unknown)
