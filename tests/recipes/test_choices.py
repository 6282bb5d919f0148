"""What a form offers for a field is what its spec takes."""

from __future__ import annotations

import pytest

from core.errors import InvalidSpec
from core.recipes import choices, fitting

DRAFT = fitting.draft(model="resnet18")
SINGLE = [name for name, value in DRAFT.leaves() if isinstance(value, bool | int | float) or name == "image.resize"]


@pytest.mark.parametrize("name", SINGLE)
def test_the_value_of_every_single_field_lies_within_its_choice(name):
    choice, value = choices.of(name), dict(DRAFT.leaves())[name]
    assert isinstance(value, choice.kind)
    assert choice.low is None or choice.low <= value
    assert choice.high is None or value <= choice.high
    assert not choice.options or value in choice.options


@pytest.mark.parametrize("name", [name for name in SINGLE if choices.of(name).kind is not bool])
def test_what_lies_beyond_a_choice_is_refused_by_the_spec(name):
    choice = choices.of(name)
    beyond = ["none of them"] if choice.options else []
    beyond += [end + step for end, step in ((choice.low, -1), (choice.high, 1)) if end is not None]
    assert beyond
    for value in beyond:
        with pytest.raises(InvalidSpec):
            fitting.draft(model="resnet18", **{name: value})


def test_names_of_a_literal_field_are_its_options():
    assert choices.of("image.resize").options == ("squash", "crop", "pad")


def test_a_field_that_takes_several_values_has_no_single_choice():
    with pytest.raises(TypeError, match=r"augmentation\.only"):
        choices.of("augmentation.only")


def test_a_field_that_is_none_is_no_choice():
    with pytest.raises(KeyError):
        choices.of("image.colour")
