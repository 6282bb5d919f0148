"""What people ask of the queue: whole when it returns, refused with the way out where it cannot be meant."""

from __future__ import annotations

import pytest

from core.errors import UnusableRun
from core.jobs import queue, requests, supervisors
from core.recipes.recipe import compose
from core.runs import index, store, ticket, trash
from core.runs.status import RESUMABLE, ProcessMark
from tests.jobs.conftest import DATA


def ended(run: store.Run, state: str) -> store.Run:
    """`run` after a trainer had it, which left it in `state`."""
    queue.release(queue.claim("here", {"cpu": 1}, "me"))
    run.write_status(run.status().changed(state=state, epoch=2))
    return run


def test_a_submitted_run_waits_with_its_wishes(submit):
    run = submit(device="cuda:1", priority=4, experiment_name="seeds")
    assert run.status().state == "queued"
    job = queue.find(run.id)
    assert (job.state, job.wanted, job.priority, job.experiment_name) == ("waiting", "cuda:1", 4, "seeds")
    assert [row.experiment_name for row in index.rows()] == ["seeds"]


def test_somebody_is_there_to_train_it(monkeypatch):
    asked = []
    monkeypatch.setattr(supervisors, "ensure", lambda: asked.append(queue.jobs()))
    run = requests.start(compose(DATA, "alasfoor-cnn22", **{"image.size": 32}))
    assert [job.run_id for job in asked[0]] == [run.id]


@pytest.mark.parametrize("state", RESUMABLE)
def test_what_was_stopped_goes_on_behind_the_others(state, submit):
    run = ended(submit(experiment_name="seeds"), state)
    other = submit()
    run.request_pause()
    requests.go_on(run, supervised=False)
    assert [job.run_id for job in queue.jobs()] == [other.id, run.id]
    status = run.status()
    assert (status.state, status.epoch, status.process, status.finished) == ("queued", 2, None, None)
    assert not run.pause_requested()
    assert queue.find(run.id).experiment_name == "seeds"


def test_a_run_that_was_never_in_the_queue_goes_on_too():
    run = store.create(compose(DATA, "alasfoor-cnn22", **{"image.size": 32}))
    run.write_status(run.status().changed(state="interrupted"))
    requests.go_on(run, supervised=False)
    assert queue.find(run.id).state == "waiting"


def test_a_run_that_is_done_or_waits_does_not_go_on(submit):
    waiting = submit()
    with pytest.raises(UnusableRun, match="which is queued"):
        requests.go_on(waiting, supervised=False)
    with pytest.raises(UnusableRun, match="Train it for more epochs"):
        requests.go_on(ended(waiting, "done"), supervised=False)


@pytest.mark.parametrize(("ask", "asked"), [(requests.cancel, "cancel_requested"), (requests.pause, "pause_requested")])
def test_an_active_job_is_asked_and_decides_itself(ask, asked, submit):
    run = submit()
    queue.claim("here", {"cpu": 1}, "me")
    ask(run)
    assert getattr(run, asked)()
    assert run.status().state == "queued"


def test_a_run_in_the_foreground_is_asked_too():
    run = store.create(compose(DATA, "alasfoor-cnn22", **{"image.size": 32}))
    run.write_status(run.status().changed(state="running", process=ProcessMark.of_this()))
    requests.cancel(run)
    assert run.cancel_requested()


@pytest.mark.parametrize("state", ["paused", "interrupted"])
def test_what_nobody_trains_is_cancelled_at_once(state, submit):
    run = ended(submit(), state)
    requests.cancel(run)
    assert run.status().state == "cancelled"


@pytest.mark.parametrize("ask", [requests.cancel, requests.pause])
def test_what_has_ended_cannot_be_stopped(ask, submit):
    with pytest.raises(UnusableRun, match=r"which is done\. There is nothing to stop"):
        ask(ended(submit(), "done"))


def test_what_does_not_wait_cannot_be_moved(submit):
    with pytest.raises(UnusableRun, match="which does not wait"):
        requests.move(ended(submit(), "done"), to="first")


def test_a_deleted_run_is_out_of_sight_and_comes_back_as_it_was(submit):
    run = ended(submit(), "done")
    before = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    requests.delete(run)
    assert index.rows() == []
    assert [deleted.run_id for deleted in trash.runs()] == [run.id]
    trash.restore(run.id)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir() if path.is_file()} == before
    assert [row.state for row in index.rows()] == ["done"]


def test_what_waits_is_not_deleted(submit):
    with pytest.raises(UnusableRun, match="Cancel it first"):
        requests.delete(submit())


def test_a_cancelled_run_keeps_its_wishes_for_another_try(submit):
    run = submit(priority=3)
    requests.cancel(run)
    assert ticket.of(run).state == "ended"
    requests.go_on(run, supervised=False)
    assert queue.find(run.id).priority == 3
