"""Splits: nothing is lost, nothing stands in two parts, and no patient or file straddles them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data import library, subset
from core.data.manifest import COLUMNS, Manifest
from core.data.splits import PARTS, TOGETHER, Split, copies, groups, split
from core.errors import UnusableData
from core.recipes.recipe import TORN_CAUTIONS
from core.recipes.specs import SplitSpec

LAW = settings(max_examples=25, deadline=None)
SHARES = st.fixed_dictionaries({"folds": st.integers(2, 8), "validation_folds": st.integers(2, 8), "seed": st.integers(0, 2**32 - 1)})
DEFAULT = {"folds": 5, "fold": 0, "validation_folds": 5, "seed": 0}

pytestmark = pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")


def manifest(labels: list[str], patients: list[str] | None = None, files: list[str] | None = None) -> Manifest:
    rows = len(labels)
    columns = ([f"{i}.png" for i in range(rows)], labels, patients or [""] * rows, [""] * rows, [""] * rows)
    table = pd.DataFrame(dict(zip(COLUMNS, (*columns, files or [str(i) for i in range(rows)]), strict=True)), dtype=str)
    return Manifest("set", Path("/data"), table)


@st.composite
def manifests(draw: st.DrawFn, known: bool = True) -> Manifest:
    """Two or three classes of 5 to 25 images; where `known`, with patients (some unknown) and files that occur more than once."""
    counts = draw(st.lists(st.integers(5, 25), min_size=2, max_size=3))
    labels = [f"class {i}" for i, count in enumerate(counts) for _ in range(count)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if not known:
        return manifest(labels)
    patients = [f"p{i}" if i else "" for i in rng.integers(0, draw(st.integers(10, 60)), len(labels))]
    return manifest(labels, patients, [str(i) for i in rng.integers(0, draw(st.integers(20, 500)), len(labels))])


def try_split(data: Manifest, fold: int = 0, **shares: int) -> Split | None:
    """The split, or None where it is refused in words."""
    try:
        return split(data, fold=fold, **shares)
    except UnusableData:
        return None


@LAW
@given(data=manifests(), shares=SHARES, draw=st.data())
def test_a_split_keeps_every_row_every_class_and_every_patient_together(
    data: Manifest, shares: dict[str, int], draw: st.DataObject
) -> None:
    parts = try_split(data, draw.draw(st.integers(0, shares["folds"] - 1), "fold"), **shares)
    assume(parts is not None)
    assert sorted(np.concatenate([parts.rows(part) for part in PARTS])) == list(range(len(data)))
    table = data.table.assign(part=parts.part)
    assert table[table["patient_id"] != ""].groupby("patient_id")["part"].nunique().eq(1).all()
    assert table.groupby("sha256")["part"].nunique().eq(1).all()
    counts = parts.counts(data)
    assert (counts > 0).all(axis=None)
    assert list(counts.index) == list(data.classes)
    assert counts.sum(axis=1).to_dict() == data.class_counts()
    assert parts.grouped


@LAW
@given(data=manifests(), shares=SHARES)
def test_the_same_seed_gives_the_same_split(data: Manifest, shares: dict[str, int]) -> None:
    one, other = try_split(data, **shares), try_split(data, **shares)
    assert (one is None) == (other is None)
    assert one is None or (one.part == other.part).all()


@LAW
@given(data=manifests(known=False), shares=SHARES)
def test_the_folds_of_one_seed_partition_the_rows(data: Manifest, shares: dict[str, int]) -> None:
    parts = [try_split(data, fold, **shares) for fold in range(shares["folds"])]
    assume(all(part is not None for part in parts))
    tested = np.concatenate([part.rows("test") for part in parts])
    assert sorted(tested) == list(range(len(data)))


def test_classes_are_stratified_over_equal_folds() -> None:
    data = manifest(["a"] * 100 + ["b"] * 50)
    assert split(data, **DEFAULT).counts(data).to_numpy().tolist() == [[64, 16, 20], [32, 8, 10]]


def test_another_seed_and_another_fold_give_another_split() -> None:
    data = manifest(["a"] * 50 + ["b"] * 50)
    first = split(data, **DEFAULT)
    for change in ({"seed": 1}, {"fold": 1}):
        assert (first.part != split(data, **{**DEFAULT, **change}).part).any()


def test_the_global_generator_neither_decides_nor_is_touched() -> None:
    data = manifest(["a"] * 20 + ["b"] * 20)
    np.random.seed(1)
    first, drawn = split(data, **DEFAULT), np.random.random()
    np.random.seed(1)
    assert np.random.random() == drawn
    np.random.seed(2)
    assert (split(data, **DEFAULT).part == first.part).all()


def test_a_split_without_patients_is_called_ungrouped() -> None:
    without = split(manifest(["a"] * 20 + ["b"] * 20), **DEFAULT)
    assert (without.grouped, without.kind) == (False, "ungrouped (patients unknown)")
    one_known = split(manifest(["a"] * 20 + ["b"] * 20, ["p", *[""] * 39]), **DEFAULT)
    assert (one_known.grouped, one_known.kind) == (True, "grouped by patient")


def test_images_tied_by_patient_or_content_are_one_group_through_any_chain() -> None:
    found = groups(manifest(["a"] * 6, ["p", "p", "", "q", "", ""], ["1", "2", "2", "1", "3", "3"]))
    assert found[:4].tolist() == [found[0]] * 4  # p – p, same file as row 2; q has the file of row 0
    assert found[4] == found[5] != found[0]


def test_unknown_patients_are_not_taken_for_one() -> None:
    assert len(set(groups(manifest(["a"] * 4, ["", "", "p", "row 0"])))) >= 3
    assert len(set(groups(manifest(["a"] * 4)))) == 4


def test_everything_that_makes_a_set_unsplittable_is_said_at_once() -> None:
    with pytest.raises(UnusableData) as refusal:
        split(manifest(["only"] * 4), **DEFAULT)
    assert [problem.received for problem in refusal.value.problems] == ["set with 1 (only)", "only with 4"]
    with pytest.raises(UnusableData, match=r"a with 4\. Add images(?s:.)*c with 1\."):
        split(manifest(["a"] * 4 + ["b"] * 9 + ["c"]), **DEFAULT)


def test_a_set_of_one_class_is_refused() -> None:
    with pytest.raises(UnusableData, match=r"at least two classes\. Received: set with 1 \(a\)"):
        split(manifest(["a"] * 40), **DEFAULT)


@pytest.mark.parametrize("shares", [DEFAULT, {**DEFAULT, "folds": 50}, {**DEFAULT, "validation_folds": 50}])
@pytest.mark.parametrize("images", [5, 6, 20])
def test_small_sets_are_split_or_refused_in_words(images: int, shares: dict[str, int]) -> None:
    data = manifest(["a"] * images + ["b"] * images)
    parts = try_split(data, **shares)
    assert parts is None or (parts.counts(data) > 0).all(axis=None)


def test_more_folds_than_images_are_refused_with_the_rule() -> None:
    with pytest.raises(UnusableData, match=r"no more folds than images of the largest class.* Received: 50 folds for 20 and 40\."):
        split(manifest(["a"] * 20 + ["b"] * 20), **{**DEFAULT, "folds": 50})
    with pytest.raises(UnusableData, match=r"no more than patients.* Received: 5 folds for 20 and 1\."):
        split(manifest(["a"] * 20 + ["b"] * 20, ["p"] * 40), **DEFAULT)


def test_a_class_of_a_single_patient_is_refused_with_its_counts() -> None:
    patients = [f"p{i}" for i in range(30)] + ["q"] * 10
    with pytest.raises(UnusableData, match=r"in each of training, validation and test\. Received: b: "):
        split(manifest(["a"] * 30 + ["b"] * 10, patients), **DEFAULT)


@pytest.mark.parametrize("fold", range(5))
def test_large_uneven_classes_with_patients_are_split_in_every_fold(fold: int) -> None:
    """No fold of a set such as people have (many classes, few patients in some) may be refused."""
    labels = ["covid"] * 60 + ["normal"] * 400 + ["pneumonia"] * 400
    patients = [f"{label}-{i // 2}" for i, label in enumerate(labels)]
    data = manifest(labels, patients)
    counts = split(data, **{**DEFAULT, "fold": fold}).counts(data)
    shares = counts.div(counts.sum(axis=1), axis=0)
    assert (abs(shares - [0.64, 0.16, 0.2]) < 0.05).all(axis=None)


@pytest.fixture
def twins(make_folder: Callable[..., Path]) -> Manifest:
    """Twenty images a class; those of class a once more, as BMP: the same pixels in other files."""
    folder = make_folder({"a": 20, "b": 20})
    for path in sorted((folder / "a").glob("*.png")):
        with Image.open(path) as image:
            image.save(path.with_suffix(".bmp"))
    return library.open_dataset(str(folder))


def torn(data: Manifest, parts: Split) -> int:
    """Pictures of class a that stand in more than one part."""
    table = data.table.assign(part=parts.part, picture=data.table["path"].str.rsplit(".").str[0])
    return int((table.groupby("picture")["part"].nunique() > 1).sum())


@pytest.mark.parametrize("fold", range(5))
def test_the_same_pixels_in_two_files_never_straddle_a_split(twins: Manifest, fold: int) -> None:
    assert torn(twins, split(twins, **{**DEFAULT, "fold": fold})) == 0


def test_copies_and_patients_are_torn_apart_where_that_is_asked_for_alone(twins: Manifest) -> None:
    assert torn(twins, split(twins, **DEFAULT, together="patients")) > 0
    patients = manifest(["a"] * 40 + ["b"] * 40, [f"p{i // 2}" for i in range(80)])
    assert split(patients, **DEFAULT, together="patients").grouped
    loose = split(patients, **DEFAULT, together="nothing")
    assert (loose.grouped, loose.kind) == (False, "ungrouped (on purpose)")
    assert patients.table.assign(part=loose.part).groupby("patient_id")["part"].nunique().max() > 1


def test_copies_made_before_a_split_are_not_held_together(twins: Manifest) -> None:
    assert len(copies(twins)) == 20
    assert not len(copies(subset.expand(twins, {"a": 2})))


def test_a_recipe_names_what_a_split_keeps_together_as_the_split_does() -> None:
    assert get_args(SplitSpec.model_fields["together"].annotation) == TOGETHER
    assert set(TORN_CAUTIONS) == set(TOGETHER) - {SplitSpec().together}  # whoever insists is told so beside every figure
