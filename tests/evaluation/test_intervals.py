"""Intervals: known values, and laws that hold for every count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.intervals import RESAMPLES, Estimate, bootstrap_weights, percentile_interval, wilson

LAWS = settings(max_examples=200, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe 1998, Table I, method 3; the last by hand: for no success of n the bounds are 0 and z² / (n + z²)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718), (0, 10, 0.0, 0.2775)],
)
def test_wilson_gives_the_published_bounds(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert found.value == successes / trials
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_a_share_of_nothing_is_undefined() -> None:
    assert wilson(0, 0).to_json() == {"value": None, "low": None, "high": None}


@given(st.integers(1, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
@LAWS
def test_wilson_holds_its_value_within_0_and_1(counts: tuple[int, int]) -> None:
    found = wilson(*counts)
    assert 0 <= found.low <= found.value <= found.high <= 1
    mirrored = wilson(counts[1] - counts[0], counts[1])
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-12)


@given(successes=st.integers(0, 200), failures=st.integers(0, 200), more=st.integers(2, 50))
@LAWS
def test_more_images_narrow_the_interval(successes: int, failures: int, more: int) -> None:
    few, many = wilson(successes, successes + failures + 1), wilson(successes * more, (successes + failures + 1) * more)
    assert many.high - many.low < few.high - few.low


def test_resamples_are_the_same_every_time_and_differ_by_seed() -> None:
    groups = np.array([0, 1, 1, 2])
    np.testing.assert_array_equal(bootstrap_weights(groups), bootstrap_weights(groups))
    assert (bootstrap_weights(groups, seed=1) != bootstrap_weights(groups)).any()


def test_drawing_resamples_leaves_the_global_generator_alone() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    bootstrap_weights(np.arange(5))
    assert np.random.random() == expected


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
@settings(LAWS, max_examples=25)
def test_each_resample_draws_as_many_groups_as_there_are(draws: list[int]) -> None:
    groups = np.unique(draws, return_inverse=True)[1]
    weights = bootstrap_weights(groups)
    assert weights.shape == (RESAMPLES, groups.max() + 1)
    assert (weights.sum(axis=1) == groups.max() + 1).all()
    assert (weights >= 0).all()


def test_the_interval_holds_the_middle_95_percent() -> None:
    assert percentile_interval(0.5, np.arange(1001) / 1000) == Estimate(0.5, pytest.approx(0.025), pytest.approx(0.975))


def test_undefined_resamples_are_left_out() -> None:
    assert percentile_interval(0.5, np.array([np.nan, 0.25, 0.25, np.nan])) == Estimate(0.5, 0.25, 0.25)
    assert percentile_interval(0.5, np.full(4, np.nan)).to_json() == {"value": 0.5, "low": None, "high": None}
    assert percentile_interval(np.nan, np.ones(4)).to_json() == {"value": None, "low": None, "high": None}
