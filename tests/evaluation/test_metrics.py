"""Figures from labels and probabilities: equal to scikit-learn's, and to those that papers printed for their own matrices."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from core import wording
from core.errors import UnusableData, UnusableRun
from core.evaluation.intervals import Estimate
from core.evaluation.metrics import answers_of, evaluate, evaluate_predictions
from core.evaluation.resampling import AVERAGE_FIGURES, CLASS_FIGURES, FIGURES, figures
from core.recipes import published
from core.runs.store import PROBABILITY

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
EVERY = tuple(dict.fromkeys(FIGURES + AVERAGE_FIGURES + CLASS_FIGURES))
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


def certain(matrix: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities (1 and 0) that give this confusion matrix, rows true."""
    labels, predicted = (np.repeat(index.ravel(), np.ravel(matrix)) for index in np.indices(np.shape(matrix)))
    return labels, np.eye(len(matrix))[predicted]


def values(estimates: dict[str, Estimate]) -> dict[str, float]:
    return {name: estimate.value for name, estimate in estimates.items()}


@given(sets())
@settings(LAWS, max_examples=15)
def test_each_figure_stands_at_its_place(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    """That they are right is `test_resampling`'s; here: the right one, under its name and class."""
    labels, shares, classes = case
    predicted = shares.argmax(axis=1)
    found = evaluate(labels, shares, names(classes))
    plain = {name: array[0] for name, array in figures(labels, shares, np.ones((1, len(labels)), int), EVERY).items()}
    assert list(found.metrics) == list(FIGURES)
    assert values(found.metrics) == pytest.approx({name: plain[name] for name in FIGURES}, nan_ok=True)
    averages = {f"{average}_{metric}": one.value for average, estimates in found.averages.items() for metric, one in estimates.items()}
    assert averages == pytest.approx({name: plain[name] for name in AVERAGE_FIGURES}, nan_ok=True)
    np.testing.assert_array_equal(found.confusion, reference.confusion_matrix(labels, predicted, labels=list(range(classes))))
    for number, name in enumerate(names(classes)):
        one, called = labels == number, predicted == number
        expected = {
            "precision": reference.precision_score(one, called, zero_division=np.nan),
            "sensitivity": reference.recall_score(one, called, zero_division=np.nan),
            "specificity": reference.recall_score(~one, ~called, zero_division=np.nan),
            "f1": plain["class_f1"][number],
            "roc_auc": plain["class_roc_auc"][number],
            "average_precision": plain["class_average_precision"][number],
        }
        assert values(found.per_class[name]) == pytest.approx(expected, nan_ok=True)


@given(sets())
@settings(LAWS, max_examples=15)
def test_every_defined_figure_lies_near_its_interval(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    """Not always in it: a calibration error grows by resampling. But what is defined has bounds, in order, and what is not has none."""
    labels, shares, classes = case
    found = evaluate(labels, shares, names(classes))
    for estimates in (found.metrics, *found.averages.values(), *found.per_class.values()):
        for name, one in estimates.items():
            assert np.isnan(one.value) == np.isnan(one.low) == np.isnan(one.high), name
            assert np.isnan(one.value) or one.low <= one.high, name
    assert found.metrics["accuracy"].low <= found.metrics["accuracy"].value <= found.metrics["accuracy"].high


def test_one_image_is_evaluated() -> None:
    found = evaluate(np.array([1]), np.array([[0.2, 0.8]]), ("a", "b"))
    assert {(one.value, one.low, one.high) for name, one in found.metrics.items() if name.endswith(("accuracy", "f1"))} == {(1, 1, 1)}
    assert found.metrics["loss"].value == pytest.approx(-np.log(0.8))
    assert found.per_class["b"]["sensitivity"].value == 1
    assert np.isnan(found.per_class["b"]["specificity"].value)
    assert any("one patient or image" in note for note in found.notes)


def test_no_image_is_no_figure() -> None:
    table = pd.DataFrame({"label": ["a"], "patient_id": "", "split": "validation", PROBABILITY + "a": 1.0})
    with pytest.raises(UnusableData, match=r"at least one image\. Received: predictions without any of the test part"):
        evaluate_predictions(table, ("a",), "test")
    with pytest.raises(UnusableData, match="at least one image"):
        evaluate(np.empty(0, int), np.empty((0, 2)), ("a", "b"))


@pytest.mark.parametrize(
    ("shares", "fault"),
    [
        ([np.nan, 1.0], r"no number in 1 row of 2, the first \[nan, 1.0\]"),
        ([-0.5, 1.5], "a negative probability in 1 row of 2"),
        ([0.5, 0.6], "a sum other than 1 in 1 row of 2"),
    ],
)
def test_damaged_probabilities_are_named(shares: list[float], fault: str) -> None:
    with pytest.raises(UnusableRun, match=fault):
        evaluate(np.array([0, 1]), np.array([[0.5, 0.5], shares]), ("a", "b"))


def test_probabilities_in_half_precision_are_not_damaged() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(8), 200).astype(np.float16)
    assert evaluate(np.zeros(200, int), shares, names(8)).images == 200


def test_a_label_that_is_no_class_and_a_missing_column_are_named() -> None:
    table = pd.DataFrame({"label": ["a", "x", "x"], "patient_id": "", PROBABILITY + "a": 1.0})
    with pytest.raises(UnusableRun, match=r"one of the run's classes: a. Received: 'x' \(2 images\)"):
        evaluate_predictions(table, ("a",))
    with pytest.raises(UnusableRun, match="a table without probability_b, split"):
        evaluate_predictions(table, ("a", "b"), "test")


def test_a_set_of_a_single_class_is_evaluated() -> None:
    found = evaluate(np.array([0, 0, 0, 0]), np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]]), ("a", "b"))
    assert found.metrics["accuracy"].value == found.metrics["balanced_accuracy"].value == 0.75
    assert found.metrics["macro_f1"].value == pytest.approx(6 / 7)
    assert found.support() == {"a": 4, "b": 0}
    assert {name for name, one in found.metrics.items() if np.isnan(one.value)} == {"roc_auc", "average_precision"}
    assert "Every image is of a: ROC AUC and average precision compare classes and are undefined." in found.notes
    assert "Mean over 1 of 2 classes: no image of b in this set." in found.notes
    assert found.metrics["mcc"].value == 0
    assert any("Matthews" in note for note in found.notes)


def test_a_class_that_is_absent_and_never_predicted_is_undefined() -> None:
    labels, shares = certain([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    found = evaluate(labels, shares, ("a", "b", "c"))
    assert found.metrics["balanced_accuracy"].value == pytest.approx((3 / 4 + 1) / 2)  # over the classes that are there
    absent = found.per_class["c"]
    assert [name for name, one in absent.items() if not np.isnan(one.value)] == ["specificity"]
    assert absent["specificity"].value == 1
    assert found.notes == ("Mean over 2 of 3 classes: no image of c in this set.",)


def test_a_class_that_is_never_answered_has_no_precision_and_counts_as_0_in_the_mean() -> None:
    found = evaluate(*certain([[4, 0], [2, 0]]), ("a", "b"))
    assert np.isnan(found.per_class["b"]["precision"].value)
    assert found.averages["macro"]["precision"].value == pytest.approx((4 / 6 + 0) / 2)
    assert found.notes[0] == "Never answered: b. Precision is undefined there and counts as 0 in the means."


def test_a_class_of_one_image_is_told() -> None:
    found = evaluate(*certain([[3, 1], [0, 1]]), ("a", "b"))
    assert found.notes == ("One image only of b: its figures rest on it alone, and resamples without it are left out of their intervals.",)
    assert not np.isnan(found.per_class["b"]["roc_auc"].low)


def test_a_faultless_set_is_told_that_resampling_cannot_doubt_it() -> None:
    found = evaluate(*certain([[10, 0], [0, 10]]), ("a", "b"))
    accuracy = found.metrics["accuracy"]
    assert (accuracy.low, accuracy.high) == (1, 1)
    assert found.notes == ("Every answer is right, so no resample can be worse: by Wilson's interval the accuracy is at least 83.9 %.",)


def test_micro_averages_pool_all_decisions() -> None:
    found = evaluate(*certain([[3, 1, 0], [0, 2, 0], [1, 0, 3]]), ("a", "b", "c"))
    micro = found.averages["micro"]
    assert {one.value for name, one in micro.items() if name != "specificity"} == {found.metrics["accuracy"].value} == {0.8}
    assert micro["specificity"].value == pytest.approx(18 / 20)  # 2 wrong answers among the 20 decisions that should say no
    assert found.averages["macro"]["f1"] == found.metrics["macro_f1"]
    assert found.averages["macro"]["sensitivity"] == found.metrics["balanced_accuracy"]


@pytest.mark.parametrize(("paper", "accuracy"), [("alasfoor-2020", 0.958), ("zhong-2020", 0.873)])
def test_a_published_matrix_gives_its_published_figures(paper: str, accuracy: float) -> None:
    (matrix,) = published.matrices_of(paper)
    found = evaluate(*certain(matrix.by_truth), matrix.labels)
    np.testing.assert_array_equal(found.confusion, matrix.by_truth)
    assert round(found.metrics["accuracy"].value, 3) == accuracy == round(matrix.accuracy, 3)
    assert found.metrics["accuracy"].low < accuracy < found.metrics["accuracy"].high
    for label in matrix.labels:
        assert found.per_class[label]["precision"].value == matrix.precision(label)
        assert found.per_class[label]["sensitivity"].value == matrix.recall(label)


def test_al_asfoor_and_abed_s_class_accuracies_are_precisions_and_three_of_25_were_missed() -> None:
    (matrix,) = published.matrices_of("alasfoor-2020")
    found = evaluate(*certain(matrix.by_truth), matrix.labels)
    for figure in [one for row in published.rows("alasfoor-2020") if row.table == "Table 3" for one in row.figures]:
        assert round(found.per_class[figure.label]["precision"].value, 3) == pytest.approx(figure.value)
    missed = found.per_class["COVID-19"]["sensitivity"]
    assert (missed.value, round(missed.low, 2), round(missed.high, 2)) == (22 / 25, 0.70, 0.96)


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


def test_only_the_split_asked_for_counts() -> None:
    table = pd.DataFrame({"label": ["b", "a", "b"], "patient_id": "", "split": ["validation", "test", "test"]})
    table[[PROBABILITY + "b", PROBABILITY + "a"]] = [[0.0, 1.0], [0.3, 0.7], [0.6, 0.4]]  # columns in any order
    assert evaluate_predictions(table, ("a", "b"), "test").metrics["accuracy"].value == 1
    assert evaluate_predictions(table, ("a", "b")).images == 3
    assert evaluate_predictions(table.assign(patient_id=["p", "p", "q"]), ("a", "b")).patients == 2
    assert evaluate_predictions(table.assign(patient_id=None), ("a", "b")).patients is None
    labels, shares, patients = answers_of(table, ("a", "b"))
    assert (labels.tolist(), shares.tolist(), patients.tolist()) == ([1, 0, 1], [[1, 0], [0.7, 0.3], [0.4, 0.6]], ["", "", ""])


@given(sets())
@settings(LAWS, max_examples=15)
def test_json_and_table_hold_every_set(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    labels, shares, classes = case
    found = evaluate(labels, shares, names(classes))
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (content["images"], content["classes"]) == (len(labels), list(names(classes)))
    assert sum(map(sum, content["confusion_matrix"])) == len(labels) == found.table()["n"].sum()
    assert (content["notes"], list(content["averages"])) == (list(found.notes), ["macro", "weighted", "micro"])
    assert not found.text_table().isna().any(axis=None)


def test_the_table_for_people_gives_percentages_with_their_bounds() -> None:
    labels, shares = certain([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    table = evaluate(labels, shares, ("a", "b", "c")).text_table().set_index("class")
    assert table.columns.tolist() == ["n", "Precision", "Sensitivity", "Specificity", "F1", "ROC AUC", "Average precision"]
    assert table.loc["a"].tolist()[:4] == [4, "100.0 % (43.9–100.0)", "75.0 % (30.1–95.4)", "100.0 % (34.2–100.0)"]
    assert table.loc["a", "F1"].startswith("85.7 % (")
    assert table.loc["a", "ROC AUC"].startswith("0.875 (0.")
    assert table.loc["c"].tolist() == [0, "undefined", "undefined", "100.0 % (61.0–100.0)", "undefined", "undefined", "undefined"]


def test_every_figure_has_one_name_and_shares_alone_are_percentages() -> None:
    found = evaluate(*certain([[3, 1], [1, 3]]), ("a", "b"))
    figures_of = found.metrics | found.per_class["a"] | found.averages["macro"]
    texts = {name: wording.estimate(name, one.value, one.low, one.high) for name, one in figures_of.items()}
    assert len({wording.METRICS[name] for name in figures_of}) == len(figures_of) == 14
    assert texts["accuracy"].startswith("75.0 % (")
    assert texts["mcc"].startswith("0.500 (")
    assert {name for name, text in texts.items() if "%" not in text} == wording.PLAIN


def test_the_table_of_averages_has_a_row_a_kind() -> None:
    table = evaluate(*certain([[3, 1], [0, 2]]), ("a", "b")).averages_table().set_index("average")
    assert table.index.tolist() == ["Mean of classes", "Mean by class size", "All decisions pooled"]
    assert table.loc["All decisions pooled", "Precision"].startswith("83.3 % (")


def test_certain_and_wrong_is_a_finite_loss() -> None:
    found = evaluate(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ("a", "b"))
    assert np.isfinite([found.metrics["loss"].value, found.metrics["loss"].high]).all()
