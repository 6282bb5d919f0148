"""Errors say the rule, the value and the way out, and survive a journey between processes."""

from __future__ import annotations

import pickle

import pytest

from core import errors
from core.errors import CoreError, InvalidSpec, Problem, UnknownName, UnusableData, UsageError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CoreError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_has_rule_value_and_way_out(kind: type[CoreError]) -> None:
    error = kind("Sizes are positive.", -3, "Choose a size above 0.")
    assert str(error) == "Sizes are positive. Received: -3. Choose a size above 0."
    assert error.problems == (Problem("Sizes are positive.", "-3", "Choose a size above 0."),)


def test_an_error_of_several_problems_tells_them_all_a_line_each() -> None:
    problems = [Problem(f"Rule {i}.", str(i), "Mend it.") for i in range(3)]
    error = InvalidSpec.of(iter(problems))
    assert isinstance(error, InvalidSpec)
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == [str(problem) for problem in problems]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling_with_all_its_problems(kind: type[CoreError]) -> None:
    error = kind.of([Problem("One.", "1", "Mend it."), Problem("Two.", "2", "Mend that too.")])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert copy.problems == error.problems
    assert str(copy) == str(error)


def test_wrong_usage_exits_with_2_and_failed_work_with_1() -> None:
    assert {kind for kind in KINDS if kind.exit_code == 2} == {UsageError, InvalidSpec, UnknownName}
    assert {kind.exit_code for kind in KINDS} == {1, 2}
    assert not issubclass(UnusableData, UsageError)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    error = UnknownName.among("model", "alexnte", ["vgg16", "alexnet"])
    assert str(error) == "A model is chosen by its name. Received: 'alexnte'. Did you mean alexnet?"


def test_an_unknown_name_like_no_other_is_answered_with_what_there_is() -> None:
    assert str(UnknownName.among("model", "zzz", ["b", "a"])).endswith("Choose one of: a, b.")
    assert str(UnknownName.among("model", "zzz", (f"name-{i:02}" for i in range(13)))).endswith("name-11 ….")
    assert str(UnknownName.among("run", "zzz", [])).endswith("There is no run yet.")
