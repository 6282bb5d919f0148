"""One training at a time on a machine, and nobody waits for the dead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
from filelock import FileLock, Timeout

from core.jobs import turns
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store
from core.runs.status import ProcessMark

DATA = DataSpec(name="set", sha256="", classes=("a", "b"))
LIMIT = 30  # seconds after which a thread that should go on counts as stuck
HOLDER = """
import sys
from core.jobs import turns
from core.runs import store
with turns.taken(store.find(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOK_EVERY", 0.01)


def make_run(**status: object) -> store.Run:
    run = store.create(compose(DATA, "alasfoor-cnn22", **{"image.size": 32}))
    run.write_status(run.status().changed(**status))
    return run


def is_free(artifacts: Path) -> bool:
    lock = FileLock(artifacts / "training.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True


class Waiter(Thread):
    """Takes its turn in a thread of its own and keeps it until it is let go."""

    def __init__(self, run: store.Run, order: list[str]) -> None:
        super().__init__(daemon=True)
        self.run_waited_for, self.order, self.inside, self.let_go = run, order, Event(), Event()

    def run(self) -> None:
        with turns.taken(self.run_waited_for):
            self.order.append(f"{self.run_waited_for.id} in")
            self.inside.set()
            self.let_go.wait(LIMIT)
            self.order.append(f"{self.run_waited_for.id} out")


def until_waiting(run: store.Run) -> None:
    for _ in range(LIMIT * 100):
        if run.status().message.startswith("Waiting: another run"):
            return
        Event().wait(0.01)
    pytest.fail(f"{run.status()} never waited")


def test_a_free_machine_is_taken_at_once_and_given_back(artifacts: Path) -> None:
    run = make_run()
    with turns.taken(run):
        assert not is_free(artifacts)
        assert (run.status().state, run.status().process) == ("queued", ProcessMark.of_this())
        assert run.status().heartbeat is not None
    assert is_free(artifacts)


def test_a_failure_gives_the_turn_back(artifacts: Path) -> None:
    with pytest.raises(ZeroDivisionError), turns.taken(make_run()):
        raise ZeroDivisionError
    assert is_free(artifacts)


def test_two_holders_take_turns(artifacts: Path) -> None:
    order: list[str] = []
    first, second = Waiter(make_run(), order), Waiter(make_run(), order)
    first.start()
    assert first.inside.wait(LIMIT)
    second.start()
    until_waiting(second.run_waited_for)
    assert second.run_waited_for.status().live
    assert not second.inside.is_set()
    first.let_go.set()
    assert second.inside.wait(LIMIT)
    second.let_go.set()
    second.join(LIMIT)
    one, other = first.run_waited_for.id, second.run_waited_for.id
    assert order == [f"{one} in", f"{one} out", f"{other} in", f"{other} out"]
    assert is_free(artifacts)


@pytest.mark.parametrize("state", ["queued", "interrupted", "cancelled", "failed"])
def test_a_cancelled_waiter_leaves_without_the_turn(state: str, artifacts: Path) -> None:
    order: list[str] = []
    run = make_run(state=state)
    with turns.taken(make_run()):
        waiter = Waiter(run, order)
        waiter.start()
        until_waiting(run)
        run.request_cancel()
        assert waiter.inside.wait(LIMIT)  # it goes on, to say that it was cancelled
        assert not is_free(artifacts)  # the turn is still the other's
        waiter.let_go.set()
        waiter.join(LIMIT)
        assert not is_free(artifacts)  # and was not given away by the one that never had it
    assert is_free(artifacts)


@pytest.mark.parametrize("state", ["interrupted", "cancelled", "failed"])
def test_a_run_that_goes_on_is_queued_again_while_it_waits(state: str) -> None:
    run = make_run(state=state, message="Before.", finished=1.0, seconds_left=3.0)
    with turns.taken(run):
        status = run.status()
        assert (status.state, status.message, status.finished) == ("queued", "Starting the trainer.", None)


def test_a_holder_that_is_killed_holds_nothing(artifacts: Path) -> None:
    run, killed = make_run(), make_run()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, killed.id],
        cwd=Path(turns.__file__).parents[2],
        env=os.environ | {"CXRLAB_ARTIFACTS": str(artifacts)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "mine\n"
    assert not is_free(artifacts)
    waiter = Waiter(run, [])
    waiter.start()
    until_waiting(run)
    holder.kill()
    holder.communicate()
    assert waiter.inside.wait(LIMIT)
    assert killed.status().state == "interrupted"
    waiter.let_go.set()
    waiter.join(LIMIT)
    assert is_free(artifacts)
