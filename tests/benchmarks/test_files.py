"""What peers read are the very files of our parts."""

import pytest

from benchmarks.training import files
from core.data import library, splits
from core.errors import CoreError


@pytest.fixture
def prepared(make_folder, tmp_path):
    return files.prepare(make_folder({"a": 30, "b": 20, "c": 20}), tmp_path / "made", folds=5)


def linked(folder):
    return {path.resolve() for path in folder.rglob("*") if path.is_symlink()}


def test_the_links_of_each_part_are_exactly_the_files_of_our_part(prepared):
    manifest = library.open_dataset(str(prepared.folder))
    split = splits.split(manifest, folds=5, fold=0, validation_folds=5, seed=0)
    paths = manifest.paths()
    for part in ("train", "validation"):
        assert linked(prepared.links / part) == {paths[row].resolve() for row in split.rows(part)}
    assert (prepared.train, prepared.validation, prepared.test) == tuple(len(split.rows(part)) for part in splits.PARTS)


def test_links_stand_in_the_folder_of_their_class(prepared):
    assert all(path.resolve().parent.name == path.parent.name for path in prepared.links.rglob("*.png"))


def test_for_a_program_that_counts_upon_five_classes_the_files_stay_the_same(prepared):
    for part, name in files.TORCHVISION_PARTS.items():
        there = prepared.links_of_five / name
        assert len([path for path in there.iterdir() if path.is_dir()]) == files.TOP
        assert linked(there) == linked(prepared.links / part)
        assert len(list(there.rglob("*.png"))) == len(linked(there))


def test_links_are_never_added_to_older_ones(prepared, tmp_path):
    with pytest.raises(CoreError, match="new folder"):
        files.prepare(prepared.folder, tmp_path / "made", folds=5)


def test_some_of_a_folder_has_so_many_images_spread_over_its_classes(make_folder, tmp_path):
    folder = make_folder({"a": 30, "b": 5, "c": 10})
    part = files.some_of(folder, 15, tmp_path / "parts")
    assert [len(list((part / label).iterdir())) for label in "abc"] == [5, 5, 5]
    assert library.open_dataset(str(part)).class_counts() == {"a": 5, "b": 5, "c": 5}  # links are read as files are
    assert files.some_of(folder, 45, tmp_path / "parts") == folder


@pytest.mark.usefixtures("prepared")
def test_preparing_registers_no_data_set():
    assert library.names() == (library.PHANTOM,)


def test_phantoms_are_drawn_equally_for_each_class(tmp_path):
    with pytest.raises(CoreError, match="multiple of 4"):
        files.drawn(tmp_path, 10, 64)
