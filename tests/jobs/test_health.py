"""The queue's health: whether somebody trains what waits, and what was left lying."""

from core.jobs import health, queue, supervisors


def test_nothing_to_do_is_healthy():
    assert health.look() == ("ok", "0 supervisors; 0 active, 0 waiting, 0 interrupted", "")


def test_a_living_supervisor_is_counted(submit):
    submit(), submit()
    with supervisors.registered("local", {"cpu": 1}):
        queue.claim("here", {"cpu": 1}, "me")
        assert health.look() == ("ok", "1 supervisor; 1 active, 1 waiting, 0 interrupted", "")


def test_jobs_that_nobody_trains_are_said_with_the_way_out(submit):
    submit()
    state, found, way_out = health.look()
    assert state == "warning"
    assert "nobody trains what waits" in found
    assert "core work" in way_out


def test_an_interrupted_run_that_is_in_no_queue_is_said(submit):
    run = submit()
    queue.withdraw(run)
    run.write_status(run.status().changed(state="interrupted"))
    state, found, way_out = health.look()
    assert (state, "1 interrupted" in found) == ("warning", True)
    assert "Go on" in way_out
