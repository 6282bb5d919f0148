"""Pictures to look at are a few of each class, squares, and whole."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import gallery, images, library
from core.errors import UnreadableImage
from tests.data.dicom_files import PATIENT, PATIENT_ID, dicom

MakeFolder = Callable[..., Path]


def decoded(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def test_every_class_shows_its_first_images_as_the_reader_reads_them(make_folder: MakeFolder) -> None:
    data = library.open_dataset(str(make_folder({"b": 4, "a": 2})))
    shown = gallery.samples(data, per_class=3, size=30)
    assert {label: len(pictures) for label, pictures in shown.items()} == {"a": 2, "b": 3}
    for label, pictures in shown.items():
        for i, picture in enumerate(pictures):
            np.testing.assert_array_equal(picture, images.fit(images.read(data.root / label / f"{i:03}.png").pixels, 30, "pad"))


def test_a_wide_image_is_padded_and_not_cut(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 1})
    Image.new("L", (40, 20), 200).save(folder / "a" / "000.png")
    (picture,) = gallery.samples(library.open_dataset(str(folder)), 1, size=40)["a"]
    assert (picture[10:30] == 200).all()
    assert not picture[:10].any()
    assert not picture[30:].any()


def test_a_file_that_became_unreadable_is_named(make_folder: MakeFolder) -> None:
    data = library.open_dataset(str(make_folder({"a": 1})))
    data.paths()[0].write_text("x")
    with pytest.raises(UnreadableImage, match=r"000\.png"):
        gallery.samples(data, 1)


def test_thumbnails_come_in_the_order_asked_for_and_a_bad_file_stops_no_other(make_folder: MakeFolder) -> None:
    data = library.open_dataset(str(make_folder({"a": 3})))
    data.paths()[1].write_text("x")
    data.paths()[0].unlink()
    last, broken, gone = gallery.thumbnails(data, [2, 1, 0], size=20)
    assert decoded(last).shape == (20, 20)
    assert np.abs(decoded(last) - gallery.thumbnail(data.paths()[2], 20).astype(float)).mean() < 8  # JPEG loses a little
    assert isinstance(broken, UnreadableImage)
    assert "000.png" in str(gone)


def test_a_file_that_changed_has_a_new_thumbnail(make_folder: MakeFolder) -> None:
    data = library.open_dataset(str(make_folder({"a": 1})))
    gallery.thumbnails(data, [0])
    Image.new("L", (30, 30), 77).save(data.paths()[0])
    assert (decoded(gallery.thumbnails(data, [0])[0]) == 77).all()


def test_details_name_size_kind_mode_and_depth_of_a_file(tmp_path: Path) -> None:
    Image.fromarray(np.arange(2000 * 50, dtype=np.uint16).reshape(50, 2000) % 60_000).save(tmp_path / "deep.png")
    found = gallery.details(tmp_path / "deep.png")
    assert found.facts["Size"] == "2000 × 50 px"
    assert found.facts["File"].startswith("PNG, ")
    assert (found.facts["Colour mode"], found.facts["Bit depth"]) == ("I;16", "16 bits a channel")
    assert found.picture.shape[1] == gallery.LARGEST
    assert any("long" in warning for warning in found.warnings)


def test_of_a_dicom_file_only_what_concerns_the_picture_is_told(tmp_path: Path) -> None:
    values = np.arange(100 * 80, dtype=np.uint16).reshape(100, 80)
    spacing = {"PixelSpacing": [0.2, 0.3], "Modality": "DX", "ViewPosition": PATIENT}
    (tmp_path / "one.dcm").write_bytes(dicom(values, **spacing))
    facts = gallery.details(tmp_path / "one.dcm").facts
    assert facts["Pixel spacing"] == "0.2 × 0.3 mm"
    assert facts["Modality"] == "DX"
    assert "bit" in facts["Bit depth"]
    assert not {PATIENT, PATIENT_ID} & set(facts.values())
