"""What becomes of jobs: trained once, again after a death that may pass, never twice at the same time."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter

import psutil
import pytest

from core.jobs import queue, requests, supervisors
from core.jobs.supervisor import VAIN_MOST
from core.runs import ticket
from core.runs.status import ProcessMark
from tests.jobs.conftest import until


def spans(run) -> list[str]:
    file = run.folder / "spans"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def states(*runs) -> list[str]:
    return [run.status().state for run in runs]


def kill_trainer(run) -> None:
    os.kill(ticket.of(run).process.pid, signal.SIGKILL)


def started(run):
    """Whether its trainer is at work."""
    return lambda: spans(run)[-1:] == ["begin"] and ticket.of(run).process


def test_what_waits_is_trained_one_after_the_other(submit, supervise):
    runs = [submit() for _ in range(3)]
    supervisor = supervise()
    until(lambda: states(*runs) == ["done"] * 3, lambda: supervisor.step("me"))
    assert [spans(run) for run in runs] == [["begin", "end"]] * 3
    ends = [float(line.split()[3]) for run in runs for line in (run.folder / "spans").read_text().splitlines()]
    assert ends == sorted(ends)
    until(lambda: queue.jobs() == [], lambda: supervisor.step("me"))


def test_a_trainer_runs_in_a_session_of_its_own_with_its_device(submit, supervise):
    run = submit()
    supervisor = supervise("sleep")
    until(started(run), lambda: supervisor.step("me"))
    pid = ticket.of(run).process.pid
    assert os.getsid(pid) == pid
    assert (run.folder / "spans").read_text().split()[2] == "cpu"


def test_a_killed_trainer_goes_on(submit, supervise):
    run = submit()
    supervisor = supervise("advance")
    for attempt in range(1, VAIN_MOST + 4):  # more often than would be in vain
        until(lambda: run.status().epoch == attempt and started(run)(), lambda: supervisor.step("me"))  # noqa: B023
        kill_trainer(run)
        until(lambda: len(spans(run)) > attempt, lambda: supervisor.step("me"))  # noqa: B023
    assert queue.find(run.id).vain == 0


def test_a_trainer_that_is_killed_in_vain_again_and_again_is_given_up_with_the_reason(submit, supervise):
    run, other = submit(), submit()
    supervisor = supervise("sleep")
    for attempt in range(1, VAIN_MOST + 1):
        until(lambda: len(spans(run)) == attempt and started(run)(), lambda: supervisor.step("me"))  # noqa: B023
        kill_trainer(run)
    until(lambda: spans(other), lambda: supervisor.step("me"))
    status = run.status()
    assert (status.state, status.failure) == ("failed", "killed")
    assert "killed by SIGKILL" in status.message
    assert len(spans(run)) == VAIN_MOST


def test_a_trainer_that_cannot_start_is_given_up_with_its_last_words(submit, supervise):
    run = submit()
    (run.folder / "log.txt").write_text("No module named torch\n")
    supervisor = supervise("exit")
    until(lambda: run.status().state == "failed", lambda: supervisor.step("me"))
    assert run.status().failure == "other"
    assert "exit status 0" in run.status().message
    assert "No module named torch" in run.status().message


def test_what_a_retry_cannot_help_is_not_tried_again(submit, supervise):
    run = submit()
    supervisor = supervise("fail", "memory")
    until(lambda: queue.jobs() == [], lambda: supervisor.step("me"))
    assert (states(run), spans(run)) == (["failed"], ["begin", "end"])


def test_what_may_pass_is_tried_again_and_not_for_ever(submit, supervise):
    run = submit()
    supervisor = supervise("fail", "driver")
    until(lambda: queue.jobs() == [], lambda: supervisor.step("me"))
    assert states(run) == ["failed"]
    assert Counter(spans(run))["begin"] == VAIN_MOST


def test_a_supervisor_that_dies_leaves_its_trainer_to_the_next(submit, supervise):
    run, next_run = submit(), submit()
    first = supervise("sleep")
    until(started(run), lambda: first.step("dead"))
    second = supervise()
    for _ in range(20):
        second.step("me")
    assert spans(run) == ["begin"]  # adopted, not started again
    assert spans(next_run) == []  # its device is taken
    kill_trainer(run)
    first._trainers.popitem()[1]._child.wait()
    until(lambda: states(run, next_run) == ["done", "done"], lambda: second.step("me"))
    assert spans(run) == ["begin", "begin", "end"]


def test_a_trainer_that_ended_while_no_supervisor_lived_is_noticed(submit, supervise):
    run = submit()
    first = supervise()
    until(lambda: states(run) == ["done"], lambda: queue.active("nowhere") or (first.step("dead") if not spans(run) else None))
    second = supervise()
    until(lambda: queue.jobs() == [], lambda: second.step("me"))
    assert spans(run) == ["begin", "end"]


def test_the_jobs_of_a_living_supervisor_are_left_to_it(submit, supervise):
    run = submit()
    with supervisors.registered("local", {"cpu": 1}) as alive:
        first = supervise("sleep")
        until(started(run), lambda: first.step(alive.name))
        kill_trainer(run)
        second = supervise()
        for _ in range(10):
            second.step("other")
        assert spans(run) == ["begin"]


def test_a_trainer_that_another_one_had_forestalled_is_let_go(submit, supervise):
    run = submit()
    run.write_status(run.status().changed(state="running", process=ProcessMark.of_this()))  # this test trains it
    supervisor = supervise("exit")
    until(lambda: len(spans(run)) == 2, lambda: supervisor.step("me"))
    for _ in range(10):
        supervisor.step("me")
    assert len(spans(run)) == 2
    assert states(run) == ["running"]
    run.write_status(run.status().changed(state="done"))
    until(lambda: not queue.jobs(), lambda: supervisor.step("me"))
    assert len(spans(run)) == 2


def test_a_waiting_job_is_cancelled_or_paused_at_once(submit, supervise):
    cancelled, paused, left = submit(), submit(), submit()
    requests.cancel(cancelled)
    requests.pause(paused)
    supervisor = supervise()
    until(lambda: queue.jobs() == [], lambda: supervisor.step("me"))
    assert states(cancelled, paused, left) == ["cancelled", "paused", "done"]
    assert spans(cancelled) == spans(paused) == []


@pytest.mark.parametrize(("ask", "state"), [(requests.cancel, "cancelled"), (requests.pause, "paused")])
def test_a_trainer_that_is_killed_before_it_could_stop_is_not_started_again(ask, state, submit, supervise):
    run = submit()
    supervisor = supervise("sleep")
    until(started(run), lambda: supervisor.step("me"))
    ask(run)
    kill_trainer(run)
    until(lambda: queue.jobs() == [], lambda: supervisor.step("me"))
    assert states(run) == [state]
    assert not run.cancel_requested()
    assert not run.pause_requested()


def test_two_supervisors_train_each_job_once(submit, supervise):
    runs = [submit() for _ in range(30)]
    with supervisors.registered("local", {"cpu": 2}) as one, supervisors.registered("local", {"cpu": 2}) as other:
        first, second = supervise(slots={"cpu": 2}), supervise(slots={"cpu": 2})
        until(lambda: set(states(*runs)) == {"done"}, lambda: (first.step(one.name), second.step(other.name)))
    assert all(spans(run) == ["begin", "end"] for run in runs)


def test_a_full_disk_does_not_end_the_supervisor(submit, supervise, monkeypatch):
    run = submit()
    supervisor = supervise()
    step = supervisor.step
    calls = iter([OSError(28, "No space left on device"), None])

    def failing(name: str) -> bool:
        error = next(calls, None)
        if error:
            raise error
        if run.status().state == "done" and not queue.jobs():
            supervisor.stop()
        return step(name)

    monkeypatch.setattr(supervisor, "step", failing)
    supervisor.work(idle_seconds=30)
    assert states(run) == ["done"]


def test_a_removed_or_damaged_folder_leaves_the_queue_and_holds_nobody_up(submit, supervise):
    active, waiting, last = submit(), submit(), submit()
    supervisor = supervise("sleep")
    until(started(active), lambda: supervisor.step("me"))
    shutil.rmtree(waiting.folder)
    kill_trainer(active)
    (active.folder / "status.json").write_text("{")
    other = supervise()
    until(lambda: not queue.jobs(), lambda: other.step("other"))
    assert states(last) == ["done"]


def test_an_idle_supervisor_goes_and_takes_its_file_along(supervise, artifacts):
    supervise().work(idle_seconds=0)
    assert list((artifacts / "supervisors").iterdir()) == []


def test_before_it_goes_it_looks_for_what_only_the_folders_know(submit, supervise, monkeypatch):
    run, supervisor = submit(), supervise()
    known = ticket.of(run)
    queue.withdraw(run)
    sweep, looked = supervisor.sweep, []
    monkeypatch.setattr(supervisor, "sweep", lambda: looked.append(1) or (len(looked) > 1 and sweep()))  # the first finds nothing
    known.write(run)
    supervisor.work(idle_seconds=0.1)
    assert states(run) == ["done"]


def test_no_child_is_left_a_zombie(submit, supervise):
    runs = [submit() for _ in range(5)]
    supervisor = supervise()
    until(lambda: set(states(*runs)) == {"done"} and not queue.jobs(), lambda: supervisor.step("me"))
    assert [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE] == []
