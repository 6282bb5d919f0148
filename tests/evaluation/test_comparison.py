"""Runs compared: by hand-made counts, by scikit-learn and by laws; what cannot be paired says so."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from core.errors import InvalidSpec
from core.evaluation.comparison import Pair, compare, differing_fields
from core.evaluation.intervals import groups_of, percentile_interval
from core.evaluation.predicted import Predicted
from core.evaluation.resampling import resampled
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs.store import PROBABILITY

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("error")


def answers(name: str, shares: np.ndarray, labels: np.ndarray, patients: Sequence[str] | None = None, start: int = 0) -> Predicted:
    """Answers of a run on images numbered from `start`. shares: [images, classes], labels: class index."""
    classes = tuple("abcdef"[: shares.shape[1]])
    numbers = [f"{start + i:04}" for i in range(len(labels))]
    table = pd.DataFrame({"sample_id": numbers, "sha256": numbers, "label": np.array(classes)[labels], "split": "test"})
    columns = {PROBABILITY + c: shares[:, i] for i, c in enumerate(classes)}
    return Predicted(name, classes, table.assign(patient_id="" if patients is None else patients, **columns))


def marked(name: str, right: str, patients: Sequence[str] | None = None, start: int = 0) -> Predicted:
    """Answers on images of the classes a and b in turn, right where there is a +."""
    labels = np.arange(len(right)) % 2
    called = np.where(np.array(list(right)) == "+", labels, 1 - labels)
    return answers(name, 0.2 + 0.6 * np.eye(2)[called], labels, patients, start)


def pair(a: str, b: str, patients: Sequence[str] | None = None) -> Pair:
    """A and B by right (+) and wrong (-) answers."""
    return compare([marked("A", a, patients), marked("B", b, patients)]).pairs[0]


def test_images_that_only_one_gets_right_decide() -> None:
    found = pair("+" * 21 + "-" * 4 + "+" * 200, "-" * 21 + "+" * 4 + "+" * 200)
    assert (found.images, found.only_a_right, found.only_b_right) == (225, 21, 4)
    assert found.p_value == found.p_holm == pytest.approx(binomtest(4, 25).pvalue)
    assert found.better == "A"
    assert found.sentence == "A is better than B: right on 21 images that B misses, wrong on 4 that B gets (p = 0.0009)."
    assert found.accuracy_difference.value == pytest.approx(17 / 225)
    assert found.accuracy_difference.low > 0


def test_few_deciding_images_are_no_evidence() -> None:
    found = pair("++-" + "+" * 222, "--+" + "+" * 222)
    assert found.better == ""
    assert found.sentence == "No evidence that A is better than B: 3 of 225 images decide it (2 for A, 1 for B; p = 1.00)."


def test_equal_answers_decide_nothing() -> None:
    found = pair("+-+-", "+-+-")
    assert (found.p_value, found.auc_p_value, found.accuracy_difference.to_json()) == (1, 1, {"value": 0, "low": 0, "high": 0})
    assert found.sentence == "No evidence that A is better than B: both are right on the same ones of 4 images."


def test_the_run_that_is_ahead_is_named_first_whatever_the_order() -> None:
    found = pair("-" * 12 + "+" * 40, "+" * 12 + "+" * 40)
    assert found.better == "B"
    assert found.sentence.startswith("B is better than A: right on 12 images that A misses, wrong on 0 that A gets")


def test_several_images_a_patient_are_said_and_drawn_together() -> None:
    patients = [f"p{i // 5}" for i in range(60)]
    found = pair("+" * 10 + "+" * 50, "-" * 10 + "+" * 50, patients)
    assert (found.patients, found.groups, found.unit) == (12, 12, "patient")
    assert found.p_value < 0.01
    assert found.accuracy_difference.low == 0  # two patients hold all ten images: some resamples draw neither
    assert found.better == ""
    assert found.sentence.startswith("A may be better than B: right on 10 images")
    assert "takes images as independent, but these come from 12 patients: drawn by patient, the difference" in found.sentence
    mirrored = pair("-" * 10 + "+" * 50, "+" * 60, patients)
    assert mirrored.sentence.partition(":")[2] == found.sentence.partition(":")[2].replace("that B", "that A")


def test_one_image_a_patient_needs_no_remark() -> None:
    assert "independent" not in pair("+-+", "--+", ["p", "q", "r"]).sentence


def test_copies_of_one_x_ray_are_drawn_together() -> None:
    runs = [marked("A", "++--"), marked("B", "+-+-")]
    for run in runs:
        run.table["sha256"] = ["x", "x#1", "x#2", "y"]
    found = compare(runs).pairs[0]
    assert (found.groups, found.unit, found.patients) == (2, "X-ray", None)
    assert "these come from 2 X-rays" in found.sentence


def test_holm_s_correction_is_over_the_pairs_that_were_tested() -> None:
    runs = [marked("A", "+" * 30), marked("B", "-" * 6 + "+" * 24), marked("C", "-" * 9 + "+" * 21), marked("other", "+" * 8, start=500)]
    pairs = {(found.a, found.b): found for found in compare(runs).pairs}
    assert len(pairs) == 6
    tested = [pairs["A", "B"], pairs["A", "C"], pairs["B", "C"]]
    assert [found.p_value for found in tested] == [pytest.approx(2 * 0.5**n) for n in (6, 9, 3)]
    assert [found.p_holm for found in tested] == [pytest.approx(p) for p in (2 * 2 * 0.5**6, 3 * 2 * 0.5**9, 0.25)]
    assert "after Holm's correction for 3 pairs" in tested[0].sentence
    assert all(found.unpaired and np.isnan(found.p_holm) for key, found in pairs.items() if "other" in key)


def test_runs_on_different_images_are_not_paired_and_the_rest_is_compared() -> None:
    a, b = marked("A", "+" * 224), marked("B", "+" * 225, start=179)
    found = compare([a, b]).pairs[0]
    assert found.images == 45
    assert found.sentence == "Runs on different test images cannot be paired: 45 images are shared of 224 and 225."
    assert found.better == ""


def test_runs_with_other_classes_or_other_labels_are_not_paired() -> None:
    labels = np.array([0, 1, 0, 1])
    two, three = answers("two", np.eye(2)[labels], labels), answers("three", np.eye(3)[labels], labels)
    assert "different classes cannot be paired: two has a, b; three has a, b, c." in compare([two, three]).sentences[0]
    relabelled = answers("relabelled", np.eye(2)[labels], labels[[1, 1, 2, 3]])
    assert "disagree on the truth cannot be paired: 1 of 4 images carry another label." in compare([two, relabelled]).sentences[0]


def test_an_area_with_one_class_is_undefined_and_the_rest_is_computed() -> None:
    labels = np.zeros(6, dtype=int)
    found = compare([answers("A", np.full((6, 2), 0.5), labels), answers("B", np.eye(2)[[0, 1, 1, 1, 1, 1]], labels)]).pairs[0]
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (stored["auc_difference"], stored["auc_p_value"]) == ({"value": None, "low": None, "high": None}, None)
    assert (stored["only_a_right"], stored["accuracy_difference"]["value"]) == (5, pytest.approx(5 / 6))
    assert stored["p_value"] == pytest.approx(0.0625)


@given(seed=st.integers(0, 2**32 - 1), images=st.integers(6, 40), classes=st.integers(2, 4))
@settings(LAWS, max_examples=8)
def test_a_pair_turned_round_is_the_same_pair(seed: int, images: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(classes), rng.integers(0, classes, images - classes))
    patients = [f"p{i}" for i in rng.integers(0, images // 2, images)]
    a, b = (answers(name, rng.dirichlet(np.ones(classes), images).round(2), labels, patients) for name in "AB")
    forward, backward = compare([a, b]).pairs[0], compare([b, a]).pairs[0]
    assert (forward.p_value, forward.auc_p_value, forward.better) == (backward.p_value, backward.auc_p_value, backward.better)
    assert (forward.only_a_right, forward.only_b_right) == (backward.only_b_right, backward.only_a_right)
    for difference in ("accuracy_difference", "auc_difference"):
        there, back = getattr(forward, difference), getattr(backward, difference)
        assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low), abs=1e-12)
    areas = [roc_auc_score(np.eye(classes)[labels], run.probabilities(), average="macro") for run in (a, b)]
    assert forward.auc_difference.value == pytest.approx(areas[0] - areas[1])
    assert forward.accuracy_difference.value == pytest.approx(a.right().mean() - b.right().mean())


def test_the_order_of_rows_does_not_matter() -> None:
    a, b = marked("A", "+-+--+"), marked("B", "--++-+")
    shuffled = Predicted("B", b.classes, b.table.sample(frac=1, random_state=0))
    assert compare([a, shuffled]).pairs == compare([a, b]).pairs


def test_both_runs_are_seen_in_the_same_resamples() -> None:
    rng, labels = np.random.default_rng(0), np.arange(30) % 3
    patients = [f"p{i // 2}" for i in range(30)]
    a, b = (answers(name, rng.dirichlet(np.ones(3), 30), labels, patients) for name in "AB")
    found, groups = compare([a, b]).pairs[0], groups_of(np.array(patients), 30)[0]
    drawn = [resampled(labels, run.probabilities(), groups, ("accuracy", "roc_auc")) for run in (a, b)]
    for figure, difference in (("accuracy", found.accuracy_difference), ("roc_auc", found.auc_difference)):
        expected = percentile_interval(difference.value, drawn[0][figure] - drawn[1][figure])
        assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("count", [0, 1, 11])
def test_two_to_ten_runs_are_compared(count: int) -> None:
    with pytest.raises(InvalidSpec, match="2 to 10 runs"):
        compare([marked(f"run {i}", "+-") for i in range(count)])


def test_a_run_is_not_compared_with_itself() -> None:
    with pytest.raises(InvalidSpec, match="A twice"):
        compare([marked("A", "+-"), marked("B", "+-"), marked("A", "+-")])


def test_runs_are_called_as_the_reader_calls_them() -> None:
    found = compare([marked("A", "+-"), marked("B", "+-")], {"A": "ResNet-18"}).pairs[0]
    assert (found.a, found.b) == ("ResNet-18", "B")


def test_the_fields_in_which_recipes_differ_are_named_with_their_values() -> None:
    data = DataSpec(name="set", sha256="0" * 64, classes=("a", "b"))
    one = compose(data, "alasfoor-cnn22", epochs=3)
    other = compose(data, "alasfoor-cnn22", epochs=4, **{"subset.caps": {"a": 9}, "optimiser.lr": 0.5})
    found = dict(differing_fields({"one": one, "other": other, "third": one}))
    assert list(found) == ["subset.caps", "optimiser.lr", "epochs"]
    assert found["epochs"] == {"one": 3, "other": 4, "third": 3}
    assert found["subset.caps"] == {"one": {}, "other": {"a": 9}, "third": {}}
    assert differing_fields({"one": one, "third": one}) == []
