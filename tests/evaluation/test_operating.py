"""One class against the rest: curves, counts at a threshold, predictive values at another prevalence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from core.evaluation.intervals import wilson
from core.evaluation.operating import at_prevalence, operating_point, precision_recall, roc, youden_threshold
from core.evaluation.resampling import figures

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("error")

Case = tuple[np.ndarray, np.ndarray]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Labels of which both kinds are there, and scores with ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images = draw(st.integers(2, 40))
    labels = rng.random(images) < 0.4
    labels[:2] = True, False
    return labels, rng.integers(0, draw(st.sampled_from([2, 5, 1000])) + 1, images) / 1000


@given(cases())
@LAWS
def test_areas_are_those_of_the_evaluation(case: Case) -> None:
    labels, scores = case
    found = figures(
        labels.astype(int),
        np.column_stack([1 - scores, scores]),
        np.ones((1, len(labels)), dtype=int),
        ("class_roc_auc", "class_average_precision"),
    )
    assert roc(labels, scores).area == pytest.approx(found["class_roc_auc"][0, 1])
    assert precision_recall(labels, scores).area == pytest.approx(found["class_average_precision"][0, 1])


@given(cases())
@LAWS
def test_each_point_of_a_curve_is_what_its_threshold_does(case: Case) -> None:
    labels, scores = case
    for curve, shares in ((roc(*case), ("specificity", "sensitivity")), (precision_recall(*case), ("sensitivity", "ppv"))):
        assert len(curve.x) == len(curve.y) == len(curve.thresholds)
        assert (np.diff(curve.x) >= 0).all()
        assert (np.diff(curve.thresholds) < 0).all()
        for x, y, threshold in list(zip(curve.x, curve.y, curve.thresholds, strict=True))[1:]:
            point = operating_point(labels, scores, threshold)
            first, second = (getattr(point, share).value for share in shares)
            assert (x, y) == pytest.approx((1 - first if shares[0] == "specificity" else first, second))


@pytest.mark.parametrize("labels", [np.ones(3, bool), np.zeros(3, bool)])
def test_one_class_alone_has_no_curve_and_no_threshold(labels: np.ndarray) -> None:
    for curve in (roc(labels, np.arange(3)), precision_recall(labels, np.arange(3))):
        assert not curve.defined
        assert (len(curve.x), len(curve.y), len(curve.thresholds)) == (0, 0, 0)
        assert np.isnan(curve.area)
    assert np.isnan(youden_threshold(labels, np.arange(3)))


def test_a_threshold_that_is_reached_calls_the_image() -> None:
    labels, scores = np.array([1, 1, 0, 0, 0], bool), np.array([0.9, 0.4, 0.5, 0.1, 0.2])
    point = operating_point(labels, scores, 0.5)
    assert (point.true_positives, point.false_positives, point.false_negatives, point.true_negatives) == (1, 1, 1, 2)
    assert point.sensitivity == point.ppv == wilson(1, 2)
    assert point.specificity == point.npv == wilson(2, 3)


def test_what_is_not_counted_is_undefined() -> None:
    point = operating_point(np.array([True, True]), np.array([0.1, 0.2]), 0.5)
    assert (point.sensitivity.value, point.npv.value) == (0, 0)
    assert np.isnan([point.specificity.value, point.ppv.value]).all()


def test_predictive_values_follow_altman_and_bland() -> None:
    """BMJ 1994;309:102: 231 of 258 abnormal and 54 of 86 normal scans right; prevalence 0.75, then 0.25."""
    sensitivity, specificity = 231 / 258, 54 / 86
    assert at_prevalence(sensitivity, specificity, 258 / 344) == pytest.approx((231 / 263, 54 / 81))
    assert [round(share, 2) for share in at_prevalence(sensitivity, specificity, 0.25)] == [0.45, 0.95]


@given(st.tuples(*[st.integers(1, 1000)] * 4))
@LAWS
def test_at_the_prevalence_of_the_set_itself_predictive_values_are_those_counted(counts: tuple[int, int, int, int]) -> None:
    tp, fp, fn, tn = counts
    found = at_prevalence(tp / (tp + fn), tn / (tn + fp), (tp + fn) / sum(counts))
    assert found == pytest.approx((tp / (tp + fp), tn / (tn + fn)))


def test_a_rare_disease_makes_most_alarms_false_and_impossible_cases_are_undefined() -> None:
    assert at_prevalence(0.95, 0.95, 0.01)[0] == pytest.approx(0.161, abs=5e-4)
    assert at_prevalence(0.9, 0.9, 0.0) == (0, 1)
    assert at_prevalence(0.9, 0.9, 1.0) == (1, 0)
    assert np.isnan(at_prevalence(0.0, 1.0, 0.5)[0])  # nobody is called


@pytest.mark.parametrize("prevalence", [-0.1, 10, float("nan")])
def test_a_prevalence_is_a_share(prevalence: float) -> None:
    with pytest.raises(InvalidSpec, match=f"A prevalence is a share between 0 and 1. Received: {prevalence}"):
        at_prevalence(0.9, 0.9, prevalence)


@given(cases())
@LAWS
def test_no_score_is_a_better_threshold_than_youden_s(case: Case) -> None:
    labels, scores = case

    def index(threshold: float) -> float:
        point = operating_point(labels, scores, threshold)
        return point.sensitivity.value + point.specificity.value - 1

    chosen = youden_threshold(labels, scores)
    assert chosen in scores
    best = max(map(index, scores))
    assert index(chosen) == pytest.approx(best)
    assert chosen == max(score for score in scores if index(score) == pytest.approx(best))
