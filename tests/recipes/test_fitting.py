"""A recipe meets its data, and what does not fit is said before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import library
from core.data.manifest import Manifest
from core.data.splits import split
from core.errors import InvalidSpec, UnknownName, UnusableData
from core.recipes import catalogue, fitting
from core.recipes.recipe import DataSpec

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
