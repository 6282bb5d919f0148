"""Figures under weights equal scikit-learn's on the repeated rows; resamples are the same for everyone who asks."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from core.evaluation.intervals import CHUNK_CELLS, weight_chunks
from core.evaluation.resampling import (
    AVERAGE_FIGURES,
    AVERAGED,
    AVERAGES,
    BINS,
    CLASS_FIGURES,
    FIGURES,
    confidence_bins,
    figures,
    resampled,
)

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
EVERY = tuple(dict.fromkeys(FIGURES + AVERAGE_FIGURES + CLASS_FIGURES))
pytestmark = pytest.mark.filterwarnings("error")

Case = tuple[np.ndarray, np.ndarray]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Labels and probabilities of a random model; classes may be absent, and probabilities in tenths or halves give many ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    shares = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 0.5, 5]))), size=images)
    steps = draw(st.sampled_from([0, 2, 10]))
    if steps:
        shares = rng.multinomial(steps, shares) / steps
    return rng.integers(0, draw(st.integers(1, classes)), images), shares


def expected(labels: np.ndarray, shares: np.ndarray) -> dict[str, float | list[float]]:
    """Every figure by scikit-learn, one call at a time; NaN where the project calls it undefined."""
    predicted, numbers, present = shares.argmax(axis=1), list(range(shares.shape[1])), sorted(set(labels.tolist()))
    one, called = np.eye(len(numbers), dtype=bool)[labels], np.eye(len(numbers), dtype=bool)[predicted]
    # warnings are about absent classes, which the figures rightly leave out
    with warnings.catch_warnings(action="ignore"), sklearn.config_context(skip_parameter_validation=True):
        several = len(present) > 1
        areas = [reference.roc_auc_score(one[:, c], shares[:, c]) if several and c in present else np.nan for c in numbers]
        precisions = [reference.average_precision_score(one[:, c], shares[:, c]) if several and c in present else np.nan for c in numbers]
        specificities = [reference.recall_score(~one[:, c], ~called[:, c], zero_division=np.nan) for c in present]
        found = {
            "accuracy": reference.accuracy_score(labels, predicted),
            "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
            "mcc": reference.matthews_corrcoef(labels, predicted),
            "kappa": reference.cohen_kappa_score(labels, predicted),
            "roc_auc": np.mean([areas[c] for c in present]),
            "average_precision": np.mean([precisions[c] for c in present]),
            "loss": reference.log_loss(labels, shares, labels=numbers),
            "brier": reference.brier_score_loss(labels, shares, labels=numbers, scale_by_half=False),
            "calibration_error": calibration_error(labels, shares),
            "class_f1": [reference.f1_score(one[:, c], called[:, c], zero_division=np.nan) for c in numbers],
            "class_roc_auc": areas,
            "class_average_precision": precisions,
        }
        for average in AVERAGES:
            which = numbers if average == "micro" else present
            values = reference.precision_recall_fscore_support(labels, predicted, labels=which, average=average, zero_division=0)
            found |= {f"{average}_{metric}": value for metric, value in zip(("precision", "sensitivity", "f1"), values[:3], strict=True)}
        found["macro_specificity"] = np.mean(specificities)
        found["weighted_specificity"] = np.average(specificities, weights=np.bincount(labels)[present])
        found["micro_specificity"] = reference.recall_score(~one.ravel(), ~called.ravel())
    return found


def calibration_error(labels: np.ndarray, shares: np.ndarray) -> float:
    """Guo et al. 2017, equation 3, bin by bin; scikit-learn has none."""
    confidence, correct, error = shares.max(axis=1), shares.argmax(axis=1) == labels, 0.0
    for low, high in pairwise(np.linspace(0, 1, 16)):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return error


@given(cases(), st.integers(0, 2**32 - 1))
@LAWS
def test_weighted_figures_equal_scikit_learn_s_on_the_repeated_rows(case: Case, seed: int) -> None:
    labels, shares = case
    weights = np.random.default_rng(seed).integers(0, 4, size=(2, len(labels)))
    weights[0] = 1  # the plain figures
    weights[:, 0] += 1  # no resample is empty
    found = figures(labels, shares, weights, EVERY)
    for draw, repeats in enumerate(weights):
        rows = np.repeat(np.arange(len(labels)), repeats)
        right = expected(labels[rows], shares[rows])
        assert right.keys() == found.keys()
        for name, value in right.items():
            np.testing.assert_allclose(found[name][draw], value, rtol=1e-9, atol=1e-9, err_msg=name)


@given(cases())
@LAWS
def test_the_order_of_the_images_does_not_matter(case: Case) -> None:
    labels, shares = case
    weights = np.arange(1, len(labels) + 1)[np.newaxis]
    there, back = figures(labels, shares, weights, EVERY), figures(labels[::-1], shares[::-1], weights[:, ::-1], EVERY)
    for name in EVERY:
        np.testing.assert_allclose(there[name], back[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_model_that_tells_nothing_apart_has_half_the_area_and_precision_at_the_share_of_its_class() -> None:
    labels, shares = np.array([0, 0, 0, 1]), np.full((4, 2), 0.5)
    found = figures(labels, shares, np.ones((1, 4), dtype=int), CLASS_FIGURES)
    assert found["class_roc_auc"].tolist() == [[0.5, 0.5]]
    assert found["class_average_precision"].tolist() == [[0.75, 0.25]]


def test_a_resample_without_a_class_leaves_it_out_and_one_class_alone_has_no_area() -> None:
    labels, shares = np.array([0, 1, 2]), np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]])
    found = figures(labels, shares, np.array([[1, 1, 0], [2, 0, 0]]), ("roc_auc", "balanced_accuracy", "macro_specificity"))
    assert found["roc_auc"][0] == 1
    assert found["balanced_accuracy"].tolist() == [0.5, 1]
    assert np.isnan([found["roc_auc"][1], found["macro_specificity"][1]]).all()


def test_brier_of_two_classes_is_twice_scikit_learn_s_halved_one() -> None:
    labels, shares = np.array([0, 1]), np.array([[0.7, 0.3], [0.4, 0.6]])
    found = figures(labels, shares, np.ones((1, 2), dtype=int), ("brier",))["brier"]
    assert found == pytest.approx(2 * reference.brier_score_loss(labels, shares[:, 1]))


def test_bins_hold_their_upper_bound_and_everything_from_0_to_1() -> None:
    assert confidence_bins(np.array([0, 0.1, 0.5, 0.51, 1.0]), bins=2).tolist() == [0, 0, 0, 1, 1]
    assert set(confidence_bins(np.linspace(0, 1, 1000)).tolist()) == set(range(BINS))


def test_only_the_figures_asked_for_are_given() -> None:
    assert list(figures(np.array([0]), np.array([[1.0, 0.0]]), np.ones((1, 1), dtype=int), ("loss", "accuracy"))) == ["loss", "accuracy"]


def test_resampled_figures_are_those_of_the_chunks_of_weights_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    images = 1_000
    labels, shares, groups = rng.integers(0, 3, images), rng.dirichlet(np.ones(3), images), np.arange(images) // 2
    weights = list(weight_chunks(groups, seed=3, resamples=300))
    assert len(weights) == -(-300 // (CHUNK_CELLS // images)) == 2
    found = resampled(labels, shares, groups, EVERY, seed=3, resamples=300)
    whole = figures(labels, shares, np.concatenate(weights), EVERY)
    for name in EVERY:
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-12, err_msg=name)


def test_two_models_are_seen_in_the_same_resamples() -> None:
    rng = np.random.default_rng(1)
    labels, shares = rng.integers(0, 2, 50), rng.dirichlet(np.ones(2), 50)
    first, second = (resampled(labels, each, np.arange(50), ("accuracy",), resamples=200)["accuracy"] for each in (shares, shares[:, ::-1]))
    np.testing.assert_allclose(first + second, 1)  # where one is right, the other is wrong, in every resample


def test_every_average_has_a_name() -> None:
    assert set(AVERAGE_FIGURES) == {f"{average}_{metric}" for average in AVERAGES for metric in AVERAGED}
