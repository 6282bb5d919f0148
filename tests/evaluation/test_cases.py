"""The images behind the figures are found, in order, and so are their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data import library, subset
from core.errors import UnknownName, UnusableData
from core.evaluation import cases
from core.evaluation.predicted import Predicted
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store

CLASSES = ("a", "b", "c")


def table(**images: tuple[str, tuple[float, float, float]]) -> pd.DataFrame:
    """name=(label, probabilities)"""
    rows = [
        {
            "sample_id": name,
            "label": label,
            "patient_id": "",
            "split": "test",
            **{f"probability_{c}": p for c, p in zip(CLASSES, shares, strict=True)},
        }
        for name, (label, shares) in images.items()
    ]
    return pd.DataFrame(rows)


ANSWERS = table(
    sure=("a", (0.9, 0.1, 0.0)),
    right=("a", (0.6, 0.3, 0.1)),
    wrong=("a", (0.3, 0.7, 0.0)),
    worse=("a", (0.1, 0.9, 0.0)),
    hopeless=("c", (0.2, 0.8, 0.0)),
)


def given(name: str, labels: str, true: str) -> Predicted:
    """A run that gives the i-th image of class true[i] the label labels[i], with probability 0.8."""
    shares = [tuple(0.8 if c == label else 0.1 for c in CLASSES) for label in labels]
    return Predicted(name, CLASSES, table(**{f"image{i}": (t, s) for i, (t, s) in enumerate(zip(true, shares, strict=True))}))


def test_a_cell_holds_its_images_the_most_confident_first() -> None:
    found = cases.cell(ANSWERS, CLASSES, "a", "b")
    assert found.columns.tolist() == ["sample_id", "label", "predicted", "confidence", "loss"]
    assert found["sample_id"].tolist() == ["worse", "wrong"]
    assert found["confidence"].tolist() == [0.9, 0.7]
    assert found["loss"].tolist() == pytest.approx([-np.log(0.1), -np.log(0.3)])


def test_the_cells_hold_every_image_once() -> None:
    found = pd.concat(cases.cell(ANSWERS, CLASSES, true, predicted) for true in CLASSES for predicted in CLASSES)
    assert sorted(found["sample_id"]) == sorted(ANSWERS["sample_id"])


def test_an_empty_cell_is_an_empty_table() -> None:
    assert cases.cell(ANSWERS, CLASSES, "b", "c").empty


def test_a_cell_of_no_class_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="class is chosen by its name"):
        cases.cell(ANSWERS, CLASSES, "a", "d")


def test_top_losses_are_the_highest_and_finite() -> None:
    found = cases.top_losses(ANSWERS, CLASSES, 3)
    assert found["sample_id"].tolist() == ["hopeless", "worse", "wrong"]
    assert np.isfinite(found["loss"]).all()
    assert len(cases.top_losses(ANSWERS, CLASSES, 99)) == 5


def test_confident_errors_leave_out_what_is_right() -> None:
    assert cases.confident_errors(ANSWERS, CLASSES, 2)["sample_id"].tolist() == ["worse", "hopeless"]
    assert cases.confident_errors(ANSWERS, CLASSES, 9)["sample_id"].tolist() == ["worse", "hopeless", "wrong"]


def test_what_all_runs_miss_is_missed_by_each() -> None:
    found = cases.missed_by_all([given("one", "abcb", "aaaa"), given("two", "bbba", "aaaa")])
    assert found["sample_id"].tolist() == ["image1", "image2"]
    assert found[["one", "two"]].to_numpy().tolist() == [["b", "b"], ["c", "b"]]
    assert found["mean_loss"].tolist() == pytest.approx([-np.log(0.1)] * 2)


def test_disagreements_come_the_most_split_first() -> None:
    found = cases.disagreements([given("one", "aaaa", "abca"), given("two", "aaba", "abca"), given("three", "abca", "abca")])
    assert found["sample_id"].tolist() == ["image2", "image1"]
    assert found["split"].tolist() == pytest.approx([1, 2 / 3])
    assert found.loc[0, ["label", "one", "two", "three"]].tolist() == ["c", "a", "b", "c"]


def test_only_images_that_all_runs_were_tested_on_are_compared() -> None:
    more, fewer = given("more", "abc", "aaa"), given("fewer", "ba", "aa")
    assert cases.disagreements([more, fewer])["sample_id"].tolist() == ["image0", "image1"]


def test_a_run_never_disagrees_with_itself() -> None:
    assert cases.disagreements([given("one", "abc", "aaa")]).empty


def test_a_sample_is_found_in_its_data_set_and_a_copy_where_its_image_lies(make_folder: Callable[..., Path]) -> None:
    folder = make_folder({"a": 2, "b": 1})
    (folder / "b" / "000.png").rename(folder / "b" / "odd#1.png")
    manifest = library.open_dataset(str(folder))
    copies = subset.expand(manifest, {"a": 3}).table
    sample = copies["path"][1] + "#" + copies["sha256"][1].partition("#")[2]  # as runs name it
    assert cases.image_of(manifest, sample) == folder / "a" / "000.png"
    assert cases.image_of(manifest, "b/odd#1.png") == folder / "b" / "odd#1.png"
    run = store.create(compose(DataSpec.of(manifest), "alasfoor-cnn22"))
    assert cases.path_of(run, "a/001.png") == folder / "a" / "001.png"


def test_an_image_that_moved_is_named(make_folder: Callable[..., Path]) -> None:
    folder = make_folder({"a": 2, "b": 1})
    manifest = library.open_dataset(str(folder))
    (folder / "a" / "000.png").unlink()
    with pytest.raises(UnusableData, match=r"a/000\.png, which is gone"):
        cases.image_of(manifest, "a/000.png")
    with pytest.raises(UnusableData, match=r"a/009\.png, which set does not have"):
        cases.image_of(manifest, "a/009.png")
