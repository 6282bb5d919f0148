"""A recipe is frozen content with an id, and says everything that is wrong with it at once."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.data.images import RESIZES
from core.errors import InvalidSpec, UnknownName
from core.models import registry
from core.models.registry import Normalisation
from core.recipes.recipe import Recipe, compose, refuse_misfits
from core.recipes.specs import DataSpec, SubsetSpec

DATA = DataSpec(name="set", sha256="0" * 64, classes=("a", "b"))
NO_CHANGE = {"rotation": 0.0, "zoom": 0.0, "shift": 0.0, "brightness": 0.0, "contrast": 0.0}
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)

CONTENT = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {"name": NAMES, "sha256": st.text("0123456789abcdef", max_size=64), "classes": st.lists(NAMES, min_size=2, max_size=4)},
            optional={"synthetic": st.booleans()},
        ),
        "model": st.sampled_from(registry.names()),
        "image": st.fixed_dictionaries(
            {"size": st.integers(8, 2048)},
            optional={"resize": st.sampled_from(RESIZES), "normalisation": st.sampled_from(get_args(Normalisation))},
        ),
    },
    optional={
        "split": st.fixed_dictionaries({"folds": st.integers(2, 50), "fold": st.integers(0, 1), "seed": st.integers(0, 2**32 - 1)}),
        "augmentation": st.fixed_dictionaries(
            {}, optional={"rotation": st.floats(0, 180), "flip": st.booleans(), "zoom": st.floats(0, 0.9)}
        ),
        "optimiser": st.fixed_dictionaries(
            {}, optional={"lr": st.floats(0, 10, exclude_min=True), "name": st.sampled_from(["sgd", "adam", "adamw"])}
        ),
        "schedule": st.fixed_dictionaries({}, optional={"warmup_epochs": st.floats(0, 1e6), "drop_every": st.integers(1, 10**6)}),
        "epochs": st.integers(1, 10_000),
        "batch_size": st.integers(2, 8192),
        "seed": st.integers(0, 2**32 - 1),
        "reference": st.booleans(),
    },
)


def problems(**changes: Any) -> list[str]:
    """What `compose` refuses `changes` with."""
    with pytest.raises(InvalidSpec) as refusal:
        compose(DATA, "resnet18", **changes)
    return [str(problem) for problem in refusal.value.problems]


@given(content=CONTENT)
@settings(max_examples=60, deadline=None)
def test_json_gives_the_same_recipe_and_the_same_id_back(content: dict[str, Any]) -> None:
    recipe = Recipe.model_validate(content)
    back = Recipe.from_json(recipe.to_json())
    assert back == recipe
    assert back.id == recipe.id
    assert back.to_json() == recipe.to_json()


@given(one=CONTENT, other=CONTENT)
@settings(max_examples=60, deadline=None)
def test_ids_are_equal_exactly_where_the_content_is(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = Recipe.model_validate(one), Recipe.model_validate(other)
    assert (first.id == second.id) == (first == second)


@pytest.mark.parametrize(
    "change",
    [
        {"data.sha256": "1" * 64},
        {"data.classes": ("b", "a")},
        {"split.seed": 1},
        {"image.size": 225},
        {"image.resize": "pad"},
        {"augmentation.flip": True},
        {"loss.class_weights": "balanced"},
        {"optimiser.lr": 0.0011},
        {"schedule.name": "cosine"},
        {"epochs": 11},
        {"keep": "last"},
        {"seed": 1},
        {"precision": "fp32"},
        {"reference": True},
    ],
    ids=str,
)
def test_every_change_of_content_changes_the_id(change: dict[str, Any]) -> None:
    assert compose(DATA, "resnet18", **change).id != compose(DATA, "resnet18").id


def test_how_a_value_was_given_does_not_change_the_id() -> None:
    plain = compose(DATA, "resnet18")
    said = compose(DATA, "resnet18", **{"optimiser": {"lr": 0.001}, "augmentation.rotation": 7, "epochs": None, "batch_size": 32})
    assert said == plain
    assert said.id == plain.id
    shuffled = json.dumps(dict(reversed(json.loads(plain.to_json()).items())))
    assert Recipe.from_json(shuffled).id == plain.id


def test_an_id_is_the_same_on_every_machine_and_day() -> None:
    recipe = compose(DATA, "resnet18", epochs=3)
    assert recipe.id == Recipe.model_validate(recipe.model_dump()).id == "259a7b3bccde"


def test_a_recipe_is_frozen_to_its_leaves() -> None:
    recipe = compose(DATA, "resnet18")
    for place, field, value in ((recipe, "epochs", 3), (recipe.optimiser, "lr", 0.1), (recipe.data, "classes", ("a",))):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(place, field, value)
    assert isinstance(recipe.data.classes, tuple)


def test_a_composed_recipe_has_the_models_own_image_size_and_keeps_what_it_was_given_apart() -> None:
    assert compose(DATA, "alasfoor-cnn22").image.size == registry.get("alasfoor-cnn22").image_size
    given_dict = {"lr": 0.01}
    first = compose(DATA, "resnet18", **{"optimiser": given_dict, "optimiser.momentum": 0.5})
    assert (first.optimiser.lr, first.optimiser.momentum) == (0.01, 0.5)
    assert given_dict == {"lr": 0.01}


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems(**{"epochs": 0, "optimiser.lr": -1, "optimizer": "sgd", "split.fold": 7, "precision": "fp8"})
    assert len(found) == 5
    text = "\n".join(found)
    for part in (
        "epochs is at least 1. Received: 0. Choose a value that is at least 1.",
        "optimiser.lr is greater than 0.0. Received: -1.",
        "Received: optimizer. Did you mean optimiser?",
        "the last of 5 is 4, not 7",
        "precision is one of 'auto', 'fp32' or 'bf16'. Received: 'fp8'.",
    ):
        assert part in text


def test_an_unknown_field_suggests_the_nearest_at_any_depth() -> None:
    assert problems(**{"schedule.warm_up_epochs": 1}) == [
        "A recipe has named fields only. Received: schedule.warm_up_epochs. Did you mean warmup_epochs?"
    ]
    assert problems(**{"qqqqq": 1}) == ["A recipe has named fields only. Received: qqqqq. Remove it."]


def test_a_field_inside_a_value_is_refused_in_words() -> None:
    for field in ("model.size", "image.size.width", "epochs.number"):
        assert problems(**{field: 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "many", [1]])
@pytest.mark.parametrize("field", ["optimiser.lr", "augmentation.rotation", "epochs"])
def test_what_is_no_finite_number_is_refused(field: str, value: object) -> None:
    (found,) = problems(**{field: value})
    assert field in found
    assert f"Received: {value!r}." in found


def test_nan_in_a_file_is_refused() -> None:
    content = json.loads(compose(DATA, "resnet18").to_json())
    content["optimiser"]["lr"] = float("nan")
    with pytest.raises(InvalidSpec, match=r"optimiser\.lr"):
        Recipe.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "{}"])
def test_a_text_that_is_no_recipe_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidSpec, match=r"Received: "):
        Recipe.from_json(text)


def test_data_has_at_least_two_classes() -> None:
    assert problems(**{"data.classes": ("a",)}) == [
        "data.classes is of a length of at least 2. Received: ('a',). Choose a value that is of a length of at least 2."
    ]


@pytest.mark.parametrize("name", registry.names())
def test_images_smaller_than_the_model_takes_are_refused_with_both_sizes(name: str) -> None:
    smallest = max(registry.get(name).smallest, 8)  # no recipe goes below 8 px
    assert compose(DATA, name, **{"image.size": smallest}).image.size == smallest
    with pytest.raises(InvalidSpec, match=rf"at least {smallest}( px)?\. Received: (image size )?{smallest - 1}\. Choose"):
        compose(DATA, name, **{"image.size": smallest - 1})


def test_a_batch_larger_than_the_training_part_is_refused() -> None:
    recipe = compose(DATA, "resnet18", batch_size=32)
    refuse_misfits(recipe, training_images=32)
    with pytest.raises(InvalidSpec, match=r"batch size 32 for 31 training images\. Choose a batch size of at most 31"):
        refuse_misfits(recipe, training_images=31)


def test_size_and_batch_are_refused_together() -> None:
    recipe = compose(DATA, "resnet18").model_copy(update={"image": compose(DATA, "alasfoor-cnn22", **{"image.size": 16}).image})
    with pytest.raises(InvalidSpec) as refusal:
        refuse_misfits(recipe, training_images=3)
    assert len(refusal.value.problems) == 2


@pytest.mark.parametrize("images", [0, 1])
def test_a_training_part_without_two_images_is_refused_in_its_own_words(images: int) -> None:
    with pytest.raises(InvalidSpec, match=rf"at least two images(?s:.)*Received: {images} training image") as refusal:
        refuse_misfits(compose(DATA, "resnet18"), training_images=images)
    assert len(refusal.value.problems) == 1


def test_a_single_class_is_refused() -> None:
    one = compose(DATA, "resnet18").model_copy(update={"data": DATA.model_copy(update={"classes": ("a",)})})
    with pytest.raises(InvalidSpec, match=r"at least two classes\. Received: a\."):
        refuse_misfits(one)


@pytest.mark.parametrize("stages", [[(3, 0.5), (3, 0.2)], [(6, 0.5), (3, 0.2)], [(-1, 0.5)]])
def test_stages_that_do_not_follow_each_other_are_refused(stages: list[tuple[int, float]]) -> None:
    (found,) = problems(**{"schedule": {"name": "stages", "stages": stages}})
    assert "stages begin one after the other" in found


@pytest.mark.parametrize(("folds", "fold"), [(5, 5), (2, 3)])
def test_a_fold_that_is_not_there_is_refused(folds: int, fold: int) -> None:
    (found,) = problems(**{"split.folds": folds, "split.fold": fold})
    assert f"the last of {folds} is {folds - 1}, not {fold}" in found


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean resnet18"):
        compose(DATA, "resnet81")


def test_seeds_and_folds_are_repeats_of_one_experiment_and_anything_else_is_another() -> None:
    recipe = compose(DATA, "alasfoor-cnn22")
    for changes in ({"seed": 3}, {"split.seed": 4}, {"split.fold": 2}):
        other = compose(DATA, "alasfoor-cnn22", **changes)
        assert other.id != recipe.id
        assert other.experiment == recipe.experiment
    assert compose(DATA, "alasfoor-cnn22", **{"split.folds": 4}).experiment != recipe.experiment


@pytest.mark.parametrize(
    ("changes", "views"),
    [
        ({"frozen": False, "frozen_views": 8}, 0),
        ({"frozen_views": 0}, 0),
        ({"frozen_views": 8}, 8),
        ({"frozen_views": 60}, 10),  # more views than epochs are never seen
        ({"frozen_views": 0, "augmentation": NO_CHANGE}, 1),
        ({"frozen_views": 8, "augmentation": NO_CHANGE}, 1),
        ({"frozen_views": 0, "copies": {"of": {"a": 2}, "before_split": True}}, 1),  # the copies are all the change there is
    ],
)
def test_a_frozen_trunk_runs_once_a_view_where_its_input_comes_again(changes, views) -> None:
    recipe = compose(DATA, "resnet18", **({"frozen": True, "epochs": 10} | changes))
    assert recipe.feature_views == views
    assert bool(recipe.notes) == bool(views)


def test_the_note_says_how_many_views_the_epochs_take_in_turn() -> None:
    recipe = compose(DATA, "resnet18", frozen=True, frozen_views=8, epochs=10)
    assert recipe.notes == (
        "The trunk’s features are computed once for 8 augmented views of every training image, which the epochs take in turn.",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"augmentation": {"only": ["a"]}}, "images of a alone.*Test images do not bear it"),
        ({"copies": {"of": {"a": 3}, "before_split": True}}, "images of a alone.*test part bear it"),
    ],
)
def test_augmentation_of_some_labels_alone_is_cautioned_against(changes: dict[str, Any], said: str) -> None:
    assert re.search(said, "\n".join(compose(DATA, "resnet18", **changes).cautions))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"copies": {"of": {"a": 3}}},  # drawn more often, and augmented like the rest
        {"augmentation": {"only": ["a", "b"]}},
        {"augmentation": NO_CHANGE | {"only": ["a"]}},
    ],
)
def test_labels_that_augmentation_does_not_tell_apart_need_no_caution(changes: dict[str, Any]) -> None:
    assert compose(DATA, "resnet18", **changes).cautions == ()


def test_each_of_several_processes_has_two_images_of_a_batch() -> None:
    settings_ = {"execution.processes": 4, "image.size": 32}
    with pytest.raises(InvalidSpec, match="batch size 7 for 4 processes"):
        compose(DATA, "alasfoor-cnn22", batch_size=7, **settings_)
    recipe = compose(DATA, "alasfoor-cnn22", batch_size=8, **settings_)
    assert recipe.notes[-1].startswith("4 processes share each batch: on a processor, batch normalisation sees each one’s part")


def test_cuda_graphs_are_for_one_process() -> None:
    with pytest.raises(InvalidSpec, match="replayed in one process, not in 2"):
        compose(DATA, "alasfoor-cnn22", **{"image.size": 32, "execution": {"cuda_graphs": True, "processes": 2}})


@pytest.mark.parametrize(
    ("subset", "text"),
    [
        ({}, ""),
        ({"seed": 3}, ""),
        ({"labels": ("a", "b")}, "a, b"),
        ({"labels": ("a", "b"), "caps": {"b": 1500}}, "a, ≤ 1,500 b"),
        ({"caps": {"b": 5}, "seed": 3}, "≤ 5 b, draw 3"),
    ],
)
def test_the_part_of_a_data_set_is_told_in_words(subset, text):
    assert SubsetSpec(**subset).text == text
