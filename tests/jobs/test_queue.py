"""Claims: the right job, on a free device, once; whatever becomes of the table."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import UnusableRun
from core.jobs import queue
from core.runs import ticket
from core.runs.status import ProcessMark

CPU = {"cpu": 1}
ROOT = Path(__file__).resolve().parents[2]


def order() -> list[str]:
    return [job.run_id for job in queue.jobs()]


def test_without_jobs_nothing_is_claimed():
    assert queue.jobs() == []
    assert queue.claim("here", CPU, "me") is None


def test_jobs_start_in_the_order_in_which_they_were_submitted(submit):
    runs = [submit() for _ in range(4)]
    assert order() == [run.id for run in runs]
    assert queue.claim("here", CPU, "me").run_id == runs[0].id


def test_a_higher_priority_goes_first(submit):
    submit(), submit(priority=-1)
    urgent = submit(priority=5)
    assert queue.claim("here", CPU, "me").run_id == urgent.id


def test_a_device_takes_no_more_jobs_than_its_slots(submit):
    for _ in range(4):
        submit()
    claimed = [queue.claim("here", {"cpu": 2}, "me") for _ in range(4)]
    assert [job is not None for job in claimed] == [True, True, False, False]
    assert queue.release(claimed[0])
    assert queue.claim("here", {"cpu": 2}, "other") is not None


def test_each_gpu_takes_a_job_and_the_processor_only_who_asks_for_it(submit):
    runs = [submit(), submit(), submit(), submit(device="cpu")]
    slots = {"cuda:0": 1, "cuda:1": 1, "cpu": 1}
    given = {job.run_id: job.device for job in iter(lambda: queue.claim("here", slots, "me"), None)}
    assert given == {runs[0].id: "cuda:0", runs[1].id: "cuda:1", runs[3].id: "cpu"}


def test_a_job_may_want_one_gpu_in_particular_or_any(submit):
    one, any_gpu = submit(device="cuda:1"), submit(device="cuda")
    slots = {"cuda:0": 1, "cuda:1": 1, "cpu": 1}
    assert {queue.claim("here", slots, "me").device for _ in range(2)} == {"cuda:0", "cuda:1"}
    assert (queue.find(one.id).device, queue.find(any_gpu.id).device) == ("cuda:1", "cuda:0")


def test_a_device_that_is_not_here_is_waited_for_and_holds_nobody_up(submit):
    submit(device="cuda:7")
    here = submit()
    assert queue.claim("here", CPU, "me").run_id == here.id


def test_a_job_of_two_processes_takes_two_devices_and_is_not_overtaken_for_ever(submit):
    first, pair, small = submit(), submit(), submit()
    queue._use(lambda connection: connection.execute("UPDATE jobs SET processes = 2 WHERE run_id = ?", (pair.id,)))
    slots = {"cuda:0": 1, "cuda:1": 1}
    active = queue.claim("here", slots, "me")
    assert active.run_id == first.id
    assert queue.claim("here", slots, "me") is None  # the free one is kept for the pair
    queue.release(active)
    assert queue.claim("here", slots, "me").device == "cuda:0,cuda:1"
    assert queue.find(small.id).state == "waiting"


def test_machines_have_devices_of_their_own(submit):
    submit(), submit()
    assert queue.claim("here", CPU, "me") is not None
    assert queue.claim("there", CPU, "other") is not None


def test_a_claim_ends_once(submit):
    submit()
    job = queue.claim("here", CPU, "me")
    assert queue.release(job)
    assert not queue.release(job)
    assert not queue.return_to_queue(job, 0)


def test_what_returns_to_the_queue_is_the_next(submit):
    first, second = submit(), submit()
    assert queue.return_to_queue(queue.claim("here", CPU, "me"), vain=2)
    assert order() == [first.id, second.id]
    assert queue.find(first.id).vain == 2
    assert queue.claim("here", CPU, "me").run_id == first.id


def test_a_run_stands_in_the_queue_once(submit):
    run = submit()
    with pytest.raises(UnusableRun, match="stands in the queue once"):
        queue.enqueue(run, queue.new_ticket())


def test_a_waiting_job_is_moved_among_those_of_its_priority(submit):
    a, b, c = (submit().id for _ in range(3))
    urgent = submit(priority=1).id
    for to, expected in (("first", [c, a, b]), ("later", [a, c, b]), ("last", [a, b, c]), ("earlier", [a, c, b])):
        assert queue.reorder(c, to=to).run_id == c
        assert order() == [urgent, *expected]


def test_another_priority_is_another_place(submit):
    a, b = submit().id, submit().id
    assert queue.reorder(b, priority=3).priority == 3
    assert order() == [b, a]


def test_an_active_job_is_not_moved(submit):
    run = submit()
    queue.claim("here", CPU, "me")
    assert queue.reorder(run.id, to="last") is None


@given(moves=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["first", "last", "earlier", "later"])), max_size=12))
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_move_loses_a_job_and_the_folders_know_the_order(moves, submit, artifacts: Path):
    shutil.rmtree(artifacts, ignore_errors=True)
    runs = [submit().id for _ in range(6)]
    model = list(runs)
    for number, to in moves:
        queue.reorder(runs[number], to=to)
        now = model.index(runs[number])
        model.insert({"first": 0, "last": 5, "earlier": max(0, now - 1), "later": min(5, now + 1)}[to], model.pop(now))
    assert order() == model
    for file in artifacts.glob("index.sqlite*"):
        file.unlink()
    assert order() == model


@pytest.mark.parametrize("content", [None, b"garbage " * 1000, b"x", b"SQLite format 3\0" + bytes(range(256)) * 20])
def test_a_lost_or_damaged_table_comes_back_whole(content, submit, artifacts: Path):
    runs = [submit(), submit(priority=2, experiment_name="sweep"), submit(device="cuda:1")]
    runs[0].write_status(runs[0].status().changed(process=None))
    active = queue.claim("here", CPU, "me")
    runs[1].write_status(runs[1].status().changed(state="running", process=ProcessMark.of_this()))
    before = queue.jobs()
    for file in artifacts.glob("index.sqlite*"):
        file.unlink()
    if content is not None:
        (artifacts / "index.sqlite").write_bytes(content)
    assert queue.jobs() == before
    assert queue.release(active)


def test_ended_jobs_do_not_come_back_with_the_table(submit, artifacts: Path):
    run, waiting = submit(), submit()
    job = queue.claim("here", CPU, "me")
    run.write_status(run.status().changed(state="done"))
    queue.release(job)
    for file in artifacts.glob("index.sqlite*"):
        file.unlink()
    assert order() == [waiting.id]


def test_a_table_of_another_version_is_made_again(submit, artifacts: Path):
    run = submit()
    with sqlite3.connect(artifacts / "index.sqlite") as connection:
        connection.execute("DROP TABLE jobs")
        connection.execute("CREATE TABLE jobs (id)")
    connection.close()
    assert order() == [run.id]


def test_a_job_that_died_between_folder_and_table_is_found(submit):
    run = submit()
    queue.withdraw(run)
    ticket.of(run).changed(state="waiting").write(run)  # as it stands when the process that submits is killed
    assert order() == []
    assert [queue.fill_from_folders() for _ in range(2)] == [1, 0]
    assert order() == [run.id]


def test_a_job_whose_run_is_done_is_not_claimed(submit):
    run, other = submit(), submit()
    run.write_status(run.status().changed(state="done"))
    assert queue.claim("here", CPU, "me").run_id == other.id
    assert queue.find(run.id) is None


def test_a_damaged_ticket_hides_no_other_job(submit, artifacts: Path):
    broken, good = submit(), submit()
    (broken.folder / ticket.NAME).write_text("{")
    for file in artifacts.glob("index.sqlite*"):
        file.unlink()
    assert order() == [good.id]


CLAIM_ALL = """
from core.jobs import queue
while (job := queue.claim("here", {"cpu": 1000}, "me")) is not None:
    print(job.run_id)
"""


def test_many_processes_claim_each_job_once(submit):
    runs = [submit().id for _ in range(40)]
    command = [sys.executable, "-c", CLAIM_ALL]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    claimed = [run_id for process in processes for run_id in process.communicate()[0].split()]
    assert sorted(claimed) == sorted(runs)
