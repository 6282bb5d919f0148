"""Folder shapes: images are found, masks are not, and whatever is left out is named."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from core.data.layouts import cohen, find, patients
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
        "": "no file named in metadata.csv",
    }
    assert listing.notes == ("2 files are not named in metadata.csv and were left out.",)


def test_masks_beside_the_images_of_a_table_are_no_news(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 2, "masks": 2})
    write_table(folder, "path,label\na/000.png,a\na/001.png,a\n")
    assert find(folder).notes == ()


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
def test_a_table_that_is_not_utf8_is_read_as_latin_1_wherever_the_bad_byte_stands(make_folder: MakeFolder, rows: int) -> None:
    folder = make_folder({"a": 2})
    write_table(folder, b"path,label\n" + b"a/000.png,a\n" * rows + b"a/001.png,caf\xe9\n")
    listing = find(folder)
    assert listing.rows["label"].tolist()[-1] == "café"
    assert listing.notes[0] == "metadata.csv is not in UTF-8; it was read as Latin-1."


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
    write_table(folder, "file,remark\n000.png,blurred\n")
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


def pairs(folder: Path) -> dict[str, str]:
    rows = find(folder).rows
    return dict(zip(rows["path"], rows["label"], strict=True))


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("Training", "validation", "TEST"), ("train", "valid"), ("dev", "testing")])
def test_a_published_split_is_told_from_the_classes_inside_it(make_folder: MakeFolder, parts: tuple[str, ...]) -> None:
    folder = make_folder({f"{part}/{label}": 2 for part in parts for label in ("a", "b")} | {"other/a": 1})
    shutil.move(folder / parts[0] / "a" / "001.png", folder / parts[0] / "stray.png")
    listing = find(folder)
    assert Counter(listing.rows["label"]) == {"a": 2 * len(parts) - 1, "b": 2 * len(parts)}
    assert listing.layout == "class folders inside training, validation and test"
    assert dict(listing.dropped) == {
        "other/a/000.png": "stands outside the folders of the published split",
        f"{parts[0]}/stray.png": "stands outside the class folders",
    }
    assert "4" in listing.notes[0]
    assert "3" in listing.notes[0]


def test_a_class_may_be_called_like_a_part(make_folder: MakeFolder) -> None:
    assert set(pairs(make_folder({"test": 1, "train": 1})).values()) == {"test", "train"}


def test_a_folder_around_everything_is_no_class(make_folder: MakeFolder) -> None:
    assert pairs(make_folder({"w/x/a": 1, "w/x/b": 1})) == {"w/x/a/000.png": "a", "w/x/b/000.png": "b"}
    wrapped = make_folder({"w/a": 1, "w/b": 1}, name="second")
    write_table(wrapped / "w", "path,label\na/000.png,seen\n")
    assert pairs(wrapped) == {"w/a/000.png": "seen"}


def test_one_class_with_folders_for_images_and_masks_is_a_class(make_folder: MakeFolder) -> None:
    assert pairs(make_folder({"COVID/images": 1, "COVID/masks": 1})) == {"COVID/images/000.png": "COVID"}


@pytest.mark.parametrize("other", ["normal", "NORMAL ", "Normal"])
def test_classes_that_differ_in_case_only_are_refused_by_name(make_folder: MakeFolder, other: str) -> None:
    folder = make_folder({"a": 3})
    write_table(folder, f"path,label\na/000.png,nORMAL\na/001.png,b\na/002.png,{other}\n")
    with pytest.raises(UnusableData, match=rf"capital letters.*'{other.strip()}'.*nORMAL|capital letters.*nORMAL.*'{other.strip()}'"):
        find(folder)


def write_workbook(path: Path, rows: list[tuple[str, str]]) -> None:
    book = Workbook()
    for row in [("FILE NAME", "FORMAT", "SIZE", "URL"), *((name, "PNG", "256*256", url) for name, url in rows)]:
        book.active.append(row)
    book.save(path)


@pytest.mark.parametrize(
    ("file", "named", "book"),
    [
        ("COVID/images/COVID-1.png", "COVID-1", "COVID.metadata.xlsx"),
        ("Normal/images/Normal-1.png", "NORMAL-1", "Normal.metadata.xlsx"),
        ("Viral Pneumonia/Viral Pneumonia (1).png", "Viral Pneumonia (1)", "Viral Pneumonia.matadata.xlsx"),
        ("COVID-19/COVID-19 (1).png", "COVID-19(1)", "COVID-19.metadata.xlsx"),
    ],
)
def test_the_radiography_database_names_its_sources_in_workbooks(make_folder: MakeFolder, file: str, named: str, book: str) -> None:
    folder = make_folder({str(Path(file).parent): 2, "Lung_Opacity/images": 1, "Lung_Opacity/masks": 1})
    (folder / Path(file).parent / "000.png").rename(folder / file)
    write_workbook(folder / book, [(named, "https://www.kaggle.com/c/rsna/#data")])
    listing = find(folder)
    source = dict(zip(listing.rows["path"], listing.rows["source"], strict=True))
    assert listing.layout == "Radiography Database"
    assert source.pop(file) == "kaggle.com/c/rsna"
    assert set(source.values()) == {""}
    assert listing.notes == ("2 images are not named in the workbooks: their source is unknown.",)
    assert [reason for _, reason in listing.dropped] == ["stands in a masks folder"]


def test_a_damaged_workbook_is_refused_by_name(make_folder: MakeFolder) -> None:
    folder = make_folder({"Normal": 1, "COVID": 1})
    (folder / "COVID.metadata.xlsx").write_bytes(b"no workbook")
    with pytest.raises(UnusableData, match=r"FILE NAME and URL.*COVID\.metadata\.xlsx"):
        find(folder)


COHEN = "patientid,finding,view,modality,folder,filename,url\n"


@pytest.mark.filterwarnings("ignore:Length of header:pandas.errors.ParserWarning")
@pytest.mark.parametrize("end", [b"\n", b",\xa0\n"])
def test_cohens_table_keeps_frontal_x_rays_and_says_why_others_go(make_folder: MakeFolder, end: bytes) -> None:
    folder = make_folder({"images": 7})
    rows = [
        b"1,COVID-19,PA,X-ray,images,000.png,https://www.eurorad.org/case/1",
        b"1,COVID-19,AP Supine,X-ray,images,001.png,",
        b"2,COVID-19,L,X-ray,images,002.png,",
        b"3,COVID-19,Axial,CT,images,003.png,",
        b"4,todo,PA,X-ray,images,004.png,",
        b"5,No Finding,AP semi erect,X-ray,images,gone.png,",
        b"6,No Finding,,X-ray,images,005.png,",
    ]
    write_table(folder, COHEN.encode() + b"".join(row + end for row in rows))
    listing = find(folder)
    assert listing.rows.drop(columns="path").to_numpy().tolist() == [
        ["COVID-19", "1", "www.eurorad.org", "PA"],
        ["COVID-19", "1", "", "AP Supine"],
    ]
    assert dict(listing.dropped) == {
        "images/002.png": "a lateral view: L",
        "images/003.png": "not an X-ray: CT",
        "images/004.png": "no finding is named",
        "images/gone.png": "named in metadata.csv, but there is no such file",
        "images/005.png": "not a frontal view: unknown",
    }


@pytest.mark.parametrize(
    ("finding", "label"),
    [
        *((finding, "COVID-19") for finding in ("COVID-19", "Pneumonia/Viral/COVID-19", "COVID-19, ARDS", "covid-19 ")),
        *((finding, "No Finding") for finding in ("No Finding", "No finding", "Normal")),
        *(
            (finding, "Pneumonia")
            for finding in ("Pneumonia", "Pneumonia/Viral/SARS", "Mycoplasma Bacterial Pneumonia", "E.Coli", "Varicella")
        ),
        *((finding, "") for finding in ("", "todo", "Unknown")),
        ("ARDS", "ARDS"),
        ("Tuberculosis", "Tuberculosis"),
    ],
)
def test_several_spellings_of_a_finding_are_one_class(finding: str, label: str) -> None:
    assert cohen.label(finding) == label


def test_cohens_mini_collection_is_counted_as_its_table_says(real_data: Path) -> None:
    listing = find(real_data / "cohen-mini")
    assert len(listing.rows) == 42
    assert Counter(reason for _, reason in listing.dropped) == {"not an X-ray: CT": 8, "a lateral view: L": 8}


@pytest.mark.parametrize(
    "header", ["file,class", "File Name;Diagnosis", "image\tfinding", "Image Index,Finding Labels", "IMAGE_PATH,Label"]
)
def test_a_csv_with_paths_and_labels_is_known_whatever_its_columns_are_called(make_folder: MakeFolder, header: str) -> None:
    folder = make_folder({"files": 3})
    separator = next(mark for mark in ",;\t" if mark in header)
    write_table(folder, "\n".join([header, *(separator.join(row) for row in (("files/000.png", "a"), ("001.PNG", "b"), ("002", "a")))]))
    (folder / "metadata.csv").rename(folder / "labels.csv")
    for source in (folder, folder / "labels.csv"):
        listing = find(source)
        assert dict(zip(listing.rows["path"], listing.rows["label"], strict=True)) == {
            "files/000.png": "a",
            "files/001.png": "b",
            "files/002.png": "a",
        }
        assert listing.layout == "table labels.csv"


def test_a_csv_that_names_one_file_of_several_namesakes_says_so(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1, "b": 2})
    write_table(folder, "path,label\n000.png,x\n001.png,y\n")
    assert dict(find(folder).dropped) == {"000.png": "named in metadata.csv, but several files are called so"}


def test_a_csv_of_another_kind_given_itself_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UnusableData, match="It needs a column path"):
        find(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("path", "patient"),
    [
        ("a/00000013_005.png", "nih-00000013"),
        ("train/P/person12_bacteria_45.jpeg", "kermany-person12"),
        ("train/P/person12_virus_45.jpeg", "kermany-person12"),
        ("IM-0115-0001.jpeg", "kermany-IM-0115"),
        ("NORMAL2-IM-0115-0001-0002.jpeg", "kermany-NORMAL2-IM-0115"),
        ("patient00007/study1/view1_frontal.jpg", "chexpert-patient00007"),
        *((path, "") for path in ("a/000.png", "00000013.png", "a/x00000013_005.png", "person12.png")),
    ],
)
def test_patients_are_read_from_the_names_of_known_sets(path: str, patient: str) -> None:
    assert patients.of(path)[0] == patient


def test_patients_from_names_do_not_replace_those_of_a_table(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 2})
    for number in (0, 1):
        (folder / "a" / f"00{number}.png").rename(folder / "a" / f"00000013_00{number}.png")
    listing = find(folder)
    assert listing.rows["patient_id"].tolist() == ["nih-00000013"] * 2
    assert listing.notes == ("Patients were read from the names of 2 files, as in NIH ChestX-ray.",)
    write_table(folder, "path,label,patient\na/00000013_000.png,a,7\na/00000013_001.png,a,\n")
    assert find(folder).rows["patient_id"].tolist() == ["7", ""]


def test_twenty_thousand_files_in_one_folder_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number in range(20_000):
        os.close(os.open(tmp_path / "a" / f"{number}.png", os.O_CREAT))
    assert len(find(tmp_path).rows) == 20_000
