"""Uploads: several files and archives, each file answered for, nothing written, nothing decoded too early."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data import images, uploads
from core.data.images import XRay
from core.data.uploads import unpack
from core.errors import Problem, UnreadableImage
from tests.data.dicom_files import dicom

GREY = np.add.outer(np.arange(80), np.arange(70)).astype(np.uint8)


def png(shade: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(GREY + np.uint8(shade)).save(stream, "PNG")
    return stream.getvalue()


def zipped(*files: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return stream.getvalue()


def outcomes(*files: tuple[str, bytes]) -> dict[str, str]:
    """Name → "read", or the problem as text."""
    answers = {upload.name: upload.outcome() for upload in unpack(files)}
    return {name: "read" if isinstance(answer, XRay) else str(answer) for name, answer in answers.items()}


def test_files_and_archives_are_read_in_the_order_given() -> None:
    archive = zipped(("covid/2.png", png(20)), ("covid/1.dcm", dicom(GREY)))
    found = unpack([("z.png", png(5)), ("set.zip", archive), ("a.png", png(7))])
    assert [upload.name for upload in found] == ["z.png", "set.zip/covid/2.png", "set.zip/covid/1.dcm", "a.png"]
    assert [upload.read().name for upload in found] == ["z.png", "2.png", "1.dcm", "a.png"]
    np.testing.assert_array_equal(found[1].read().pixels, GREY + np.uint8(20))


def test_an_archive_is_known_by_its_content() -> None:
    assert list(outcomes(("pictures.png", zipped(("1.png", png()))))) == ["pictures.png/1.png"]
    assert outcomes(("empty.zip", png())) == {"empty.zip": "read"}


def test_one_bad_file_never_stops_the_rest() -> None:
    cut = png()[:-40]
    answers = outcomes(
        ("1.png", png()),
        ("2.png", b""),
        ("3.zip", zipped(("a.png", cut), ("labels.csv", b"path,label\n"), ("b.png", png()))),
        ("4.zip", zipped(("x.png", png()))[:60]),
        ("5.png", png()),
    )
    assert [name for name, answer in answers.items() if answer == "read"] == ["1.png", "3.zip/b.png", "5.png"]
    assert "0 bytes" in answers["2.png"]
    assert "damaged, cut short" in answers["3.zip/a.png"]
    assert "labels.csv, which seems to be text" in answers["3.zip/labels.csv"]
    assert "4.zip, which is damaged or cut short" in answers["4.zip"]


def test_files_of_the_same_name_are_told_apart() -> None:
    archive = ("a.zip", zipped(("1.png", png())))
    files = [("scan.png", png()), ("scan.png", png(9)), ("scan (2).png", png()), archive, archive]
    assert list(outcomes(*files)) == ["scan.png", "scan (2).png", "scan (2) (2).png", "a.zip/1.png", "a.zip/1 (2).png"]
    assert unpack(files)[1].read().warnings == ()


def test_what_systems_add_to_archives_is_passed_over() -> None:
    added = ("__MACOSX/._1.png", ".DS_Store", "covid/.hidden.png", ".git/1.png", "Thumbs.db", "covid/desktop.ini", "covid/")
    assert list(outcomes(("a.zip", zipped(*((name, b"") for name in added), ("covid/1.png", png()))))) == ["a.zip/covid/1.png"]
    assert "which holds no files" in outcomes(("a.zip", zipped(*((name, b"") for name in added))))["a.zip"]
    assert "which holds no files" in outcomes(("a.zip", zipped()))["a.zip"]


@pytest.mark.parametrize("name", ["../1.png", "a/../../1.png", "/etc/1.png", "..\\1.png", "C:\\1.png", "C:1.png"])
def test_a_file_that_would_lie_outside_its_archive_is_refused(name: str) -> None:
    answers = outcomes(("a.zip", zipped((name, png()), ("1.png", png()))))
    assert "which points elsewhere" in answers[f"a.zip/{name}"]
    assert answers["a.zip/1.png"] == "read"


def test_an_archive_within_an_archive_is_refused() -> None:
    inner = zipped(("1.png", png()))
    answers = outcomes(("a.zip", zipped(("b.zip", inner), ("c.png", inner))))
    assert "Unpack the outer one first" in answers["a.zip/b.zip"]
    assert "ZIP archive" in answers["a.zip/c.png"]


def test_a_password_is_said_to_be_one() -> None:
    data = bytearray(zipped(("1.png", png())))
    data[6] |= 1  # the flag in front of the file
    data[data.index(b"PK\1\2") + 8] |= 1  # and in the list at the end
    assert "which is encrypted" in outcomes(("a.zip", bytes(data)))["a.zip/1.png"]


def test_an_office_document_is_refused_whole() -> None:
    assert "office document" in outcomes(("a.zip", zipped(("[Content_Types].xml", b"<x/>"), ("word/1.png", png()))))["a.zip"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(compression: int) -> None:
    assert "packed in another way" in outcomes(("a.zip", zipped(("1.png", png()), compression=compression)))["a.zip/1.png"]


def test_a_bomb_is_not_unpacked() -> None:
    answers = outcomes(("a.zip", zipped(("bomb.png", bytes(20 * 2**20)), ("1.png", png()))))
    assert "at most 200 times its packed size" in answers["a.zip/bomb.png"]
    assert answers["a.zip/1.png"] == "read"


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(zipped(("bomb.png", bytes(20 * 2**20))))
    for head, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(head) + offset, 1000)
    assert "which is damaged" in outcomes(("a.zip", bytes(data)))["a.zip/bomb.png"]


def test_too_much_in_one_archive_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(("1.png", png()), ("2.png", png()), ("3.png", png()))
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    assert "at most 2 files" in outcomes(("a.zip", archive))["a.zip"]
    monkeypatch.setattr(uploads, "MAX_FILES", 3)
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 3 * len(png()) - 1)
    assert "hold at most 0 GiB together" in outcomes(("a.zip", archive))["a.zip"]
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 2**20)
    assert "An image file holds at most" in outcomes(("a.zip", archive))["a.zip/1.png"]


def test_nothing_is_decoded_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    monkeypatch.setattr(images, "read", lambda _data, name: decoded.append(name))
    found = unpack([("0.png", png()), ("a.zip", zipped(*((f"{i}.png", png()) for i in range(1, 500))))])
    assert (len(found), decoded) == (500, [])
    found[7].read()
    assert decoded == ["a.zip/7.png"]


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for variable in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(variable, str(folder))
    outcomes(("a.zip", zipped(("1.png", png()), ("../2.png", png()), ("3.dcm", dicom(GREY)))), ("4.png", b"no picture"))
    assert not list(folder.iterdir())
    assert not (tmp_path / "2.png").exists()


def test_names_are_fit_for_a_line_of_text() -> None:
    answers = outcomes(("C:\\my folder\\scan\n\x1b[31m.png", png()), ("a.zip", zipped(("x" * 5000 + ".png", png()))))
    first, second = answers
    assert first == "scan??[31m.png"
    assert len(second) < 220
    assert second.endswith(".png")


def test_an_outcome_is_an_image_or_a_problem_and_reading_raises() -> None:
    good, bad = unpack([("1.png", png()), ("2.png", b"text")])
    assert isinstance(good.outcome(), XRay)
    assert isinstance(bad.outcome(), Problem)
    with pytest.raises(UnreadableImage, match="seems to be text"):
        bad.read()


def test_a_file_whose_damaged_name_is_empty_is_read_beside_the_others() -> None:
    packed = zipped(("1.png", png()), ("?.png", png())).replace(b"?.png", b"\0.png")  # zipfile ends a name there
    assert outcomes(("a.zip", packed)) == {"a.zip/1.png": "read", "a.zip/": "read"}


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_damaged_archive_gives_pictures_or_problems(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(zipped(("covid/1.png", png()), ("2.dcm", dicom(GREY)), ("3.txt", b"text")))
    for _ in range(rng.randrange(1, 10)):
        data[rng.choice((rng.randrange(len(data)), -1 - rng.randrange(250)))] = rng.randrange(256)
    for upload in unpack([("a.zip", bytes(data[: rng.choice((len(data), rng.randrange(1, len(data))))]))]):
        assert isinstance(upload.outcome(), XRay | Problem)
