"""Intervals of repeats: of pooled folds, of seeds, of both; each against values worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from core.errors import UnusableRun
from core.evaluation import repeats
from core.evaluation.intervals import Estimate
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import index, store
from core.runs.index import Row

DATA = DataSpec(name="set", sha256="0" * 64, classes=("a", "b"))
METRICS = {"accuracy": 0.75, "accuracy_low": 0.6, "accuracy_high": 0.9, "loss": 0.5, "images": 4}


def run(answers: str, *, seed: int = 0, fold: int = 0, folds: int = 2, state: str = "done", first: int = 0, patients: str = "", **result):
    """A run whose test images, numbered from `first`, are all of class a; `answers` has a letter an image."""
    split = {"split.seed": seed, "split.fold": fold, "split.folds": folds}
    made = store.create(compose(DATA, "alasfoor-cnn22", seed=seed, **split))
    names = [f"{number}.png" for number in range(first, first + len(answers))]
    table = pd.DataFrame({"sample_id": names, "label": "a", "patient_id": list(patients) or "", "split": "test"})
    right = pd.Series([0.75 if answer == "a" else 0.25 for answer in answers])
    made.write_predictions(table.assign(probability_a=right, probability_b=1 - right))
    made.write_split(table.assign(sha256=[f"{name:0>64}" for name in names]))
    share = answers.count("a") / len(answers)
    values = METRICS | {"accuracy": share, "images": len(answers)} | result
    made.write_status(made.status().changed(state=state, result=values if state == "done" else None))
    return made


def rows() -> list[Row]:
    return index.rows()


def test_complete_folds_of_a_seed_have_the_interval_of_their_pooled_predictions():
    run("aaab", fold=0)
    run("aabb", fold=1, first=4)
    found, sentence = repeats.intervals(rows())
    assert found["accuracy"].value == 5 / 8
    assert 0.1 < found["accuracy"].low < 5 / 8 < found["accuracy"].high < 1
    assert "pooled test predictions of all 2 folds of seed 0: 8 images, each once" in sentence
    assert "bootstrap by image, as patients are unknown" in sentence


def test_pooled_folds_are_drawn_by_patient_where_patients_are_known():
    run("aaaa", fold=0, patients="pppp")
    run("bbbb", fold=1, first=4, patients="qqqq")
    found, sentence = repeats.intervals(rows())
    assert found["accuracy"] == Estimate(0.5, 0.0, 1.0)  # either patient may be drawn twice
    assert "bootstrap by patient (2)" in sentence


def test_the_interval_of_a_cross_validation_waits_for_all_its_folds():
    run("aaab", fold=0, folds=3)
    run("aaab", fold=1, folds=3, first=4)
    run("aaab", fold=2, folds=3, first=8, state="failed")
    found, sentence = repeats.intervals(rows())
    assert found == {}
    assert sentence.startswith("2 of 3 folds are done")


def test_one_fold_of_several_that_were_asked_for_is_no_repeat_of_a_single_run():
    run("aaab", fold=0)
    run("aaab", fold=1, first=4, state="queued")
    assert repeats.intervals(rows())[0] == {}


def test_seeds_have_student_s_interval_over_their_results():
    for seed, answers in enumerate(("aaaab", "aaabb", "aabbb")):  # 0.8, 0.6, 0.4: mean 0.6, deviation 0.2
        run(answers, seed=seed)
    found, sentence = repeats.intervals(rows())
    half = 4.302652729911275 * 0.2 / 3**0.5  # t of 2 degrees of freedom at 97.5 %
    assert found["accuracy"] == Estimate(pytest.approx(0.6), pytest.approx(0.6 - half), 1.0)  # cut off at the largest accuracy there is
    assert "Student’s t over 3 seeds" in sentence
    assert "not for other images" in sentence


def test_seeds_of_whole_cross_validations_count_once_each():
    for seed, (one, other) in enumerate((("aaaa", "aaab"), ("aaab", "aabb"))):  # 7/8 and 5/8: mean 0.75, deviation 0.1768
        run(one, seed=seed, fold=0)
        run(other, seed=seed, fold=1, first=4)
    found, sentence = repeats.intervals(rows())
    half = 12.706204736432095 * 0.1767766952966369 / 2**0.5
    assert found["accuracy"].value == 0.75
    assert found["accuracy"].low == pytest.approx(max(0, 0.75 - half))
    assert "pooled results of 2 seeds, 2 folds each" in sentence


def test_metrics_that_a_seed_lacks_have_no_interval():
    run("aaab", seed=0, roc_auc=0.9)
    run("aaab", seed=1)
    assert "roc_auc" not in repeats.intervals(rows())[0]


def test_a_single_run_keeps_its_own_interval():
    run("aaab")
    found, sentence = repeats.intervals(rows())
    assert found == {"accuracy": Estimate(0.75, 0.6, 0.9)}
    assert sentence.startswith("One run")


def test_a_run_that_was_repeated_counts_once():
    run("aaaa", fold=0)
    run("aabb", fold=1, first=4)
    again = run("abbb", fold=0)
    again.write_status(again.status().model_copy(update={"created": again.status().created + 5}))
    assert repeats.intervals(rows())[0]["accuracy"].value == 3 / 8


def test_nothing_is_said_of_runs_that_are_not_done():
    run("a", state="running")
    assert repeats.intervals(rows()) == ({}, "No run is done yet.")


def test_folds_that_share_images_are_refused():
    run("aaab", fold=0)
    run("aabb", fold=1, first=2)
    with pytest.raises(UnusableRun, match=r"Folds test each image once. Received: 2 images in several"):
        repeats.intervals(rows())
