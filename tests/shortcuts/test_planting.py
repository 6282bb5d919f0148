"""Markers on arrays: where they stand, what they leave alone, and what they refuse."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec, UnknownName
from core.shortcuts import planting
from core.shortcuts.planting import CORNERS, MARKERS, Border, Exposure, Letter

markers = st.one_of(
    st.builds(Letter, st.sampled_from("RLA7"), st.sampled_from(CORNERS), st.floats(0.05, 0.3)),
    st.builds(Border, st.floats(0.01, 0.2), st.integers(0, 255)),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(markers, st.integers(64, 200), st.integers(64, 200), st.integers(0, 2**32 - 1))
def test_nothing_changes_outside_the_place_of_a_marker(marker, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    before = pixels.copy()
    planted, place = planting.plant(pixels, marker), planting.place(pixels.shape, marker)
    assert (planted[~place] == pixels[~place]).all()
    assert (planted[place] != pixels[place]).any()
    assert (pixels == before).all()
    assert planted.dtype == np.uint8


@pytest.mark.parametrize("corner", CORNERS)
def test_a_letter_stands_in_its_corner_and_is_as_high_as_asked(corner):
    place = planting.place((200, 300), Letter("R", corner, 0.2))
    rows, columns = np.nonzero(place)
    assert 40 <= np.ptp(rows) + 1 <= 48  # the letter and its rim
    assert (rows.mean() < 100) == corner.startswith("top")
    assert (columns.mean() < 150) == corner.endswith("left")


def test_a_letter_is_seen_on_black_and_on_white():
    for ground in (0, 255):
        planted = planting.plant(np.full((100, 100), ground, np.uint8), Letter())
        assert np.ptp(planted[planting.place(planted.shape, Letter())]) == 255


def test_an_exposure_multiplies_greys_and_stops_at_white():
    assert planting.plant(np.array([[0, 100, 250]], np.uint8), Exposure(1.5)).tolist() == [[0, 150, 255]]
    assert planting.place((4, 5), Exposure()).all()


@pytest.mark.parametrize("marker", [Letter("L", "bottom right", 0.1), Border(0.1, 7), Exposure(0.8)])
def test_a_marker_survives_json(marker):
    assert planting.from_json(json.loads(json.dumps(planting.to_json(marker)))) == marker


@pytest.mark.parametrize(
    "make",
    [
        lambda: Letter("Ω"),
        lambda: Letter(""),
        lambda: Letter(corner="middle"),
        lambda: Letter(size=0.9),
        lambda: Border(0.5),
        lambda: Border(grey=300),
        lambda: Exposure(1.0),
        lambda: planting.from_json({"kind": "letter", "grey": 3}),
    ],
)
def test_what_cannot_be_planted_is_refused(make):
    with pytest.raises(InvalidSpec):
        make()


def test_an_unknown_marker_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="letter"):
        planting.from_json({"kind": "lettre"})
    assert set(MARKERS) == set(planting.TITLES)
