"""Stored answers, read whole or refused by name; images are known by content."""

from __future__ import annotations

import pandas as pd
import pytest

from core.errors import UnusableRun
from core.evaluation.predicted import Predicted, aligned, of_run, shared_images
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store
from core.runs.store import Run


def answers(contents: str, labels: str | None = None, name: str = "run") -> Predicted:
    """An image a letter of `contents`, of class a unless `labels` says otherwise."""
    table = pd.DataFrame({"sample_id": [f"{name}/{i}" for i in range(len(contents))], "sha256": list(contents)})
    table = table.assign(label=list(labels or "a" * len(contents)), patient_id="", split="test", probability_a=0.7, probability_b=0.3)
    return Predicted(name, ("a", "b"), table)


@pytest.fixture
def run() -> Run:
    run = store.create(compose(DataSpec(name="set", sha256="0" * 64, classes=("a", "b")), "alasfoor-cnn22"))
    table = answers("xyzw", "abab").table
    run.write_split(table[["sample_id", "sha256", "patient_id", "label"]].assign(split=["train", "validation", "test", "test"]))
    run.write_predictions(table.drop(columns="sha256").assign(split=["train", "validation", "test", "test"]))
    return run


def test_a_run_s_answers_for_a_part_come_with_the_content_of_each_image(run: Run) -> None:
    found = of_run(run)
    assert (found.name, found.classes) == (run.id, ("a", "b"))
    assert found.table["sha256"].tolist() == ["z", "w"]
    assert found.labels().tolist() == ["a", "a"]
    assert found.right().tolist() == [True, False]
    assert of_run(run, "validation").table["sha256"].tolist() == ["y"]


@pytest.mark.parametrize("file", ["predictions.parquet", "split.parquet"])
@pytest.mark.parametrize("damage", ["gone", "cut short", "another table"])
def test_files_that_are_gone_or_damaged_are_refused_with_run_and_file(run: Run, file: str, damage: str) -> None:
    path = run.folder / file
    if damage == "gone":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:100])
    else:
        pd.DataFrame({"other": [1]}).to_parquet(path)
    with pytest.raises(UnusableRun) as refused:
        of_run(run)
    assert run.id in str(refused.value)
    assert file in str(refused.value)


@pytest.mark.parametrize(("column", "value"), [("probability_a", float("nan")), ("label", "c"), ("split", "train")])
def test_damaged_answers_are_refused_with_run_and_file(run: Run, column: str, value: object) -> None:
    run.write_predictions(run.predictions().assign(**{column: value}))
    with pytest.raises(UnusableRun, match=rf"{run.id}, predictions.parquet"):
        of_run(run)


def test_images_are_the_same_by_content_wherever_they_lie() -> None:
    assert shared_images(answers("xyz", name="here"), answers("zyw", name="there")) == 2


def test_an_image_that_a_set_holds_twice_counts_twice() -> None:
    assert shared_images(answers("xxy"), answers("xxx")) == 2


def test_images_of_unknown_content_are_known_by_their_sample_id() -> None:
    unknown = answers("xyz")
    unknown = Predicted("other", ("a", "b"), unknown.table.drop(columns="sha256"))
    assert shared_images(answers("abc"), unknown) == 3


def test_aligned_runs_have_their_shared_images_in_one_order() -> None:
    first, second = aligned([answers("xyzw", "abab"), answers("wqzyx", "baabb")])
    assert first.table["sha256"].tolist() == second.table["sha256"].tolist()
    assert sorted(first.table["sha256"]) == ["w", "y", "z"]  # x has another label in each
    assert first.table["label"].tolist() == second.table["label"].tolist()
