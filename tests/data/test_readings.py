"""Readings: a file is read once, an import that was stopped goes on, and the images of one pass are those of two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from core.data import cache, images, library, readings, signatures
from core.data.preparation import Preparation
from core.data.readings import read_all
from core.errors import UnusableData

HOW = Preparation(16, "pad")
MakeFolder = Callable[..., Path]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were opened as images since."""
    names: list[str] = []
    read = images.read
    monkeypatch.setattr(images, "read", lambda source, name: names.append(name) or read(source, name))
    return names


def stop_at(number: int) -> Callable[[int, int], None]:
    def stop(done: int, _total: int) -> None:
        if done == number:
            raise KeyboardInterrupt

    return stop


def mixed(make_folder: MakeFolder) -> Path:
    """Twelve files, three of which cannot be read: the first, one in the middle, and the last."""
    folder = make_folder({"a": 6, "b": 6}, size=30)
    for name in ("a/000", "a/003", "b/005"):
        (folder / f"{name}.png").write_text("no image")
    return folder


@pytest.mark.parametrize("stopped", [None, 4, 12])
def test_one_pass_leaves_the_very_file_that_decoding_would(make_folder: MakeFolder, opened: list[str], stopped: int | None) -> None:
    folder = mixed(make_folder)
    if stopped:
        with pytest.raises(KeyboardInterrupt):
            library.open_dataset(str(folder), stop_at(stopped), HOW)
    manifest = library.open_dataset(str(folder), also=HOW)
    assert len(manifest) == 9
    path = cache.cache_path(manifest, HOW)
    content, read = path.read_bytes(), len(opened)
    cache.decoded(manifest, HOW)
    assert len(opened) == read  # found, not decoded again
    path.unlink()
    cache.decoded(manifest, HOW)
    assert path.read_bytes() == content


def test_nothing_but_readings_is_left_of_a_pass(make_folder: MakeFolder, artifacts: Path) -> None:
    folder = mixed(make_folder)
    with pytest.raises(KeyboardInterrupt):
        library.import_folder(folder, progress=stop_at(5), also=HOW)
    with pytest.raises(KeyboardInterrupt):
        library.import_folder(folder, progress=stop_at(5), also=Preparation(17))
    library.import_folder(folder, also=HOW)
    assert {path.suffix for path in (artifacts / "datasets" / ".readings").iterdir()} <= {".jsonl", ".lock"}
    assert len(list((artifacts / "cache").iterdir())) == 1


@pytest.mark.parametrize("also", [None, HOW])
def test_a_stopped_import_reads_no_file_twice(make_folder: MakeFolder, opened: list[str], also: Preparation | None) -> None:
    folder = make_folder({"a": 300})
    with pytest.raises(KeyboardInterrupt):
        library.import_folder(folder, progress=stop_at(40), also=also)
    calls: list[tuple[int, int]] = []
    library.import_folder(folder, progress=lambda done, total: calls.append((done, total)), also=also)
    assert len(opened) == len(set(opened)) == 300
    assert calls[0][0] >= 40
    assert calls[-1] == (300, 300)


def test_a_second_import_reads_what_is_new_or_changed(make_folder: MakeFolder, opened: list[str]) -> None:
    folder = make_folder({"a": 5, "b": 5})
    library.import_folder(folder, also=HOW)
    opened.clear()
    (folder / "a" / "new.png").write_bytes((folder / "a" / "000.png").read_bytes())
    (folder / "b" / "001.png").write_bytes((folder / "a" / "001.png").read_bytes())
    record = library.import_folder(folder)
    assert sorted(opened) == ["001.png", "new.png"]
    assert record.duplicates == [("same file", ["a/000.png", "a/new.png"]), ("same file", ["a/001.png", "b/001.png"])]


def test_a_size_that_was_not_prepared_is_prepared_by_an_import_that_asks_for_it(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 3, "b": 3})
    name = library.import_folder(folder).name
    library.import_folder(folder, also=HOW)
    manifest = library.open_dataset(name)
    assert np.load(cache.cache_path(manifest, HOW)).any(axis=(1, 2)).all()


def test_a_reader_that_changed_reads_all_anew(make_folder: MakeFolder, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder({"a": 3})
    library.import_folder(folder)
    monkeypatch.setattr(images, "READER_VERSION", images.READER_VERSION + 1)
    library.import_folder(folder)
    assert len(opened) == 6


def test_a_journal_that_was_cut_short_loses_a_line_at_most(make_folder: MakeFolder, artifacts: Path, opened: list[str]) -> None:
    folder = make_folder({"a": 5})
    library.import_folder(folder)
    journal = next((artifacts / "datasets" / ".readings").glob("*.jsonl"))
    journal.write_bytes(journal.read_bytes()[:-20] + b"\n[1, 2]\n{}\n")
    library.import_folder(folder)
    assert opened[5:] == ["004.png"]


def test_a_file_that_could_not_be_opened_is_tried_again(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder({"a": 2})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _path: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        found = read_all(folder, ["a/000.png"], "mine")
    assert found[0].reason == "cannot be read: Permission denied"
    assert read_all(folder, ["a/000.png"], "mine")[0].problem == ""


def test_signatures_are_kept_in_the_same_pass(make_folder: MakeFolder, opened: list[str]) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 3, "b": 3})))
    assert len(signatures.of_manifest(manifest)) == 6
    assert len(opened) == 6


def test_an_import_waits_for_another_of_the_same_folder_and_can_be_stopped(make_folder: MakeFolder, artifacts: Path) -> None:
    folder = make_folder({"a": 2})
    library.import_folder(folder)
    lock = next((artifacts / "datasets" / ".readings").glob("*.lock"))
    with FileLock(lock, is_singleton=False), pytest.raises(KeyboardInterrupt):
        library.import_folder(folder, progress=stop_at(0))


def test_a_disk_without_room_for_the_prepared_images_is_said_and_nothing_is_registered(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.Prepared, "put", put)
    with pytest.raises(UnusableData, match="must fit on the disk"):
        library.import_folder(make_folder({"a": 2}), also=HOW)
    assert library.datasets() == []


def test_a_disk_that_is_full_when_the_report_is_written_is_said(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(library, "write_json", write)
    with pytest.raises(UnusableData, match="report of an import must fit"):
        library.import_folder(make_folder({"a": 2}))
    assert library.datasets() == []


def test_groups_of_duplicates_say_whether_the_files_are_the_same() -> None:
    found = [readings.Reading(path, sha256, pixels) for path, sha256, pixels in ("1xp", "2xp", "3yq", "4zq", "5ur")]
    assert readings.duplicates(found) == [("same file", ["1", "2"]), ("same pixels", ["3", "4"])]
