"""A heat map over its X-ray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.explain.cam import HeatMap
from core.explain.overlay import blend, save

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 30), np.uint8)
HEAT = HeatMap(np.pad(np.array([[4]], np.float32), 3), "gradcam")  # 7 × 7, hot in the middle
EMPTY = HeatMap(np.zeros((3, 3), np.float32), "gradcam")


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., None], 3, axis=2)


def test_the_picture_has_the_x_ray_s_size_and_three_colours() -> None:
    picture = blend(PIXELS, HEAT)
    assert (picture.shape, picture.dtype) == ((24, 30, 3), np.uint8)


def test_opacity_0_leaves_the_x_ray_as_it_is() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(blend(levels, HEAT, opacity=0), grey(levels))


def test_without_evidence_the_x_ray_stays_as_it_is() -> None:
    np.testing.assert_array_equal(blend(PIXELS, EMPTY, opacity=1), grey(PIXELS))


def test_colour_stands_where_the_map_is_hot_and_not_in_the_corners() -> None:
    changed = (blend(PIXELS, HEAT) != grey(PIXELS)).any(axis=2)
    assert changed[12, 15]
    assert not changed[[0, 0, -1, -1], [0, -1, 0, -1]].any()


@given(opacity=st.floats(0, 1), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_more_opacity_never_brings_the_x_ray_back(opacity: float, seed: int) -> None:
    heat = HeatMap(np.random.default_rng(seed).random((3, 3)).astype(np.float32), "gradcam")
    half, whole = (np.abs(blend(PIXELS, heat, share).astype(int) - grey(PIXELS)) for share in (opacity / 2, opacity))
    assert (whole >= half - 1).all()  # 1 for rounding


def test_a_saved_picture_never_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    paths = [save(PIXELS, HEAT, folder, "scan", size=48) for _ in range(3)]
    assert [path.name for path in paths] == ["scan.gradcam.png", "scan.gradcam-1.png", "scan.gradcam-2.png"]
    assert sorted(item.name for item in folder.iterdir()) == sorted(path.name for path in paths)
    other = tmp_path / "mine.gradcam.png"
    other.write_bytes(b"mine")
    save(PIXELS, HEAT, tmp_path, "mine", size=48)
    assert other.read_bytes() == b"mine"


@pytest.mark.parametrize(("size", "side"), [(48, 48), (8, 30)])
def test_a_saved_picture_is_square_and_never_smaller_than_the_x_ray(size: int, side: int, tmp_path: Path) -> None:
    with Image.open(save(PIXELS, HEAT, tmp_path, "scan", size=size)) as picture:
        assert (picture.size, picture.mode, picture.format) == ((side, side), "RGB", "PNG")
