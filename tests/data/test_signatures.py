"""Signatures tell pictures apart by their pixels, hash alike what looks alike, and are read once a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import library, signatures
from core.errors import UnusableData

MakeFolder = Callable[..., Path]
RNG = np.random.default_rng(0)


def smooth(seed: int, size: int = 128) -> np.ndarray:
    """A picture of broad shades. uint8 [size, size]"""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def test_the_same_greys_in_another_shape_are_another_picture() -> None:
    pixels = RNG.integers(0, 256, (20, 30), np.uint8)
    assert signatures.of(pixels).pixels == signatures.of(pixels.copy()).pixels
    assert signatures.of(pixels).pixels != signatures.of(pixels.reshape(30, 20)).pixels
    assert (signatures.of(pixels).width, signatures.of(pixels).height) == (30, 20)


def test_a_resized_picture_differs_in_few_bits_and_another_in_many() -> None:
    small = np.asarray(Image.fromarray(smooth(1)).resize((90, 90), Image.Resampling.BICUBIC))
    one, resized, other = (signatures.of(pixels).hash for pixels in (smooth(1), small, smooth(2)))
    assert (one ^ resized).bit_count() <= 4 < 16 < (one ^ other).bit_count()


def test_files_are_read_once_and_copies_of_a_row_not_at_all(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 3})))
    signatures.forget(manifest.name)
    counted: list[tuple[int, int]] = []
    first = signatures.of_manifest(manifest, lambda done, total: counted.append((done, total)))
    assert counted[-1] == (3, 3)
    for path in manifest.paths():
        path.unlink()
    again = signatures.of_manifest(manifest)
    assert again.pixels.tolist() == first.pixels.tolist()
    assert (again.thumb == first.thumb).all()
    signatures.forget(manifest.name)
    with pytest.raises(UnusableData, match="stay where they were imported from"):
        signatures.of_manifest(manifest)


def test_a_damaged_file_of_signatures_counts_for_nothing(artifacts: Path) -> None:
    signatures.store("set", {"f" * 64: signatures.of(smooth(1))})
    assert signatures.stored("set").keys() == {"f" * 64}
    (path,) = (artifacts / "signatures").iterdir()
    path.write_bytes(path.read_bytes()[:500])
    assert signatures.stored("set") == {}
