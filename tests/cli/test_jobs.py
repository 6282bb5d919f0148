"""The verbs of the queue: what is asked stands in the folders, and each says in one JSON document what became of it."""

from __future__ import annotations

import json

import pytest

from core.__main__ import main
from core.jobs import queue
from core.runs import store
from core.training import worker


@pytest.fixture
def call(capsys):
    """Run a command with --json; returns (exit status, document)."""

    def called(*arguments: str):
        status = main([*arguments, "--json"])
        return status, json.loads(capsys.readouterr().out)

    return called


@pytest.fixture
def submitted(call, make_folder):
    """The id of a tiny run that waits; nobody is there to train it."""
    folder = str(make_folder({"a": 15, "b": 15}, size=24, patients=2))
    tiny = ["--model", "alasfoor-cnn22", "--image-size", "24", "--epochs", "2", "--batch-size", "8", "--unsupervised"]

    def submit(*more: str) -> str:
        status, row = call("submit", "--data", folder, *tiny, *more)
        assert (status, row["status"]) == (0, "queued")
        return row["run_id"]

    return submit


def test_what_is_submitted_waits_in_its_order(submitted, call):
    first, second = submitted(), submitted("--priority", "2")
    status, rows = call("jobs")
    assert status == 0
    assert [(row["run_id"], row["state"]) for row in rows] == [(second, "waiting"), (first, "waiting")]


def test_a_waiting_job_is_paused_resumed_moved_and_cancelled(submitted, call):
    first, second = submitted(), submitted()
    assert call("pause", first)[1]["status"] == "paused"
    assert call("resume", first, "--unsupervised")[1]["status"] == "queued"
    assert [job.run_id for job in queue.jobs()] == [second, first]
    assert call("move", first, "--to", "first")[0] == 0
    assert [job.run_id for job in queue.jobs()] == [first, second]
    assert call("cancel", second)[1]["status"] == "cancelled"
    assert [job.run_id for job in queue.jobs()] == [first]


def test_an_active_job_is_asked_to_stop(submitted, call):
    run = submitted()
    queue.claim("here", {"cpu": 1}, "me")
    assert call("cancel", run)[1]["asked"] == "asked to stop"
    assert store.find(run).cancel_requested()


def test_what_cannot_be_asked_is_refused_with_the_way_out(submitted, call):
    run = submitted()
    status, document = call("resume", run)
    assert status == 1
    assert "Wait for it, or cancel it" in document["error"]
    assert call("cancel", "nobody")[0] == 2
    assert call("delete", run)[0] == 1


def test_a_deleted_run_is_restored(submitted, call):
    run = submitted()
    call("cancel", run)
    assert call("delete", run)[1]["status"] == "deleted"
    assert call("runs", "list")[1] == []
    assert call("restore", run)[1]["status"] == "cancelled"


def test_a_done_run_is_queued_for_more_epochs(submitted, call):
    run = store.find(submitted())
    queue.withdraw(run)
    worker.run(run)
    status, row = call("submit", "--more", run.id, "--epochs", "3", "--unsupervised")
    assert status == 0
    further = store.find(row["run_id"])
    assert (further.recipe().continues, further.recipe().epochs) == (run.id, 3)
    assert worker.run(further).epoch == 3


@pytest.mark.parametrize("more", [[], ["--epochs", "3", "--lr", "1"], ["--epochs", "3", "--folds", "5"]])
def test_more_of_a_run_takes_its_epochs_and_nothing_else(more, call):
    status, document = call("submit", "--more", "run", *more)
    assert status == 2
    assert "Give --epochs and nothing else" in document["error"]
