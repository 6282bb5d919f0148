"""Named recipes: each composes, and says its assumptions; a file is a recipe too."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidSpec, UnknownName, UnusableData
from core.models import registry
from core.recipes import catalogue
from core.recipes.recipe import DataSpec, Recipe, compose

DATA = DataSpec(name="set", sha256="0" * 64, classes=("a", "b", "c"))
every_entry = pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.name)


@every_entry
def test_every_entry_composes_on_any_data(entry: catalogue.Entry) -> None:
    recipe = catalogue.make(DATA, entry.name)
    assert (recipe.data, recipe.model) == (DATA, entry.model)
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert catalogue.make(DATA, entry.name).id == recipe.id


@every_entry
def test_every_change_of_an_entry_is_a_change(entry: catalogue.Entry) -> None:
    """A field that repeats the default would be a second place for the same number."""
    for field in entry.changes:
        without = {name: value for name, value in entry.changes.items() if name != field}
        assert compose(DATA, entry.model, **without) != catalogue.make(DATA, entry.name), field


@every_entry
def test_an_entry_of_a_paper_names_its_table_and_what_it_assumes(entry: catalogue.Entry) -> None:
    assert entry.title
    assert bool(entry.paper) == bool(entry.table)
    if entry.paper:
        assert entry.paper in registry.get(entry.model).papers
        assert entry.assumptions


def test_names_are_unique() -> None:
    names = [entry.name for entry in catalogue.entries()]
    assert len(set(names)) == len(names)


def test_alasfoor_is_trained_as_table_2_says() -> None:
    recipe = catalogue.make(DATA, "alasfoor-2020")
    assert (recipe.optimiser.name, recipe.optimiser.lr, recipe.optimiser.momentum) == ("sgd", 0.01, 0.9)
    assert (recipe.schedule.name, recipe.schedule.drop_every, recipe.schedule.drop_factor) == ("step", 5, 0.2)
    assert (recipe.epochs, recipe.batch_size, recipe.image.size) == (20, 64, 224)
    assert recipe.image.normalisation == "train-mean-image"
    assert set(recipe.augmentation.model_dump().values()) == {0}


def test_changes_win_over_the_entry_and_none_leaves_it() -> None:
    recipe = catalogue.make(DATA, "alasfoor-2020", **{"optimiser.lr": 0.5, "epochs": None, "seed": 3})
    assert (recipe.optimiser.lr, recipe.optimiser.name, recipe.epochs, recipe.seed) == (0.5, "sgd", 20, 3)
    assert catalogue.make(DATA, "alasfoor-2020").optimiser.lr == 0.01  # the entry itself is as it was


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"A recipe is chosen by its name\. Received: 'alasfor'\. Did you mean alasfoor-2020\?"):
        catalogue.make(DATA, "alasfor")


def test_a_file_is_a_recipe_on_other_data(tmp_path: Path) -> None:
    stored = catalogue.make(DATA, "alasfoor-2020", seed=7)
    (tmp_path / "mine.json").write_text(stored.to_json(), encoding="utf-8")
    other = DataSpec(name="other", sha256="1" * 64, classes=("x", "y"))
    recipe = catalogue.make(other, str(tmp_path / "mine.json"), epochs=3)
    assert recipe == stored.model_copy(update={"data": other, "epochs": 3})


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"gone\.json \(No such file or directory\)\. Check the path"):
        catalogue.make(DATA, str(tmp_path / "gone.json"))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(UnusableData, match=r"bytes\.json"):
        catalogue.make(DATA, str(tmp_path / "bytes.json"))


def test_a_file_says_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    broken = catalogue.make(DATA, "demo").to_json().replace('"epochs": 8', '"epochs": 0, "epoch": 3')
    (tmp_path / "broken.json").write_text(broken, encoding="utf-8")
    with pytest.raises(InvalidSpec, match=r"epochs is at least 1\. Received: 0(?s:.)*Received: epoch\. Did you mean epochs\?"):
        catalogue.make(DATA, str(tmp_path / "broken.json"))
