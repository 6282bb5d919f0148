"""Pictures to look at are a few of each class, squares, and whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import gallery, images, library
from core.errors import UnreadableImage

MakeFolder = Callable[..., Path]


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
