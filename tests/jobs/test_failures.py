"""Each failure has its way out, where there is one."""

from __future__ import annotations

from typing import get_args

import pytest

from core.jobs import failures
from core.recipes.recipe import compose
from core.runs.status import Failure, Status
from tests.jobs.conftest import DATA


def recipe(**changes: object):
    return compose(DATA, "alasfoor-cnn22", **{"image.size": 64} | changes)


def failed(kind: str) -> Status:
    return Status(created=0.0, state="failed", failure=kind)


@pytest.mark.parametrize(
    ("kind", "settings", "changes"),
    [
        ("memory", {"batch_size": 32}, {"batch_size": 16}),
        ("memory", {"batch_size": 2}, {"image.size": 32}),
        ("not finite", {"optimiser.lr": 0.01}, {"optimiser.lr": 0.001}),
        ("disk", {}, {}),
        ("killed", {}, {}),
    ],
)
def test_the_way_out_changes_what_helps(kind, settings, changes):
    found = failures.way_out(failed(kind), recipe(**settings))
    assert found.changes == pytest.approx(changes)
    assert found.sentence.endswith(".")
    assert recipe(**settings | found.changes)  # a recipe that can be trained


def test_what_only_a_person_can_tell_has_none():
    assert failures.way_out(failed("other"), recipe()) is None
    assert failures.way_out(failed(""), recipe()) is None


def test_only_a_driver_s_error_may_be_gone_at_the_next_attempt():
    assert [kind for kind in get_args(Failure) if failures.may_pass(failed(kind))] == ["driver"]
