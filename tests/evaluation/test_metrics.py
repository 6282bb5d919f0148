"""Figures from labels and probabilities: equal to scikit-learn's, and to those that papers printed for their own matrices."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from core.evaluation.intervals import bootstrap_weights
from core.evaluation.metrics import _groups, _resample, evaluate, evaluate_predictions
from core.runs.store import PROBABILITY

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("error")


@st.composite
def sets(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """(labels, probabilities, classes) of a random model on a random set; classes may be absent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    shares = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 0.5, 5]))), size=images)
    return rng.integers(0, draw(st.integers(1, classes)), images), shares, classes


def names(classes: int) -> tuple[str, ...]:
    return tuple("abcdefgh"[:classes])


def certain(matrix: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities (1 and 0) that give this confusion matrix, rows true."""
    labels, predicted = (np.repeat(index.ravel(), np.ravel(matrix)) for index in np.indices(np.shape(matrix)))
    return labels, np.eye(len(matrix))[predicted]


def balanced_accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """scikit-learn's; its warning of predicted classes that are not there is about what it rightly leaves out."""
    with warnings.catch_warnings(action="ignore"):
        return reference.balanced_accuracy_score(labels, predicted)


@given(sets())
@LAWS
def test_figures_equal_scikit_learn_s(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    labels, shares, classes = case
    predicted, numbers = shares.argmax(axis=1), list(range(classes))
    found = evaluate(labels, shares, names(classes))
    values = {name: estimate.value for name, estimate in found.metrics.items()}
    assert values == {
        "accuracy": pytest.approx(reference.accuracy_score(labels, predicted)),
        "balanced_accuracy": pytest.approx(balanced_accuracy(labels, predicted)),
        "macro_f1": pytest.approx(reference.f1_score(labels, predicted, labels=sorted(set(labels)), average="macro", zero_division=0)),
        "loss": pytest.approx(reference.log_loss(labels, shares, labels=numbers)),
    }
    np.testing.assert_array_equal(found.confusion, reference.confusion_matrix(labels, predicted, labels=numbers))
    for number, name in enumerate(names(classes)):
        one, called = labels == number, predicted == number
        expected = {
            "precision": reference.precision_score(one, called, zero_division=np.nan),
            "sensitivity": reference.recall_score(one, called, zero_division=np.nan),
            "specificity": reference.recall_score(~one, ~called, zero_division=np.nan),
            "f1": reference.f1_score(one, called, zero_division=np.nan),
        }
        assert {metric: estimate.value for metric, estimate in found.per_class[name].items()} == pytest.approx(expected, nan_ok=True)


@given(sets(), st.integers(1, 10))
@settings(LAWS, max_examples=15)
def test_resampled_figures_equal_those_of_images_repeated(case: tuple[np.ndarray, np.ndarray, int], patients: int) -> None:
    labels, shares, classes = case
    groups, _ = _groups(np.array([f"p{i % patients}" for i in range(len(labels))]), len(labels))
    predicted, numbers = shares.argmax(axis=1), list(range(classes))
    resampled = _resample(labels, predicted, shares, classes, groups)
    for draw, weights in enumerate(bootstrap_weights(groups)[:4]):
        rows = np.repeat(np.arange(len(labels)), weights[groups])
        y, called = labels[rows], predicted[rows]
        assert resampled["accuracy"][draw] == pytest.approx(reference.accuracy_score(y, called))
        assert resampled["balanced_accuracy"][draw] == pytest.approx(balanced_accuracy(y, called))
        macro = reference.f1_score(y, called, labels=sorted(set(y)), average="macro", zero_division=0)
        assert resampled["macro_f1"][draw] == pytest.approx(macro)
        assert resampled["loss"][draw] == pytest.approx(reference.log_loss(y, shares[rows], labels=numbers))


def test_one_image_is_evaluated() -> None:
    found = evaluate(np.array([1]), np.array([[0.2, 0.8]]), ("a", "b"))
    assert {name: (e.value, e.low, e.high) for name, e in found.metrics.items() if name != "loss"} == dict.fromkeys(
        ("accuracy", "balanced_accuracy", "macro_f1"), (1, 1, 1)
    )
    assert found.metrics["loss"].value == pytest.approx(-np.log(0.8))
    assert found.per_class["b"]["sensitivity"].value == 1
    assert np.isnan(found.per_class["b"]["specificity"].value)


def test_a_set_of_a_single_class_is_evaluated() -> None:
    found = evaluate(np.array([0, 0, 0, 0]), np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]]), ("a", "b"))
    assert found.metrics["accuracy"].value == found.metrics["balanced_accuracy"].value == 0.75
    assert found.metrics["macro_f1"].value == pytest.approx(6 / 7)
    assert found.support() == {"a": 4, "b": 0}


def test_a_class_that_is_absent_and_never_predicted_is_undefined() -> None:
    labels, shares = certain([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    found = evaluate(labels, shares, ("a", "b", "c"))
    assert found.metrics["balanced_accuracy"].value == pytest.approx((3 / 4 + 1) / 2)  # over the classes that are there
    absent = found.per_class["c"]
    assert [name for name, estimate in absent.items() if np.isnan(estimate.value)] == ["precision", "sensitivity", "f1"]
    assert absent["specificity"].value == 1


def test_al_asfoor_and_abed_s_figures_follow_from_their_matrix() -> None:
    # Al-Asfoor & Abed 2020, 3 classes; printed with the predicted class in the rows
    printed = np.array([[22, 1, 0], [0, 244, 18], [3, 23, 757]])
    found = evaluate(*certain(printed.T.tolist()), ("covid", "normal", "pneumonia"))
    figures = {
        metric: [round(100 * found.per_class[name][metric].value, 1) for name in found.classes] for metric in ("precision", "sensitivity")
    }
    assert round(100 * found.metrics["accuracy"].value, 1) == 95.8
    assert figures == {"precision": [95.7, 93.1, 96.7], "sensitivity": [88.0, 91.0, 97.7]}
    np.testing.assert_array_equal(found.confusion, printed.T)


def test_zhong_s_accuracy_follows_from_their_matrix() -> None:
    matrix = [[98, 0, 2], [9, 197, 36], [5, 42, 351]]  # rows true
    found = evaluate(*certain(matrix), ("covid", "normal", "pneumonia"))
    assert round(100 * found.metrics["accuracy"].value, 1) == 87.3
    assert found.support() == {"covid": 100, "normal": 242, "pneumonia": 398}


def test_images_of_one_patient_that_agree_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 2, 20), 10)
    predicted = np.where(np.repeat(rng.random(20) < 0.7, 10), labels, 1 - labels)  # right or wrong for all ten images of a patient
    patients = np.array([f"p{i // 10}" for i in range(200)])
    by_image, by_patient = (evaluate(labels, np.eye(2)[predicted], ("a", "b"), who) for who in (None, patients))
    widths = [found.metrics["accuracy"].high - found.metrics["accuracy"].low for found in (by_image, by_patient)]
    assert widths[1] > 2 * widths[0]  # in theory √10 times
    assert by_image.metrics["accuracy"].value == by_patient.metrics["accuracy"].value
    assert (by_image.patients, by_patient.patients) == (None, 20)
    assert "by image (patients unknown)" in by_image.interval_kind
    assert "by patient (20)" in by_patient.interval_kind


def test_images_of_unknown_patients_count_one_by_one() -> None:
    groups, known = _groups(np.array(["p", "", "p", "", "image 1"]), 5)
    assert known == 2
    assert len(set(groups.tolist())) == 4
    assert groups[0] == groups[2]
    assert _groups(np.array(["", ""]), 2)[1] is None


def test_only_the_split_asked_for_counts() -> None:
    table = pd.DataFrame({"label": ["b", "a", "b"], "patient_id": "", "split": ["validation", "test", "test"]})
    table[[PROBABILITY + "b", PROBABILITY + "a"]] = [[0.0, 1.0], [0.3, 0.7], [0.6, 0.4]]  # columns in any order
    assert evaluate_predictions(table, ("a", "b"), "test").metrics["accuracy"].value == 1
    assert evaluate_predictions(table, ("a", "b")).images == 3


@given(sets())
@settings(LAWS, max_examples=15)
def test_json_and_table_hold_every_set(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    labels, shares, classes = case
    found = evaluate(labels, shares, names(classes))
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (content["images"], content["classes"]) == (len(labels), list(names(classes)))
    assert sum(map(sum, content["confusion_matrix"])) == len(labels) == found.table()["n"].sum()
    assert not found.text_table().isna().any(axis=None)


def test_the_table_for_people_gives_percentages_with_their_bounds() -> None:
    labels, shares = certain([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    table = evaluate(labels, shares, ("a", "b", "c")).text_table().set_index("class")
    assert table.columns.str.lower().tolist() == ["n", "precision", "sensitivity", "specificity", "f1"]
    assert table.loc["a"].tolist() == [4, "100.0 % (44–100)", "75.0 % (30–95)", "100.0 % (34–100)", "85.7 %"]
    assert table.loc["c"].tolist() == [0, "undefined", "undefined", "100.0 % (61–100)", "undefined"]


def test_certain_and_wrong_is_a_finite_loss() -> None:
    found = evaluate(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ("a", "b"))
    assert np.isfinite([found.metrics["loss"].value, found.metrics["loss"].high]).all()
