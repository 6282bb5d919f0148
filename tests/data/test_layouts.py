"""Folder shapes: images are found, masks are not, and whatever is left out is named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.layouts import find
from core.errors import UnusableData

MakeFolder = Callable[..., Path]


def write_table(folder: Path, text: str | bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.csv").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_class_folders_give_their_images_sorted_with_their_labels(make_folder: MakeFolder) -> None:
    listing = find(make_folder({"b": 1, "a": 2}))
    assert listing.rows[["path", "label"]].to_numpy().tolist() == [["a/000.png", "a"], ["a/001.png", "a"], ["b/000.png", "b"]]
    assert (listing.rows[["patient_id", "source", "view"]] == "").all(axis=None)
    assert (listing.layout, listing.dropped, listing.notes) == ("class folders", (), ())


def test_the_class_is_the_outermost_folder_and_capital_suffixes_count(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1, "b": 1})
    (folder / "a" / "hospital 1").mkdir()
    shutil.move(folder / "a" / "000.png", folder / "a" / "hospital 1" / "X.PNG")
    assert find(folder).rows[["path", "label"]].to_numpy().tolist() == [["a/hospital 1/X.PNG", "a"], ["b/000.png", "b"]]


def test_masks_beside_the_images_are_passed_over_and_named(make_folder: MakeFolder) -> None:
    folder = make_folder({"COVID/images": 2, "COVID/Masks": 2, "masks": 1, "Normal": 1})
    listing = find(folder)
    assert listing.rows["path"].tolist() == ["COVID/images/000.png", "COVID/images/001.png", "Normal/000.png"]
    assert listing.rows["label"].tolist() == ["COVID", "COVID", "Normal"]
    assert {path for path, reason in listing.dropped if "masks" in reason} == {
        "COVID/Masks/000.png",
        "COVID/Masks/001.png",
        "masks/000.png",
    }


def test_an_image_outside_the_class_folders_is_named_and_other_files_are_not(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 2, "b": 1, ".hidden": 1})
    shutil.move(folder / "a" / "001.png", folder / "stray.png")
    (folder / "a" / "notes.txt").write_text("x")
    (folder / "a" / ".thumb.png").write_text("x")
    listing = find(folder)
    assert listing.rows["path"].tolist() == ["a/000.png", "b/000.png"]
    assert listing.dropped == (("stray.png", "stands outside the class folders"),)


def test_a_table_gives_labels_patients_sources_and_views(make_folder: MakeFolder) -> None:
    listing = find(make_folder({"a": 3, "b": 1}, patients=2))
    assert listing.layout == "class folders with metadata.csv"
    assert listing.rows.to_numpy().tolist() == [
        ["a/000.png", "a", "a-0", "made", "PA"],
        ["a/001.png", "a", "a-0", "made", "PA"],
        ["a/002.png", "a", "a-1", "made", "PA"],
        ["b/000.png", "b", "b-0", "made", "PA"],
    ]


def test_what_a_table_says_wins_over_the_folder_and_its_cells_are_text(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 3})
    write_table(folder, "patient_id,label,path\n007, NA ,a/000.png\n,1,a/001.png\n1.50,b,a/002.png\n")
    rows = find(folder).rows
    assert rows["label"].tolist() == ["NA", "1", "b"]
    assert rows["patient_id"].tolist() == ["007", "", "1.50"]
    assert rows["view"].tolist() == [""] * 3


def test_rows_that_cannot_be_used_are_named_with_the_reason(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 4})
    write_table(folder, "path,label\na/000.png,a\na/gone.png,a\na/001.png,\na/000.png,b\n,a\n")
    listing = find(folder)
    assert listing.rows["path"].tolist() == ["a/000.png"]
    assert dict(listing.dropped) == {
        "a/gone.png": "named in metadata.csv, but there is no such file",
        "a/001.png": "no label in metadata.csv",
        "a/000.png": "named twice",
        "": "points outside the folder",
    }
    assert listing.notes == ("2 files are not named in metadata.csv and were left out.",)


def test_paths_that_lead_outside_are_refused(make_folder: MakeFolder) -> None:
    outside = make_folder({"a": 1}, name="outside") / "a" / "000.png"
    folder = make_folder({"a": 1})
    (folder / "a" / "link.png").symlink_to(outside)
    write_table(folder, f"path,label\na/000.png,a\n../outside/a/000.png,a\n{outside},a\na/link.png,a\n")
    listing = find(folder)
    assert listing.rows["path"].tolist() == ["a/000.png"]
    assert [reason for _, reason in listing.dropped] == ["points outside the folder"] * 3


@pytest.mark.parametrize("path", ["a\0b.png", "x" * 5000, "a/" * 3000 + "x.png"])
def test_paths_that_no_file_system_takes_are_missing_files(make_folder: MakeFolder, path: str) -> None:
    folder = make_folder({"a": 1})
    write_table(folder, f"path,label\na/000.png,a\n{path},a\n")
    assert find(folder).rows["path"].tolist() == ["a/000.png"]


@pytest.mark.parametrize("rows", [0, 40_000])
def test_a_table_that_is_not_utf8_is_refused_wherever_the_bad_byte_stands(make_folder: MakeFolder, rows: int) -> None:
    folder = make_folder({"a": 1})
    write_table(folder, b"path,label\n" + b"a/000.png,a\n" * rows + b"a/000.png,caf\xe9\n")
    with pytest.raises(UnusableData, match=r"metadata.csv is a table in UTF-8. Received: .*metadata.csv"):
        find(folder)


@pytest.mark.filterwarnings("ignore:Length of header:pandas.errors.ParserWarning")
@pytest.mark.parametrize("text", ["", "path,label\na,b,c,d\nx\n", 'path,label\n"a/000.png,a\n'])
def test_a_table_that_is_no_table_is_refused_or_leaves_no_image(make_folder: MakeFolder, text: str) -> None:
    folder = make_folder({"a": 1})
    write_table(folder, text)
    with pytest.raises(UnusableData):
        find(folder)


@pytest.mark.filterwarnings("ignore:Length of header:pandas.errors.ParserWarning")  # true, and why the comma does no harm
@pytest.mark.parametrize("prefix", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["", ","])
def test_a_byte_order_mark_and_a_trailing_comma_do_no_harm(make_folder: MakeFolder, prefix: str, end: str) -> None:
    folder = make_folder({"a": 2})
    write_table(folder, f"{prefix}path,label,patient_id\r\na/000.png,a,7{end}\r\na/001.png,b,8{end}\r\n")
    rows = find(folder).rows
    assert rows[["path", "label", "patient_id"]].to_numpy().tolist() == [["a/000.png", "a", "7"], ["a/001.png", "b", "8"]]


def test_a_table_without_rows_or_without_files_leaves_no_image(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1})
    for text in ("path,label\n", "path,label\na/gone.png,a\n"):
        write_table(folder, text)
        with pytest.raises(UnusableData, match="at least one image"):
            find(folder)


def test_another_kind_of_table_is_passed_over(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1})
    write_table(folder, "filename,finding\n000.png,COVID-19\n")
    assert find(folder).layout == "class folders"


def test_a_file_name_that_is_not_utf8_is_left_out_and_named(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 2})
    os.rename(os.fsencode(folder / "a" / "000.png"), os.fsencode(folder / "a") + b"/caf\xe9.png")  # noqa: PTH104  bytes have no Path
    listing = find(folder)
    assert listing.rows["path"].tolist() == ["a/001.png"]
    assert listing.dropped == (("a/caf�.png", "its name is not UTF-8"),)


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"at least one image in a class folder. Received: .* without any. Put the images of each class"):
        find(tmp_path)


def test_a_missing_folder_and_a_file_are_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    for path in (tmp_path / "gone", tmp_path / "a.zip"):
        with pytest.raises(UnusableData, match="a zip must be unpacked first"):
            find(path)
