"""What no chest X-ray shows is found in the picture alone, and X-rays as they are pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import images, phantom
from core.data.plausibility import COLOURFUL, SMALLEST, brightness_order, colourfulness, findings


@pytest.fixture(scope="module")
def chest() -> np.ndarray:
    return phantom.draw("Normal", 0, size=128).image


def names(pixels: np.ndarray, colour: float = 0.0) -> list[str]:
    return [finding.name for finding in findings(pixels, colour)]


def tinted(chest: np.ndarray, *gammas: float) -> np.ndarray:
    return np.stack([255 * (chest / 255.0) ** gamma for gamma in gammas], axis=2).astype(np.uint8)


def test_nothing_speaks_against_phantom_chests() -> None:
    assert not any(findings(phantom.draw(label, patient, size=64).image) for patient, label in enumerate(phantom.CLASSES * 5))


@pytest.mark.parametrize("turned", [False, True], ids=["as they are", "inverted"])
def test_real_x_rays_pass_and_their_negatives_are_found(real_data: Path, turned: bool) -> None:
    for file in sorted((real_data / "darkcovidnet-384").glob("*/*.jpg"))[::25]:
        pixels = images.read(file).pixels
        assert names(255 - pixels if turned else pixels) == (["inverted"] if turned else []), file.name


def test_a_negative_is_found(chest: np.ndarray) -> None:
    assert names(255 - chest) == ["inverted"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(0.3, 1), st.integers(0, 60))
def test_exposure_and_contrast_do_not_turn_the_greys_over(contrast: float, offset: int) -> None:
    chest = phantom.draw("Normal", 1, size=64).image
    changed = (chest * contrast * (1 - offset / 255) + offset).astype(np.uint8)
    assert brightness_order(changed) == pytest.approx(brightness_order(chest), abs=0.1)
    assert brightness_order(255 - changed) == pytest.approx(-brightness_order(changed), abs=0.02)


@pytest.mark.parametrize("level", [0, 127, 255])
def test_a_blank_picture_is_found_and_has_no_order(level: int) -> None:
    blank = np.full((100, 80), level, np.uint8)
    assert names(blank) == ["blank"]
    assert brightness_order(blank) == 0


def test_faint_noise_is_as_good_as_blank() -> None:
    noise = np.random.default_rng(0).normal(90, 3, (200, 200))
    assert names(noise.astype(np.uint8)) == ["blank"]


def test_the_smallest_size_passes_and_one_pixel_less_does_not(chest: np.ndarray) -> None:
    assert names(images.fit(chest, SMALLEST)) == []
    assert names(images.fit(chest, SMALLEST)[:-1]) == ["tiny"]


def test_one_pixel_is_named_for_all_that_it_lacks() -> None:
    assert names(np.zeros((1, 1), np.uint8)) == ["tiny", "blank"]


def test_colours_beyond_the_limit_are_found(chest: np.ndarray) -> None:
    assert names(chest, COLOURFUL) == []
    assert names(chest, COLOURFUL + 0.1) == ["colour"]


def test_greys_have_no_colour(chest: np.ndarray) -> None:
    assert colourfulness(np.repeat(chest[..., None], 3, axis=2)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("gammas", [(0.8, 1.0, 1.3), (1.3, 1.0, 0.7)], ids=["sepia", "blue"])
def test_a_tint_is_no_colour(chest: np.ndarray, gammas: tuple[float, ...]) -> None:
    assert colourfulness(tinted(chest, *gammas)) < COLOURFUL


def test_coloured_marks_on_an_x_ray_are_no_colour(chest: np.ndarray) -> None:
    marked = tinted(chest, 1, 1, 1)
    marked[5:20, 10:60] = (255, 0, 0)
    assert colourfulness(marked) < COLOURFUL


def test_a_picture_of_many_colours_is_colourful() -> None:
    hues = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert colourfulness(hues) > 5 * COLOURFUL


def test_every_finding_says_so_in_sentences() -> None:
    picture = np.zeros((5, 5), np.uint8)
    assert [finding.name for finding in findings(picture, 99)] == ["tiny", "colour", "blank"]
    assert all(finding.sentence.endswith(".") and finding.sentence[0].isupper() for finding in findings(picture, 99))
