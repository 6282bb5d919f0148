"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import wording


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "unknown"),
        (0, "under a second"),
        (0.99, "under a second"),
        (1, "about 1 s"),
        (89, "about 89 s"),
        (90, "about 2 min"),
        (240, "about 4 min"),
        (89 * 60, "about 89 min"),
        (90 * 60, "about 1.5 h"),
        (35.9 * 3600, "about 35.9 h"),
        (36 * 3600, "about 1.5 days"),
    ],
)
def test_a_duration_has_the_unit_a_person_would_choose(seconds: float | None, words: str) -> None:
    assert wording.duration(seconds) == words


@given(st.floats(0, 1e9))
def test_a_duration_is_never_said_with_more_than_three_digits_below_a_hundred_days(seconds: float) -> None:
    number = wording.duration(seconds).split()[1]
    assert seconds < 1 or seconds >= 100 * 86400 or float(number) < 100


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 kB"), (1, "1 kB"), (2_999, "3 kB"), (14_922_683, "15 MB"), (999_999_999, "1,000 MB"), (64e9, "64.0 GB")],
)
def test_bytes_have_the_unit_a_person_would_choose(number: int, words: str) -> None:
    assert wording.size(number) == words


def test_shares_are_percentages_with_one_decimal() -> None:
    assert wording.percent(0.8702) == "87.0 %"
    assert wording.percent(1) == "100.0 %"
    assert wording.percent_interval(0.87, 0.821, 0.912) == "87.0 % (82.1–91.2)"


def test_a_loss_is_no_percentage_and_an_undefined_figure_says_so() -> None:
    assert wording.figure("loss", 0.12345) == "0.123"
    assert wording.figure("accuracy", 0.5) == "50.0 %"
    assert wording.figure("accuracy", float("nan")) == wording.figure("loss", float("nan")) == "undefined"


def test_counts_have_a_plural_and_thousands() -> None:
    assert wording.count(1, "image") == "1 image"
    assert wording.count(0, "image") == "0 images"
    assert wording.count(1124, "image") == "1,124 images"
    assert wording.count(2, "class", "classes") == "2 classes"
    assert wording.count(1, "class", "classes") == "1 class"


def test_an_unknown_count_is_called_unknown_and_zero_is_not() -> None:
    assert wording.unknown(None) == "unknown"
    assert wording.unknown(0) == "0"
    assert wording.unknown(21_165) == "21,165"


def test_a_moment_is_told_to_the_minute_and_none_is_empty() -> None:
    assert wording.moment(datetime(2024, 3, 9, 7, 5, 59).timestamp()) == "09 Mar 2024 07:05"
    assert wording.moment(None) == ""


@pytest.mark.parametrize(("number", "text"), [(999, "999"), (62_271, "62.3 k"), (11_178_051, "11.2 M"), (1.82e9, "1.82 G")])
def test_large_numbers_are_shortened_to_three_digits(number: float, text: str) -> None:
    assert wording.short(number) == text


def test_a_long_list_names_its_first_things_and_counts_the_others():
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b", "c"]) == "a; b; c"
    assert wording.listed(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"
