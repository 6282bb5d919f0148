"""Intervals: known values, and laws that hold for every count."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.intervals import (
    CHUNK_CELLS,
    RESAMPLES,
    Estimate,
    Spread,
    groups_of,
    percentile_interval,
    student,
    weight_chunks,
    wilson,
)

LAWS = settings(max_examples=40, deadline=None, derandomize=True)


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


def drawn(groups: np.ndarray, **settings: int) -> np.ndarray:
    return np.concatenate(list(weight_chunks(groups, **settings)))


def test_resamples_are_the_same_every_time_and_differ_by_seed() -> None:
    groups = np.array([0, 1, 1, 2])
    np.testing.assert_array_equal(drawn(groups), drawn(groups))
    assert (drawn(groups, seed=1) != drawn(groups)).any()


def test_drawing_resamples_leaves_the_global_generator_alone() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    drawn(np.arange(5))
    assert np.random.random() == expected


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
@settings(LAWS, max_examples=25)
def test_each_resample_draws_as_many_groups_as_there_are_and_whole_ones(draws: list[int]) -> None:
    groups, first = np.unique(draws, return_inverse=True)[1], np.unique(draws, return_index=True)[1]
    weights = drawn(groups)
    assert weights.shape == (RESAMPLES, len(draws))
    assert (weights >= 0).all()
    np.testing.assert_array_equal(weights, weights[:, first][:, groups])  # the images of a group count alike
    assert (weights[:, first].sum(axis=1) == len(first)).all()


def test_each_image_is_drawn_once_on_average_and_as_poisson_would_vary() -> None:
    weights = drawn(np.arange(500))
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.12)  # 5 standard errors of 2,000 draws
    assert weights.var() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("images", "resamples"), [(CHUNK_CELLS + 1, 2), (CHUNK_CELLS // 2, 3), (10, 5)])
def test_chunks_are_small_and_together_make_all_resamples(images: int, resamples: int) -> None:
    chunks = [weights.shape for weights in weight_chunks(np.arange(images), resamples=resamples)]
    assert sum(size for size, _ in chunks) == resamples
    assert all(size * images <= max(CHUNK_CELLS, images) for size, _ in chunks)


def test_images_of_unknown_patients_count_one_by_one() -> None:
    groups, known = groups_of(np.array(["p", "", "p", "", "image 1"]), 5)
    assert known == 2
    assert len(set(groups.tolist())) == 4
    assert groups[0] == groups[2]
    for nobody in (None, np.array(["", ""])):
        groups, known = groups_of(nobody, 2)
        assert (groups.tolist(), known) == ([0, 1], None)


def test_the_interval_holds_the_middle_95_percent() -> None:
    assert percentile_interval(0.5, np.arange(1001) / 1000) == Estimate(0.5, pytest.approx(0.025), pytest.approx(0.975))


def test_undefined_resamples_are_left_out() -> None:
    assert percentile_interval(0.5, np.array([np.nan, 0.25, 0.25, np.nan])) == Estimate(0.5, 0.25, 0.25)
    assert percentile_interval(0.5, np.full(4, np.nan)).to_json() == {"value": 0.5, "low": None, "high": None}
    assert percentile_interval(np.nan, np.ones(4)).to_json() == {"value": None, "low": None, "high": None}


def test_several_runs_have_a_mean_and_a_sample_deviation() -> None:
    spread = Spread.of([0.83, 0.85, 0.84, 0.86, 0.825])
    assert (spread.mean, spread.deviation) == (pytest.approx(0.841), pytest.approx(np.std([0.83, 0.85, 0.84, 0.86, 0.825], ddof=1)))
    assert spread.text == "84.1 % ± 1.4 (5 runs)"
    assert Spread.of([0.5, 0.5]).text == "50.0 % ± 0.0 (2 runs)"


def test_a_single_run_has_no_spread() -> None:
    spread = Spread.of([0.841])
    assert (spread.mean, spread.deviation, spread.runs, spread.text) == (0.841, None, 1, "84.1 % (1 run)")


def test_student_s_interval_is_that_of_the_textbook() -> None:
    """Student's own example of 1908, differences in hours of sleep: mean 1.58, deviation 1.23 with the divisor n − 1, t(9) = 2.262."""
    found = student([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert (found.value, found.low, found.high) == (pytest.approx(1.58), pytest.approx(0.7001, abs=1e-3), pytest.approx(2.4599, abs=1e-3))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(-5, 5), st.floats(0.1, 10))
@LAWS
def test_student_s_interval_moves_and_stretches_with_its_values(values: list[float], shift: float, scale: float) -> None:
    one, other = student(values), student([shift + scale * value for value in values])
    assert one.low <= one.value <= one.high
    assert (other.low, other.high) == (pytest.approx(shift + scale * one.low, abs=1e-6), pytest.approx(shift + scale * one.high, abs=1e-6))


@pytest.mark.parametrize("seeds", [2, 5])
def test_19_of_20_student_intervals_hold_the_true_mean(seeds: int) -> None:
    trials = np.random.default_rng(0).normal(0.8, 0.02, size=(2_000, seeds)).tolist()
    assert 0.935 <= np.mean([found.low <= 0.8 <= found.high for found in map(student, trials)]) <= 0.965


def bootstrapped(right: np.ndarray, groups: np.ndarray, resamples: int = RESAMPLES) -> Estimate:
    shares = [weights @ right / weights.sum(axis=1) for weights in weight_chunks(groups, resamples=resamples)]
    return percentile_interval(right.mean(), np.concatenate(shares))


def test_19_of_20_intervals_hold_the_true_accuracy() -> None:
    """1,000 test sets of 200 images, true accuracy 0.8. An interval depends on the count of right answers alone, so each is made once."""
    images, accuracy = 200, 0.8
    by_resampling = cache(lambda hits: bootstrapped(np.arange(images) < hits, np.arange(images)))
    by_formula = cache(lambda hits: wilson(hits, images))
    trials = np.random.default_rng(0).binomial(images, accuracy, size=1_000).tolist()
    for interval in (by_resampling, by_formula):
        covered = [interval(hits).low <= accuracy <= interval(hits).high for hits in trials]
        assert 0.93 <= np.mean(covered) <= 0.97


def test_intervals_by_patient_cover_where_images_of_a_patient_agree_and_those_by_image_do_not() -> None:
    """400 test sets of 100 patients with 1 to 6 images each; seven in ten images go as their patient goes. True accuracy 0.8."""
    rng, covered = np.random.default_rng(1), {"patient": 0, "image": 0}
    for _ in range(400):
        groups = np.repeat(np.arange(100), rng.integers(1, 7, size=100))
        own = rng.random(len(groups)) < 0.3
        right = np.where(own, rng.random(len(groups)) < 0.8, (rng.random(100) < 0.8)[groups])
        for unit, drawn_by in (("patient", groups), ("image", np.arange(len(groups)))):
            found = bootstrapped(right, drawn_by, resamples=400)
            covered[unit] += found.low <= 0.8 <= found.high
    assert 0.92 <= covered["patient"] / 400 <= 0.98
    assert covered["image"] / 400 < 0.88
