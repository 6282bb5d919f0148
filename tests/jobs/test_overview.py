"""The queue as people see it."""

from __future__ import annotations

import time

import pytest

from core.jobs import overview, queue, supervisors
from core.runs.status import ProcessMark


def test_without_jobs_there_is_nothing_to_say():
    found = overview.lines()
    assert (found.lines, found.sentence) == ([], "")


def test_active_jobs_come_first_and_waiting_ones_start_when_they_end(submit):
    first, second, third = submit(), submit(), submit(device="cuda:3")
    done = submit()
    queue.withdraw(done)
    done.write_status(done.status().changed(state="done", epoch=4, started=0.0, finished=40.0))  # ten seconds an epoch, of four
    with supervisors.registered("local", {"cpu": 1}):
        queue.claim("here", {"cpu": 1}, "me")
        now = time.time()
        running = first.status().changed(state="running", process=ProcessMark.of_this(), phase="training", seconds_left=60.0, heartbeat=now)
        first.write_status(running)
        found = overview.lines()
    assert [(line.run_id, line.state) for line in found.lines] == [(first.id, "running"), (second.id, "waiting"), (third.id, "waiting")]
    assert [line.left for line in found.lines] == pytest.approx([60, 60, 100])
    assert found.left == pytest.approx(140)
    assert found.lines[1].left_text == "starts in about 60 s"
    assert found.lines[2].progress == "waits for cuda:3, which no supervisor has"
    assert "3 jobs on 1 device" in found.sentence


def test_a_queue_that_nobody_works_on_says_so(submit):
    submit()
    assert "No supervisor lives" in overview.lines().sentence


def test_a_trainer_that_has_not_said_anything_yet_is_starting(submit):
    submit()
    queue.claim("here", {"cpu": 1}, "me")
    assert [line.state for line in overview.lines().lines] == ["starting"]


def test_supervisors_of_one_machine_share_its_devices(submit):
    submit()
    with supervisors.registered("local", {"cpu": 2}), supervisors.registered("local", {"cpu": 1}):
        assert overview.lines().devices == 2
    with supervisors.registered("local", {"cuda:0": 1, "cuda:1": 1, "cpu": 1}):
        assert overview.lines().devices == 2  # the processor is for those who ask for it
