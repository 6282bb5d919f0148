"""How a map lies on a region."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import images, phantom
from core.errors import InvalidSpec
from core.explain.heatmap import HeatMap
from core.explain.places import fit_mask, heat_inside, hottest, lung_estimate, overlap, points_inside

EVEN = HeatMap(np.ones((4, 4), np.float32), "gradcam")
EMPTY = HeatMap(np.zeros((4, 4), np.float32), "gradcam")


def spot(row: int, column: int, size: int = 8) -> HeatMap:
    values = np.zeros((size, size), np.float32)
    values[row, column] = 3
    return HeatMap(values, "gradcam")


def square(top: int, left: int, side: int, size: int = 64) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 24))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_map_spread_evenly_has_as_much_heat_in_a_region_as_the_region_has_area(top: int, left: int, side: int) -> None:
    found = heat_inside(EVEN, square(top, left, side))
    assert found.heat == pytest.approx(found.area)
    assert found.ratio == pytest.approx(1)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_heat_inside_and_outside_is_all_the_heat(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heat, mask = HeatMap(rng.random((5, 5)).astype(np.float32), "gradcam"), rng.random((30, 40)) < 0.4
    assert heat_inside(heat, mask).heat + heat_inside(heat, ~mask).heat == pytest.approx(1)


def test_a_map_on_the_lesion_hits_it_and_one_beside_it_does_not() -> None:
    mask = square(32, 8, 24)
    on, beside = spot(5, 2), spot(1, 6)
    assert points_inside(on, mask)
    assert not points_inside(beside, mask)
    assert heat_inside(on, mask).heat > 0.9
    assert heat_inside(beside, mask).heat < 0.01
    assert overlap(on, square(40, 16, 8)) > 0.7
    assert overlap(beside, mask) < 0.1


def test_a_tolerance_forgives_a_near_miss() -> None:
    mask, near = square(32, 8, 16), spot(3, 2)  # its hottest pixel lies about 4 pixels above the lesion
    assert not points_inside(near, mask)
    assert points_inside(near, mask, tolerance=8)
    assert not points_inside(spot(0, 7), mask, tolerance=8)


def test_an_empty_map_points_nowhere_and_has_no_share() -> None:
    mask = square(0, 0, 32)
    assert not points_inside(EMPTY, mask)
    assert overlap(EMPTY, mask) == 0
    assert np.isnan(heat_inside(EMPTY, mask).heat)


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [(0, 0, "upper left"), (1, 4, "upper middle"), (4, 4, "middle"), (4, 7, "middle right"), (7, 7, "lower right")],
)
def test_the_hottest_place_is_said_in_words(row: int, column: int, said: str) -> None:
    assert hottest(spot(row, column)) == f"hottest in the {said} of the picture"


def test_an_empty_map_has_no_hot_place() -> None:
    assert hottest(HeatMap(np.zeros((8, 8), np.float32), "gradcam")) == "no place is hot"


def test_no_lesion_is_never_hit() -> None:
    nothing = np.zeros((64, 64), bool)
    assert not points_inside(EVEN, nothing, tolerance=100)
    assert overlap(EVEN, nothing) == 0


def test_a_mask_of_numbers_is_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"Received: uint8 \[64, 64\]"):
        heat_inside(EVEN, square(0, 0, 8).astype(np.uint8))


@pytest.mark.parametrize("resize", images.RESIZES)
def test_a_mask_is_fitted_as_its_image(resize: images.Resize) -> None:
    mask = np.zeros((60, 90), bool)
    mask[10:40, 30:70] = True
    picture = images.fit(mask.astype(np.uint8) * 255, 32, resize)
    fitted = fit_mask(mask, 32, resize)
    assert (fitted.shape, fitted.dtype) == ((32, 32), bool)
    assert fitted[picture == 255].all()
    assert not fitted[picture == 0].any()


def test_the_lung_estimate_is_rough_and_better_than_none() -> None:
    drawn = [phantom.draw(phantom.CLASSES[number % 4], number, size=96) for number in range(8)]
    dice = []
    for one in drawn:
        found = lung_estimate(one.image)
        assert (found.shape, found.dtype) == ((96, 96), bool)
        dice.append(2 * (found & one.lungs).sum() / (found.sum() + one.lungs.sum()))
    assert np.median(dice) > 0.75
    assert min(dice) > 0.5


@pytest.mark.parametrize("pixels", [np.zeros((40, 50), np.uint8), np.full((40, 50), 255, np.uint8)])
def test_the_lung_estimate_of_an_even_picture_is_where_lungs_usually_are(pixels: np.ndarray) -> None:
    found = lung_estimate(pixels)
    assert 0.3 < found.mean() < 0.6
    assert found[18, [14, 36]].all()
    assert not found[:3].any()
