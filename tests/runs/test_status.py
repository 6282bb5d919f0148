"""A status is believed only while its trainer can be alive."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.runs.status import LIVE, SILENCE_LIMIT, Moment, ProcessMark, Status, honest

NOW = 1_000_000.0
LAWS = settings(max_examples=100, deadline=None, derandomize=True)


def running(mark: ProcessMark | None = None, **values: object) -> Status:
    return Status(state="running", created=NOW - 3600, epoch=3, epochs=5, seconds_left=60.0, process=mark, heartbeat=NOW).changed(**values)


def elsewhere(pid: int = 1) -> ProcessMark:
    return ProcessMark(pid=pid, started=NOW - 3600, host=f"not-{socket.gethostname()}")


def test_a_living_process_is_believed() -> None:
    status = running(ProcessMark.of_this())
    assert honest(status, NOW) is status


def test_a_mark_names_this_very_process() -> None:
    mark = ProcessMark.of_this()
    assert (mark.pid, mark.host) == (os.getpid(), socket.gethostname())
    assert mark.started == psutil.Process().create_time() - psutil.boot_time()


def test_a_clock_that_is_set_while_a_run_trains_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    status = running(ProcessMark.of_this())
    boot_time = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time + 300)
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: boot_time + 300)  # a process's time of creation is counted from it
    assert honest(status, NOW + 300) is status


def test_a_process_that_ended_leaves_its_run_interrupted() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = ProcessMark.of(child.pid)
    assert honest(running(mark), NOW).state == "running"
    child.communicate(b"\n")
    found = honest(running(mark), NOW)
    assert (found.state, found.epoch, found.seconds_left) == ("interrupted", 3, None)
    assert "go on with it" in found.message


def test_a_process_id_given_to_another_process_is_not_believed() -> None:
    mine = ProcessMark.of_this()
    earlier = mine.model_copy(update={"started": mine.started - 60})
    assert honest(running(earlier), NOW).state == "interrupted"


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process, mark = psutil.Process(child.pid), ProcessMark.of(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and nobody took note of it yet
    assert process.status() == psutil.STATUS_ZOMBIE
    assert honest(running(mark), NOW).state == "interrupted"
    child.wait()


def test_a_trainer_on_another_machine_is_believed_by_its_heartbeat() -> None:
    fresh, stale = NOW - SILENCE_LIMIT + 1, NOW - SILENCE_LIMIT - 1
    assert honest(running(elsewhere(), heartbeat=fresh), NOW).state == "running"
    assert honest(running(elsewhere(), heartbeat=stale), NOW).state == "interrupted"
    assert honest(running(elsewhere(), heartbeat=None), NOW).state == "interrupted"


def test_another_machine_s_process_id_is_not_looked_up_here() -> None:
    assert honest(running(elsewhere(os.getpid()), heartbeat=NOW - SILENCE_LIMIT - 1), NOW).state == "interrupted"


def test_a_run_waits_in_the_queue_as_long_as_it_takes() -> None:
    assert honest(Status(state="queued", created=NOW), NOW + 1e7).state == "queued"


def test_a_run_that_says_running_names_its_process() -> None:
    assert honest(running(None), NOW).state == "interrupted"


def test_every_change_of_state_is_noted_once() -> None:
    status = Status(created=NOW).changed(state="queued").changed(state="running").changed(epoch=1).changed(state="running")
    assert [moment.state for moment in status.changed(state="done").history] == ["queued", "running", "done"]


def test_time_in_the_queue_and_pauses_is_no_time_of_work() -> None:
    spells = [("queued", 0), ("running", 10), ("paused", 15), ("queued", 40), ("running", 50), ("done", 70)]
    history = tuple(Moment(state=state, at=NOW + at) for state, at in spells)
    status = Status(created=NOW, state="done", history=history, started=NOW + 10, finished=NOW + 70)
    assert status.seconds == 25
    assert status.spent("queued", NOW + 70) == 20


def test_a_folder_without_a_history_gives_the_time_from_start_to_end() -> None:
    assert Status(created=NOW, state="done", started=NOW + 10, finished=NOW + 70).seconds == 60


def test_an_interruption_is_dated_by_the_last_sign_of_life() -> None:
    found = honest(running(elsewhere(), heartbeat=NOW - 500), NOW)
    assert found.history[-1] == Moment(state="interrupted", at=NOW - 500)


@pytest.mark.parametrize("state", ["done", "cancelled", "failed", "interrupted", "paused"])
def test_an_ended_run_needs_no_process(state: str) -> None:
    status = running(elsewhere(), state=state, heartbeat=None)
    assert state not in LIVE
    assert honest(status, NOW) is status


def test_the_share_done_counts_completed_epochs_and_steps() -> None:
    status = Status(created=NOW)
    assert status.share_done == 0
    assert status.changed(epochs=4).share_done == 0
    assert status.changed(epochs=4, epoch=1, step=0, steps=10).share_done == 0
    assert status.changed(epochs=4, epoch=3, step=5, steps=10).share_done == pytest.approx(2.5 / 4)
    assert status.changed(epochs=4, epoch=4, step=10, steps=10).share_done == 1
    assert status.changed(epochs=4, epoch=2, state="done").share_done == 1


@given(epochs=st.integers(0, 50), epoch=st.integers(0, 60), step=st.integers(0, 100), steps=st.integers(0, 50), state=st.sampled_from(LIVE))
@LAWS
def test_the_share_done_is_a_share(epochs: int, epoch: int, step: int, steps: int, state: str) -> None:
    assert 0 <= Status(created=NOW, state=state, epochs=epochs, epoch=epoch, step=step, steps=steps).share_done <= 1


def test_a_status_survives_its_file() -> None:
    status = running(ProcessMark.of_this(), result={"accuracy": 0.5})
    assert Status.model_validate_json(status.model_dump_json()) == status
