"""A heat map over its X-ray."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import InvalidSpec, UnknownName
from core.explain.heatmap import HeatMap
from core.explain.overlay import COLOUR_MAPS, blend, contours, png, save, side_by_side

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


@pytest.mark.parametrize("colours", COLOUR_MAPS)
def test_every_colour_map_colours_the_hot_place_its_own_way(colours: str) -> None:
    picture = blend(PIXELS, HEAT, 1, colours)
    assert (picture[12, 15] != PIXELS[12, 15]).any()
    assert sum(np.array_equal(picture, blend(PIXELS, HEAT, 1, other)) for other in COLOUR_MAPS) == 1


def test_unknown_colours_and_impossible_opacities_are_refused() -> None:
    for draw in (blend, contours):
        with pytest.raises(UnknownName, match="Did you mean turbo"):
            draw(PIXELS, HEAT, colours="turbu")
    with pytest.raises(InvalidSpec, match="between 0 and 1"):
        blend(PIXELS, HEAT, 1.5)


def test_on_a_common_scale_a_weak_map_leaves_most_of_the_x_ray_as_it_is() -> None:
    black = np.zeros((24, 30), np.uint8)
    assert blend(black, HEAT, 1, top=40.0).max() < blend(black, HEAT, 1).max()
    np.testing.assert_array_equal(contours(PIXELS, HEAT, top=40.0), grey(PIXELS))


def test_contours_are_lines_around_the_hot_place_with_the_x_ray_seen_inside() -> None:
    pixels = np.full((70, 70), 90, np.uint8)
    drawn = (contours(pixels, HEAT) != 90).any(axis=2)
    assert not drawn[35, 35]
    assert not drawn[:20].any()
    assert drawn[35, 22:35].any()
    assert drawn[35, 36:48].any()
    one = (contours(pixels, HEAT, levels=[0.5]) != 90).any(axis=2)
    assert one.sum() < drawn.sum()
    np.testing.assert_array_equal(contours(pixels, EMPTY), grey(pixels))


def test_maps_side_by_side_are_one_picture_with_a_bar() -> None:
    weak = HeatMap(HEAT.values / 10, "gradcam")
    one, two = (side_by_side(PIXELS, heats, ["a", "b"][: len(heats)], inches=2) for heats in ([HEAT], [HEAT, weak]))
    sizes = [Image.open(io.BytesIO(content)).size for content in (one, two)]
    assert sizes == [(300, 240), (500, 240)]
    assert two != side_by_side(PIXELS, [HEAT, HEAT], ["a", "b"], inches=2)
    assert two != side_by_side(PIXELS, [HEAT, weak], ["a", "b"], inches=2, style="contours")
    assert side_by_side(PIXELS, [EMPTY], ["a"], inches=2)


def test_maps_of_two_methods_have_no_common_scale() -> None:
    other = HeatMap(HEAT.values, "occlusion")
    with pytest.raises(InvalidSpec, match="2 maps of gradcam and occlusion, 2 titles"):
        side_by_side(PIXELS, [HEAT, other], ["a", "b"])
    with pytest.raises(InvalidSpec, match="1 titles"):
        side_by_side(PIXELS, [HEAT, HEAT], ["a"])


def test_threads_may_draw_at_once() -> None:
    expected = side_by_side(PIXELS, [HEAT], ["a"], inches=1)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: side_by_side(PIXELS, [HEAT], ["a"], inches=1), range(8))) == {expected}


def test_a_picture_survives_as_a_png() -> None:
    picture = blend(PIXELS, HEAT)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)
