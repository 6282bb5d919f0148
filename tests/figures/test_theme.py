"""Colours: stable, told apart by colour-blind people, and seen on both themes; axes with ticks that say numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

from core import figures
from core.figures import theme

LAWS = settings(max_examples=50, deadline=None, derandomize=True)
NAMES = st.lists(st.text("abcdef", min_size=1), unique=True, max_size=8)
BACKGROUNDS = ("#ffffff", "#0f171c")
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
EASY = 13  # CIEDE2000 that thin lines and small marks are told apart by; 1 is just seen on large areas side by side
"""Machado, Oliveira & Fernandes 2009, severity 1; on linear RGB."""


def linear(colours: tuple[str, ...]) -> np.ndarray:
    """Linear RGB in [0, 1]. float [colours, 3]"""
    share = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def differences(one: tuple[str, ...], other: tuple[str, ...], sight: str) -> np.ndarray:
    """CIEDE2000 of every pair, as people with this sight see them. float [one, other]"""
    seen = [np.clip(linear(colours) @ np.transpose(SIGHT[sight]), 0, 1) for colours in (one, other)]
    lab = [rgb2lab(np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)) for value in seen]
    return deltaE_ciede2000(lab[0][:, None], lab[1][None])


@given(NAMES.flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
@LAWS
def test_a_class_has_one_colour_in_any_order(case: tuple[list[str], list[str]]) -> None:
    names, shuffled = case
    colours = figures.class_colours(names)
    assert colours == figures.class_colours(shuffled)
    assert len(set(colours.values())) == len(names)


def test_more_classes_than_colours_start_over() -> None:
    assert set(figures.class_colours([f"{i:02}" for i in range(20)]).values()) == set(figures.PALETTE)


@given(NAMES, NAMES)
@LAWS
def test_a_run_keeps_its_colour_when_others_are_added(first: list[str], more: list[str]) -> None:
    before, after = figures.run_colours(first), figures.run_colours(first + more)
    assert after | before == after
    assert list(after) == list(dict.fromkeys(first + more))


def test_ten_runs_have_ten_colours_and_the_eleventh_starts_over() -> None:
    colours = list(figures.run_colours([str(number) for number in range(11)]).values())
    assert len(set(colours[:10])) == 10
    assert colours[10] == colours[0]


def least(palette: tuple[str, ...], sight: str) -> float:
    found = differences(palette, palette, sight)
    return min(found[pair] for pair in itertools.combinations(range(len(palette)), 2))


@pytest.mark.parametrize(("sight", "bound"), [("normal", 18), ("protanopia", 13), ("deuteranopia", 13), ("tritanopia", 6)])
def test_runs_are_told_apart_by_colour_blind_people(sight: str, bound: float) -> None:
    assert least(theme.RUNS, sight) >= bound


@pytest.mark.parametrize(("sight", "bound"), [("normal", 17), ("protanopia", 12), ("deuteranopia", 12), ("tritanopia", 10)])
def test_classes_are_told_apart_by_colour_blind_people(sight: str, bound: float) -> None:
    assert least(theme.PALETTE, sight) >= bound


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("colours", [tuple(theme.PARTS.values()), (theme.TRAINING, theme.VALIDATION, theme.BEST)], ids=["parts", "curves"])
def test_parts_and_curves_are_told_apart_by_colour_blind_people(colours: tuple[str, ...], sight: str) -> None:
    assert least(colours, sight) > 11


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("palette", [theme.PALETTE, theme.RUNS], ids=["classes", "runs"])
def test_where_colours_do_not_suffice_lines_have_different_dashes(palette: tuple[str, ...], sight: str) -> None:
    found = differences(palette, palette, sight)
    alike = [(palette[a], palette[b]) for a, b in itertools.combinations(range(len(palette)), 2) if found[a, b] < EASY]
    assert [pair for pair in alike if theme.DASH[pair[0]] == theme.DASH[pair[1]]] == []


def test_some_colours_do_need_their_dash() -> None:
    assert least(theme.RUNS, "tritanopia") < EASY


def test_lines_of_classes_and_runs_wear_the_dash_of_their_colour() -> None:
    names = ["a", "b", "c"]
    line = ([0.0, 1.0], [0.0, 1.0])
    runs = [figures.Series(name, colour, *line) for name, colour in figures.run_colours(names).items()]
    for figure in (
        figures.roc(dict.fromkeys(names, line)),
        figures.precision_recall(dict.fromkeys(names, line)),
        figures.greys(np.ones((3, 4)), names),
        figures.overlay(runs),
        figures.lines(dict.fromkeys(names, line), "x", "y"),
    ):
        drawn = {trace.name: trace.line.dash for trace in figure.data if trace.name in names}
        assert list(drawn.values()) == ["solid", "dash", "dot"]


def test_no_run_looks_like_a_class() -> None:
    assert differences(theme.RUNS, theme.PALETTE, "normal").min() > 9


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_lines_are_seen_on_both_themes(background: str) -> None:
    weights = [0.2126, 0.7152, 0.0722]
    own = (*theme.RUNS, *theme.PALETTE, theme.TRAINING, theme.VALIDATION, theme.BEST, theme.REFERENCE)
    lines, behind = linear(own) @ weights + 0.05, linear((background,)) @ weights + 0.05
    assert (np.maximum(lines, behind) / np.minimum(lines, behind)).min() > 2.2


@given(st.floats(-6, 9), st.floats(0.05, 8))
@LAWS
def test_a_logarithmic_axis_has_few_ticks_and_at_least_three_within_its_values(start: float, decades: float) -> None:
    low, high = 10**start, 10 ** (start + decades)
    ticks = np.array(theme.log_axis([low, None, np.nan, 0.0, high])["tickvals"])
    inside = (ticks >= low) & (ticks <= high)
    assert 3 <= inside.sum() <= 12


def test_an_axis_of_nothing_has_no_ticks_of_its_own() -> None:
    assert theme.log_axis([]) == theme.log_axis([None, 0.0, -1.0]) == {"type": "log"}


@pytest.mark.parametrize(("epochs", "step"), [(1, 1), (6, 1), (8, 2), (30, 5), (50, 10), (100, 20), (1_000, 200)])
def test_epochs_have_few_whole_ticks(epochs: int, step: int) -> None:
    assert theme.epoch_axis(epochs)["dtick"] == step
