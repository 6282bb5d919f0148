"""Every class that a recipe names becomes the data set's own, and back again is not needed: a second time changes nothing."""

from __future__ import annotations

import pytest

from core.errors import InvalidSpec
from core.recipes.labels import renamed, resolved
from core.recipes.recipe import Recipe, compose
from core.recipes.specs import DataSpec

DATA = DataSpec(name="set", sha256="", classes=("a", "b"))


@pytest.fixture
def recipe() -> Recipe:
    changes = {
        "subset": {"labels": ["COVID-19", "Normal"], "caps": {"COVID-19": 5}},
        "copies.of": {"Normal": 2},
        "augmentation.only": ["COVID-19"],
        "loss.class_weights": {"COVID-19": 3, "Normal": 1},
    }
    return compose(DATA, "resnet18", **changes)


def test_classes_are_renamed_in_every_place_that_names_them(recipe: Recipe) -> None:
    found = renamed(recipe, str.lower)
    assert (found.subset.labels, found.subset.caps) == (("covid-19", "normal"), {"covid-19": 5})
    assert (found.copies.of, found.augmentation.only) == ({"normal": 2}, ("covid-19",))
    assert found.loss.class_weights == {"covid-19": 3, "normal": 1}
    assert Recipe.from_json(found.to_json()) == found


def test_resolving_twice_changes_nothing_and_a_recipe_without_names_is_left_alone(recipe: Recipe) -> None:
    labels = ("COVID", "Lung_Opacity", "No_findings")
    once = resolved(recipe, labels)
    assert once.subset.labels == ("COVID", "No_findings")
    assert resolved(once, labels) == once
    plain = compose(DATA, "resnet18", **{"loss.class_weights": "balanced"})
    assert resolved(plain, labels) == plain


def test_a_name_that_is_missing_in_several_places_is_said_once(recipe: Recipe) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        resolved(recipe, ("COVID", "grade 2"))
    assert [problem.rule for problem in refusal.value.problems] == ["The data set has the class Normal."]
