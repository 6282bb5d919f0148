"""Reliability and temperature: laws of both, and known cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from core.errors import UnusableData
from core.evaluation.calibration import HIGHEST, LOWEST, calibration, fit_temperature, reliability, with_temperature
from core.evaluation.intervals import wilson
from core.evaluation.resampling import figures
from core.runs.store import PROBABILITY

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("error")

Case = tuple[np.ndarray, np.ndarray]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, classes = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    shares = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 0.5, 5]))), size=images)
    return rng.integers(0, classes, images), shares


def figure(name: str, labels: np.ndarray, shares: np.ndarray) -> float:
    return figures(labels, shares, np.ones((1, len(labels)), dtype=int), (name,))[name][0]


def well_calibrated(rng: np.random.Generator, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn with the probabilities that softmax(logits) gives them. Labels and logits."""
    logits = rng.normal(0, 2, (images, 3))
    return (softmax(logits, axis=1).cumsum(axis=1) > rng.random((images, 1))).argmax(axis=1), logits


@given(cases())
@LAWS
def test_the_error_over_the_bins_is_the_calibration_error_of_the_evaluation(case: Case) -> None:
    assert reliability(*case).ece == pytest.approx(figure("calibration_error", *case), abs=1e-12)


@given(cases(), st.sampled_from([10, 15]))
@LAWS
def test_bins_hold_every_image_and_confidences_of_their_own_range(case: Case, bins: int) -> None:
    found = reliability(*case, bins=bins)
    filled = found.count > 0
    assert found.count.sum() == len(case[0])
    assert (len(found.edges), len(found.count)) == (bins + 1, bins)
    assert (found.confidence[filled] >= found.edges[:-1][filled] - 1e-12).all()
    assert (found.confidence[filled] <= found.edges[1:][filled] + 1e-12).all()
    assert (found.low[filled] <= found.accuracy[filled]).all()
    assert (found.accuracy[filled] <= found.high[filled]).all()
    assert np.isnan([found.accuracy[~filled], found.confidence[~filled], found.low[~filled], found.high[~filled]]).all()


def test_a_bin_gives_its_share_with_wilson_s_bounds() -> None:
    labels, shares = np.array([0, 0, 0, 1]), np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.92, 0.08]])
    found = reliability(labels, shares, bins=10)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 1]  # a bin holds its upper edge
    assert found.confidence[5:].tolist() == pytest.approx([0.6, np.nan, np.nan, 0.9, 0.92], nan_ok=True)
    assert found.accuracy[[5, 8, 9]].tolist() == [1, 1, 0]
    assert (found.low[8], found.high[8]) == (wilson(2, 2).low, wilson(2, 2).high)
    assert found.ece == pytest.approx((0.4 + 2 * 0.1 + 0.92) / 4)


def test_reliability_of_no_image_is_undefined() -> None:
    found = reliability(np.empty(0, int), np.empty((0, 3)))
    assert np.isnan(found.ece)
    assert found.count.tolist() == [0] * 15


@given(cases())
@LAWS
def test_a_fitted_temperature_never_loses(case: Case) -> None:
    labels, shares = case
    temperature = fit_temperature(labels, shares)
    assert LOWEST <= temperature <= HIGHEST
    fitted = figure("loss", labels, with_temperature(shares, temperature))
    for other in (LOWEST, 0.3, 1.0, 3.0, HIGHEST):
        assert fitted <= figure("loss", labels, with_temperature(shares, other)) + 1e-6


@given(cases(), st.floats(LOWEST, HIGHEST))
@LAWS
def test_a_temperature_keeps_every_answer_and_1_keeps_every_probability(case: Case, temperature: float) -> None:
    _, shares = case
    scaled = with_temperature(shares, temperature)
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    np.testing.assert_allclose(scaled[np.arange(len(shares)), shares.argmax(axis=1)], scaled.max(axis=1))
    np.testing.assert_allclose(with_temperature(shares, 1.0), shares, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_spoiled_the_probabilities_is_found(temperature: float) -> None:
    labels, logits = well_calibrated(np.random.default_rng(0), 20_000)
    assert fit_temperature(labels, softmax(temperature * logits, axis=1)) == pytest.approx(temperature, rel=0.05)


def test_one_class_and_probabilities_that_are_all_alike_have_no_better_temperature_than_1() -> None:
    assert fit_temperature(np.zeros(3, int), np.ones((3, 1))) == 1
    assert fit_temperature(np.array([0, 1]), np.full((2, 2), 0.5)) == 1


def test_one_image_is_fitted_to_a_bound() -> None:
    assert fit_temperature(np.array([0]), np.array([[0.6, 0.4]])) == pytest.approx(LOWEST, rel=1e-3)  # surer is better
    assert fit_temperature(np.array([1]), np.array([[0.6, 0.4]])) == pytest.approx(HIGHEST, rel=1e-3)  # less sure is better


def table(labels: np.ndarray, shares: np.ndarray, split: np.ndarray) -> pd.DataFrame:
    rows = pd.DataFrame({"label": np.array(["a", "b", "c"])[labels], "patient_id": "", "split": split})
    return rows.assign(**{PROBABILITY + name: shares[:, number] for number, name in enumerate("abc")})


def test_too_certain_a_network_is_mended_on_the_test_part_by_what_validation_says() -> None:
    labels, logits = well_calibrated(np.random.default_rng(1), 6_000)
    shares, split = softmax(3 * logits, axis=1), np.repeat(["validation", "test"], [2_000, 4_000])
    found = calibration(table(labels, shares, split), ("a", "b", "c"))
    assert found.temperature == pytest.approx(3, rel=0.1)
    assert (found.fitted_on, found.tested_on) == (2_000, 4_000)
    assert found.loss_before == pytest.approx(figure("loss", labels[2_000:], shares[2_000:]))
    assert found.loss_after < found.loss_before - 0.1
    assert found.ece_after < 0.03 < 0.1 < found.ece_before
    assert found.before.count.sum() == found.after.count.sum() == 4_000


def test_the_test_part_has_no_say_in_the_temperature() -> None:
    labels, logits = well_calibrated(np.random.default_rng(2), 300)
    shares, split = softmax(2 * logits, axis=1), np.repeat(["validation", "test"], [200, 100])
    shuffled = np.concatenate([labels[:200], labels[200:][::-1]])
    first, second = (calibration(table(each, shares, split), ("a", "b", "c")) for each in (labels, shuffled))
    assert first.temperature == second.temperature
    assert first.loss_after != second.loss_after


def test_without_validation_images_nothing_is_fitted() -> None:
    labels, logits = well_calibrated(np.random.default_rng(3), 10)
    with pytest.raises(UnusableData, match="of the validation part"):
        calibration(table(labels, softmax(logits, axis=1), np.full(10, "test")), ("a", "b", "c"))
