"""The queue as people see it."""

from __future__ import annotations

import time

import pytest

from core.jobs import overview, queue, requests
from core.recipes import fitting
from core.runs.status import Moment, ProcessMark
from core.runs.store import Run


def submit(**values: object) -> Run:
    recipe = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "batch_size": 8, "epochs": 4})
    return requests.start(recipe, supervised=False, **values)


def trained(seconds: float) -> None:
    """A run like the others that took so long."""
    run, now = submit(), time.time()
    requests.cancel(run)
    status = run.status().model_copy(update={"state": "running", "history": (), "started": now - seconds, "epoch": 4})
    run.write_status(status.model_copy(update={"state": "done", "finished": now}))


def running(**values: object) -> Run:
    """The first job, claimed and at work."""
    job = queue.claim("here", {"cpu": 1}, "me")
    status = job.run.status().changed(state="running", process=ProcessMark.of_this(), heartbeat=time.time())
    job.run.write_status(status.changed(phase="training", **values))
    return job.run


def test_places_are_counted_among_those_that_wait():
    for _ in range(3):
        submit()
    running()
    assert [line.place for line in overview.lines().lines] == [0, 1, 2]


def test_a_job_that_just_began_is_judged_by_runs_like_it():
    trained(40)
    for _ in range(3):
        submit()
    running()
    found = overview.lines()
    assert [line.left for line in found.lines] == pytest.approx([40, 40, 80])
    assert found.left == pytest.approx(120)


def test_a_job_that_knows_its_own_speed_speaks_for_those_like_it_where_none_was_trained_yet():
    for _ in range(3):
        submit()
    run = running(seconds_left=30.0)
    run.write_status(run.status().model_copy(update={"history": (Moment(state="running", at=time.time() - 10),)}))
    found = overview.lines()
    assert [line.left for line in found.lines] == pytest.approx([30, 30, 70], abs=1)
    assert found.left == pytest.approx(110, abs=1)


def test_a_job_that_knows_its_own_speed_is_believed():
    trained(40)
    submit()
    submit()
    running(seconds_left=7.0)
    assert overview.lines().waiting[0].left == 7


def test_a_silent_trainer_is_noticed_and_a_waiting_job_is_not():
    submit()
    submit()
    run = running()
    assert [line.silent for line in overview.lines().lines] == [None, None]
    run.write_status(run.status().changed(heartbeat=time.time() - 100))
    silent, waiting = (line.silent for line in overview.lines().lines)
    assert 99 < silent < 110
    assert waiting is None


def test_what_a_trainer_was_asked_is_told_until_it_has_done_it():
    submit()
    run = running()
    requests.pause(run)
    assert overview.lines().active[0].asked == "to pause"
    requests.cancel(run)
    assert overview.lines().active[0].asked == "to stop"


def test_a_job_whose_trainer_starts_or_has_ended_is_called_so():
    submit()
    job = queue.claim("here", {"cpu": 1}, "me")
    line = overview.lines().lines[0]
    assert (line.state, line.progress) == ("starting", "its trainer starts")
    job.run.write_status(job.run.status().changed(state="done"))
    assert overview.lines().lines[0].progress == "has ended"


def test_jobs_that_nobody_will_start_are_said_to_stand_still():
    submit()
    assert overview.lines().stands_still
    assert "No supervisor lives" in overview.lines().sentence
    assert "No supervisor lives" not in overview.lines().summary
