"""The words follow the figures: a shortcut is claimed where the intervals show it, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from core.evaluation.intervals import Estimate
from core.runs.store import Run
from core.shortcuts import reading
from core.shortcuts.findings import CONDITIONS, Answers, Heat, Unmasked
from core.shortcuts.planting import Letter
from core.shortcuts.sets import Planted

CLASSES = ("covid", "normal")


def found(trained: int, absent: int, swapped: int, n: int = 50, heat: Heat | None = None) -> Unmasked:
    """A finding with so many right answers of `n` images a class, in either class."""
    planted = Planted("set-planted", "set-clean", "set", "covid", Letter(), 1.0, 0, 4 * n, 2 * n, 2 * n, {})
    right = dict(zip(CONDITIONS, (trained, absent, swapped), strict=True))
    answers = {name: Answers(name, CLASSES, "covid", np.array([[k, n - k], [n - k, k]])) for name, k in right.items()}
    return Unmasked(Run(Path("run")), planted, answers, heat, ())


@pytest.mark.parametrize(
    ("right", "verdict"),
    [((50, 25, 0), "relies"), ((49, 40, 35), "uses"), ((45, 45, 44), "not shown"), ((27, 25, 24), "nothing")],
)
def test_the_verdict_follows_the_intervals(right, verdict):
    assert reading.verdict(found(*right)) == verdict


def test_where_the_shortcut_was_not_learnt_the_page_says_so():
    assert "do not show that the network uses the letter" in reading.headline(found(45, 45, 44))
    assert "neither the disease nor the letter" in reading.headline(found(27, 25, 24))


def test_few_images_show_nothing():
    assert reading.verdict(found(2, 1, 1, n=2)) == "not shown"


def test_the_story_gives_counts_intervals_and_chance():
    first, second, third = reading.story(found(50, 25, 0))
    assert "100 of 100 test images" in first
    assert "reach 50.0 %" in first
    assert "(96.3–100.0)" in first
    assert "50.0 % (40.4–59.6)" in second
    assert "0.0 %" in third
    assert "50 of 100 are called “covid”" in third


def test_heat_is_told_beside_what_a_map_that_knows_nothing_reaches():
    heat = Heat(Estimate(0.61, 0.55, 0.66), Estimate(0.02, 0.01, 0.03), 0.015, 30, 2)
    text = reading.heat(found(50, 25, 0, heat=heat))
    assert "61.0 % (55.0–66.0)" in text
    assert "1.5 % of the picture" in text
    assert "2 maps of them empty" in text


def test_bars_stand_beside_those_of_the_network_without_the_marker():
    bars = reading.bars(found(50, 25, 0), found(45, 45, 45))
    assert list(bars) == ["trained with the marker", "trained without it"]
    assert [value for value, _, _ in bars["trained with the marker"]] == [1.0, 0.5, 0.0]
