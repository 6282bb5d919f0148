"""Real trainers, real supervisors, real deaths: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from core.data import library
from core.errors import CoreError
from core.jobs import queue, requests
from core.recipes import fitting
from core.recipes.recipe import Recipe
from core.runs import index, store, ticket
from core.training import worker
from tests.jobs.conftest import until

ROOT = Path(__file__).resolve().parents[2]
KILLS, EPOCHS = 20, 150
PATIENCE = 300  # seconds that a busy machine may take for a training


@pytest.fixture
def recipe(make_folder: Callable[..., Path]) -> Callable[..., Recipe]:
    """A small training on random images; in reference mode, so that two of them can be compared bit by bit."""
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20}, size=48, patients=2)))

    def make(**changes: object) -> Recipe:
        settings = {"image.size": 48, "epochs": 3, "batch_size": 4, "reference": True} | changes
        return fitting.fit(fitting.draft(model="alasfoor-cnn22", **settings), manifest)[0]

    return make


@pytest.fixture
def work(artifacts: Path) -> Iterator[Callable[[], subprocess.Popen]]:
    """Supervisors in processes of their own; whatever is left of them and their trainers is ended."""

    def begun() -> subprocess.Popen:
        artifacts.mkdir(parents=True, exist_ok=True)
        with open(artifacts / "supervisor.log", "ab") as log:
            return subprocess.Popen([sys.executable, "-m", "core", "work"], cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    yield begun
    for process in psutil.process_iter(["environ"]):
        if process.pid != os.getpid() and (process.info["environ"] or {}).get("CXRLAB_ARTIFACTS") == str(artifacts):
            process.kill()


def trainer_of(run: store.Run) -> psutil.Process | None:
    """The living process that trains `run`."""
    found = ticket.of(run)
    if found is None or found.process is None or run.status().state != "running":
        return None
    try:
        return psutil.Process(found.process.pid)
    except psutil.NoSuchProcess:
        return None


def patiently(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        time.sleep(0.02)
        assert time.monotonic() < deadline, "it never happened"


def assert_equal_results(first: store.Run, second: store.Run) -> None:
    assert (first.folder / "metrics.jsonl").read_text() == (second.folder / "metrics.jsonl").read_text()
    one, other = first.weights(), second.weights()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert first.predictions().equals(second.predictions())


def test_a_trainer_killed_twenty_times_ends_as_if_never_interrupted(recipe, work):
    undisturbed = store.create(recipe(epochs=EPOCHS))
    worker.run(undisturbed)
    draw = random.Random(1)
    run = requests.start(recipe(epochs=EPOCHS), supervised=False)
    work()
    for _ in range(KILLS):
        patiently(lambda: trainer_of(run))
        if draw.random() < 0.6:  # while it trains, validates, writes; else while it loads
            before = run.status().epoch
            patiently(lambda: run.status().epoch > before)  # noqa: B023
        time.sleep(draw.uniform(0, 0.25))
        trainer = trainer_of(run)
        assert trainer is not None, "it ended before it was killed often enough"
        trainer.kill()
        patiently(lambda: run.status().state != "running")
    patiently(lambda: run.status().state == "done")
    assert sum(moment.state == "running" for moment in run.status().history) >= KILLS
    assert_equal_results(run, undisturbed)


def test_a_killed_supervisor_leaves_a_trainer_that_the_next_one_takes_over(recipe, work):
    run, waiting = (requests.start(recipe(epochs=30, seed=seed), supervised=False) for seed in (1, 2))
    first = work()
    patiently(lambda: trainer_of(run))
    trainer = trainer_of(run)
    first.kill()
    first.wait()
    work()
    patiently(lambda: run.status().state == waiting.status().state == "done")
    assert run.status().process.pid == trainer.pid  # the same trainer to its end
    assert waiting.status().started >= run.status().finished


def test_a_paused_run_goes_on_exactly_where_it_was(recipe, work):
    undisturbed = store.create(recipe(epochs=25))
    worker.run(undisturbed)
    run = requests.start(recipe(epochs=25), supervised=False)
    work()
    for epoch in (3, 12):
        patiently(lambda: run.status().state == "running" and run.status().epoch >= epoch)  # noqa: B023
        requests.pause(run)
        patiently(lambda: run.status().state == "paused" and not queue.jobs())
        requests.go_on(run, supervised=False)
    patiently(lambda: run.status().state == "done")
    assert_equal_results(run, undisturbed)


def test_a_cancelled_run_stops_within_five_seconds_with_its_best_weights_tested(recipe, work):
    run = requests.start(recipe(epochs=5000), supervised=False)
    work()
    patiently(lambda: run.status().best_epoch)
    requests.cancel(run)
    begun = time.monotonic()
    patiently(lambda: run.status().state == "cancelled")
    assert time.monotonic() - begun < 5
    assert run.status().result["images"] == 8
    assert run.has_model()


SUPERVISE = """
from core.jobs.launchers.local import Local
from core.jobs.supervisor import Supervisor
from tests.jobs.conftest import trivial
Supervisor(Local({"cpu": 3}, trivial())).work(idle_seconds=1.5)
"""


@pytest.mark.parametrize("supervisors", [2, 4])
def test_several_supervisors_train_a_hundred_jobs_once_each(supervisors, submit, artifacts):
    runs = [submit() for _ in range(100)]
    processes = [subprocess.Popen([sys.executable, "-c", SUPERVISE], cwd=ROOT) for _ in range(supervisors)]
    patiently(lambda: sum((run.folder / "spans").exists() for run in runs) > 30)
    for file in artifacts.glob("index.sqlite*"):  # and the table is lost meanwhile
        file.unlink(missing_ok=True)
    assert [process.wait(PATIENCE) for process in processes] == [0] * supervisors
    spans = [(run.folder / "spans").read_text().split("\n") for run in runs]
    assert [[line.split()[0] for line in lines if line] for lines in spans] == [["begin", "end"]] * 100
    assert {row.state for row in index.rows()} == {"done"}
    assert queue.jobs() == []


def test_many_jobs_leave_no_process_and_no_open_file_behind(submit, supervise):
    me, supervisor = psutil.Process(), supervise(slots={"cpu": 4})
    runs = [submit() for _ in range(10)]
    until(lambda: not queue.jobs(), lambda: supervisor.step("me"))
    before, children = me.num_fds(), me.children()
    runs = [submit() for _ in range(100)]
    until(lambda: not queue.jobs(), lambda: (supervisor.step("me"), supervisor.launcher.wait(0.05)))
    supervisor.launcher.wait(0)
    assert {run.status().state for run in runs} == {"done"}
    assert me.num_fds() <= before
    assert me.children() == children


def test_a_clock_that_is_set_back_changes_no_order_and_ends_no_job(submit, supervise, monkeypatch):
    first, second = submit(), submit()
    supervisor = supervise("sleep")
    until(lambda: ticket.of(first).process, lambda: supervisor.step("me"))
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 7200)
    third = submit()
    other = supervise()
    for _ in range(10):
        supervisor.step("me"), other.step("you")
    assert [job.run_id for job in queue.jobs()] == [first.id, second.id, third.id]
    assert (first.folder / "spans").read_text().count("begin") == 1
    os.kill(ticket.of(first).process.pid, signal.SIGKILL)
    supervisor._trainers.popitem()[1]._child.wait()
    until(lambda: not queue.jobs(), lambda: other.step("you"))
    assert {run.status().state for run in (first, second, third)} == {"done"}


def test_a_full_disk_refuses_a_new_run_and_leaves_the_queue_whole(submit):
    waiting = submit()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))  # no file may grow beyond 100 bytes: writing fails as on a full disk
    try:
        with pytest.raises(CoreError, match="The disk has room"):
            submit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert [job.run_id for job in queue.jobs()] == [waiting.id]
    assert [row.run_id for row in index.rows()] == [waiting.id]
    queue.fill_from_folders()
    assert [job.run_id for job in queue.jobs()] == [waiting.id]
