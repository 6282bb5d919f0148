"""Seeds and values as people write them."""

from __future__ import annotations

import pytest

from core.errors import InvalidSpec
from core.recipes import written


@pytest.mark.parametrize(("text", "found"), [("0-4", (0, 1, 2, 3, 4)), ("0,3,7", (0, 3, 7)), ("5", (5,)), ("0-2,2-3, 9", (0, 1, 2, 3, 9))])
def test_seeds_are_ranges_and_lists(text, found):
    assert written.seeds(text) == found


@pytest.mark.parametrize("text", ["", "-1", "a", "1-", "3-1", "0-99999", "1.5"])
def test_what_is_no_seed_is_refused(text):
    with pytest.raises(InvalidSpec):
        written.seeds(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.1, 1e-2", (0.1, 0.01)),
        ("sgd,adam", ("sgd", "adam")),
        ("true,false", (True, False)),
        ('["a","b"],["a"]', (["a", "b"], ["a"])),
        ('{"source":"random"}', ({"source": "random"},)),
        ("none,1", ("none", 1)),
    ],
)
def test_values_are_json_or_texts(text, found):
    assert written.values(text) == found


def test_fields_are_assigned_json_or_texts():
    assert written.assignments(["head.hidden=256", "model = resnet18", 'subset.labels=["a", "b"]']) == {
        "head.hidden": 256,
        "model": "resnet18",
        "subset.labels": ["a", "b"],
    }


@pytest.mark.parametrize("text", ["head.hidden", "=256", " = 1"])
def test_what_assigns_no_field_is_refused(text):
    with pytest.raises(InvalidSpec, match="FIELD=VALUE"):
        written.assignments([text])
