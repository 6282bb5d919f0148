"""What is queued in the stead of a run: a changed one after a failure, a longer one after its end."""

from __future__ import annotations

import pytest

from core.errors import UnusableRun
from core.jobs import failures, queue, requests
from core.recipes import fitting
from core.runs.status import Failure
from core.runs.store import Run


@pytest.fixture
def run() -> Run:
    recipe = fitting.draft(model="alasfoor-cnn22", seed=3, **{"image.size": 24, "batch_size": 8})
    return requests.start(recipe, device="cpu", priority=2, experiment_name="seeds", supervised=False)


def fail(run: Run, failure: Failure) -> failures.WayOut:
    queue.withdraw(run)
    run.write_status(run.status().changed(state="failed", failure=failure))
    return failures.way_out(run.status(), run.recipe())


@pytest.fixture(autouse=True)
def _no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.jobs.supervisors.ensure", lambda: None)


def test_a_changed_run_takes_the_place_of_one_that_needed_too_much_memory(run):
    taken = requests.take(fail(run, "memory"), run)
    assert taken.id != run.id
    assert taken.recipe() == run.recipe().model_copy(update={"batch_size": 4})
    job = queue.find(taken.id)
    assert (job.wanted, job.priority, job.experiment_name) == ("cpu", 2, "seeds")


def test_a_run_that_was_killed_goes_on_itself(run):
    assert requests.take(fail(run, "killed"), run) == run
    assert queue.find(run.id).state == "waiting"


def test_a_way_out_that_was_taken_already_is_not_taken_twice(run):
    way_out = fail(run, "killed")
    requests.take(way_out, run)
    with pytest.raises(UnusableRun, match="which is queued"):
        requests.take(way_out, run)
