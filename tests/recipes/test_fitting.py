"""A recipe meets its data, and what does not fit is said before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.data import library
from core.data.manifest import COLUMNS, Manifest
from core.data.splits import split
from core.errors import InvalidSpec, UnknownName, UnusableData
from core.recipes import catalogue, fitting
from core.recipes.specs import DataSpec

MakeFolder = Callable[..., Path]


@pytest.fixture
def data(make_folder: MakeFolder) -> Manifest:
    return library.open_dataset(str(make_folder({"a": 12, "b": 12}, patients=2)))


def test_a_draft_has_every_choice_but_no_data() -> None:
    draft = fitting.draft(model="resnet18", **{"epochs": 3, "optimiser.lr": None})
    assert draft.data == fitting.NO_DATA
    assert (draft.model, draft.epochs, draft.optimiser.lr) == ("resnet18", 3, 0.001)
    assert fitting.draft(recipe="demo", epochs=2) == catalogue.make(fitting.NO_DATA, "demo", epochs=2)


def test_a_draft_is_checked_before_the_data_is_opened() -> None:
    with pytest.raises(InvalidSpec, match=r"epochs is at least 1(?s:.)*batch_size is at least 2"):
        fitting.draft(model="resnet18", epochs=0, batch_size=1)
    with pytest.raises(UnknownName, match="A recipe is chosen by its name"):
        fitting.draft(recipe="nowhere")
    for model in (None, "", "resnet81"):
        with pytest.raises(UnknownName, match="A model is chosen by its name"):
            fitting.draft(model=model)


def test_fitting_puts_the_data_in_and_gives_the_split_of_the_recipe(data: Manifest) -> None:
    draft = fitting.draft(model="resnet18", **{"batch_size": 4, "split.folds": 3, "split.fold": 2, "split.seed": 5})
    recipe, parts = fitting.fit(draft, data)
    assert recipe == draft.model_copy(update={"data": DataSpec.of(data)})
    assert recipe.data.classes == ("a", "b")
    assert (parts.part == split(data, folds=3, fold=2, validation_folds=5, seed=5).part).all()
    assert parts.grouped


def test_fitting_twice_changes_nothing(data: Manifest) -> None:
    once, _ = fitting.fit(fitting.draft(model="resnet18", batch_size=4), data)
    assert fitting.fit(once, data)[0] == once


def test_a_batch_larger_than_the_training_part_is_refused(data: Manifest) -> None:
    training = len(fitting.fit(fitting.draft(model="resnet18", batch_size=2), data)[1].rows("train"))
    fitting.fit(fitting.draft(model="resnet18", batch_size=training), data)
    with pytest.raises(InvalidSpec, match=rf"batch size {training + 1} for {training} training images"):
        fitting.fit(fitting.draft(model="resnet18", batch_size=training + 1), data)


def test_data_that_cannot_be_split_is_refused(make_folder: MakeFolder) -> None:
    with pytest.raises(UnusableData, match="at least two classes"):
        fitting.fit(fitting.draft(model="resnet18"), library.open_dataset(str(make_folder({"a": 9}))))


@pytest.fixture(scope="module")
def chests() -> Manifest:
    """Three classes, two images a patient; there are no files, which fitting does not open."""
    images = [(label, i) for label, count in (("Covid-19", 90), ("No_findings", 100), ("Pneumonia", 60)) for i in range(count)]
    rows = [(f"{label}/{i}.png", label, f"{label} {i // 2}", "made", "PA", f"{label}{i}") for label, i in images]
    return Manifest("chests", Path("/nowhere"), pd.DataFrame(rows, columns=COLUMNS))


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.name)
def test_every_entry_fits_three_classes_of_chests(entry: catalogue.Entry, chests: Manifest) -> None:
    recipe, parts = fitting.fit(fitting.draft(recipe=entry.name), chests)
    rows = fitting.trained_on(recipe, chests)
    assert len(parts.part) == len(rows)
    assert parts.grouped == (not recipe.copies.before_split)
    assert fitting.fit(recipe, chests)[0] == recipe
    assert recipe.data == DataSpec.of(fitting.taken(recipe, chests))
    assert catalogue.differences(recipe) == []
    named = {*recipe.subset.labels, *recipe.subset.caps, *recipe.copies.of, *recipe.augmentation.only}
    assert named <= set(recipe.data.classes)


def test_bansal_takes_70_and_80_images(chests: Manifest) -> None:
    recipe, parts = fitting.fit(fitting.draft(recipe="bansal-2020-vgg16"), chests)
    assert fitting.taken(recipe, chests).class_counts() == {"Covid-19": 70, "No_findings": 80}
    assert recipe.data.classes == ("Covid-19", "No_findings")
    assert recipe.data.name == chests.name
    assert len(parts.part) == 150


def test_copies_before_the_split_make_it_ungrouped_and_stand_in_training_and_test(chests: Manifest) -> None:
    recipe, parts = fitting.fit(fitting.draft(recipe="lacruz-2020-xception-as-published"), chests)
    rows = fitting.trained_on(recipe, chests)
    assert rows.class_counts() == {"Covid-19": 540, "No_findings": 100, "Pneumonia": 60}
    assert not parts.grouped
    paths = rows.table["path"]
    assert set(paths[parts.rows("train")]) & set(paths[parts.rows("test")])
    assert recipe.data == DataSpec.of(chests)


def test_copies_after_the_split_leave_rows_and_patients_alone(chests: Manifest) -> None:
    recipe, parts = fitting.fit(fitting.draft(recipe="lacruz-2020-xception"), chests)
    assert fitting.trained_on(recipe, chests) is chests
    assert parts.grouped
    assert recipe.copies.of == {"Covid-19": 6}


def test_classes_that_the_set_lacks_are_named_together(data: Manifest) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        fitting.fit(fitting.draft(recipe="zhong-2020"), data)
    assert [problem.rule for problem in refusal.value.problems] == [
        f"The data set has the class {name}." for name in ("COVID-19", "Normal", "Pneumonia")
    ]


def test_a_class_that_the_subset_leaves_out_is_not_used(chests: Manifest) -> None:
    draft = fitting.draft(model="resnet18", **{"subset.labels": ["Normal", "COVID-19"], "copies.of": {"Pneumonia": 2}})
    with pytest.raises(InvalidSpec, match=r"the class Pneumonia\. Received: classes Covid-19, No_findings"):
        fitting.fit(draft, chests)


def test_a_subset_of_one_class_is_refused_before_the_data_is_opened() -> None:
    with pytest.raises(InvalidSpec, match=r"at least two classes\. Received: Normal"):
        fitting.draft(model="resnet18", **{"subset.labels": ["Normal"]})


def test_many_drafts_are_fitted_as_each_would_be_and_a_misfit_stands_in_its_place(data: Manifest) -> None:
    settings: list[dict[str, object]] = [{"seed": 3, "split.seed": 3}, {"batch_size": 500}, {"subset.labels": ["a", "x"]}, {"epochs": 7}]
    drafts = [fitting.draft(model="alasfoor-cnn22", **{"batch_size": 8, **each}) for each in settings]
    first, large, foreign, last = fitting.fit_each(drafts, data)
    for found, draft in ((first, drafts[0]), (last, drafts[3])):
        assert isinstance(found, fitting.Fitted)
        recipe, parts = fitting.fit(draft, data)
        assert (found.recipe, found.training_images) == (recipe, len(parts.rows("train")))
    assert isinstance(large, InvalidSpec)
    assert isinstance(foreign, InvalidSpec)


def test_a_split_that_drafts_share_is_drawn_once(data: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("core.data.splits.split", lambda *arguments, **settings: calls.append(1) or split(*arguments, **settings))
    fitting.fit_each([fitting.draft(model="alasfoor-cnn22", batch_size=8, epochs=epochs) for epochs in (1, 2, 3)], data)
    assert len(calls) == 1


def test_a_recipe_takes_another_network_and_keeps_its_settings() -> None:
    draft = fitting.draft(recipe="demo", model="alasfoor-cnn22")
    assert (draft.name, draft.model, draft.image.size, draft.epochs) == ("demo", "alasfoor-cnn22", 128, 8)
