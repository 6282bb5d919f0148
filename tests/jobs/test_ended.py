"""What left the queue of late, and why."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from core.jobs import ended, requests
from core.recipes import fitting
from core.recipes.recipe import Recipe
from core.runs import index
from core.runs.store import Run


@pytest.fixture
def recipe() -> Recipe:
    return fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "batch_size": 8})


def in_state(recipe: Recipe, state: str, **values: object) -> Run:
    run = requests.start(recipe, supervised=False)
    requests.cancel(run)
    run.write_status(run.status().changed(state=state, **values))
    return run


def test_the_latest_come_first_whenever_they_were_submitted(recipe):
    first, second, third = (in_state(recipe, "done") for _ in range(3))
    os.utime(second.folder / "status.json", (2e9, 2e9))
    os.utime(first.folder / "status.json", (1e9, 1e9))
    found, number = ended.of_late(index.rows(), ("done",), most=2)
    assert ([each.run_id for each in found], number) == ([second.id, third.id], 3)


def test_only_the_states_asked_for_are_shown(recipe):
    paused, failed = in_state(recipe, "paused"), in_state(recipe, "failed")
    requests.start(recipe, supervised=False)
    assert [each.run_id for each in ended.of_late(index.rows(), ("paused",), 9)[0]] == [paused.id]
    assert [each.run_id for each in ended.of_late(index.rows(), ("failed", "done"), 9)[0]] == [failed.id]


def test_recorded_runs_never_stood_in_the_queue(recipe):
    own = in_state(recipe, "done")
    (row,) = index.rows()
    found, number = ended.of_late([row, replace(row, run_id="record", recorded=True)], ("done",), 9)
    assert ([each.run_id for each in found], number) == ([own.id], 1)


def test_a_failed_run_tells_why_and_the_way_out(recipe):
    in_state(recipe, "failed", failure="memory", message="out of memory")
    ((each,), _) = ended.of_late(index.rows(), ("failed",), 9)
    assert (each.message, each.way_out.changes) == ("out of memory", {"batch_size": 4})


def test_a_run_that_never_trained_spent_its_time_waiting(recipe):
    in_state(recipe, "cancelled")
    ((each,), _) = ended.of_late(index.rows(), ("cancelled",), 9)
    assert each.run_seconds == 0
    assert each.queued_seconds >= 0


def test_one_damaged_folder_does_not_hide_the_others(recipe):
    good, bad = in_state(recipe, "done"), in_state(recipe, "done")
    ended.of_late(index.rows(), ("done",), 9)  # both stand in the index now
    (bad.folder / "recipe.json").unlink()
    (bad.folder / "status.json").write_text("{")
    assert [each.run_id for each in ended.of_late(index.rows(), ("done",), 9)[0]] == [good.id]
