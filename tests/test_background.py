"""Work beside the pages: done once, stopped when asked, never in the way of others for long."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from core.background import FairLock, Pool, Progress, key_of
from core.errors import CoreError

LONG = 20  # seconds after which a test that hangs fails
ENDS_MEANWHILE = """
import time, torch
from core import background

def work(told):
    for number in range(10**9):
        torch.nn.functional.conv2d(torch.rand(4, 8, 64, 64), torch.rand(8, 8, 3, 3))
        told(number, 10**9)

background.pool().start("endless", work)
background.pool().start("waiting", work)
while background.pool().look("endless").done < 3:
    time.sleep(0.01)
"""


def until(event: Event, told: int = 0) -> Callable[[Progress], str]:
    """Work that ends when `event` is set, after having told its progress `told` times."""

    def work(progress: Progress) -> str:
        for number in range(told):
            progress(number + 1, told)
        assert event.wait(LONG)
        progress(told + 1, told + 1)
        return "result"

    return work


def test_a_result_is_kept_under_its_name() -> None:
    pool = Pool()
    assert pool.look("a") is None
    pool.start("a", lambda _: 7)
    ended = pool.wait("a", LONG)
    assert (ended.state, ended.result, ended.live) == ("done", 7, False)
    assert pool.look("a") == ended


def test_the_same_work_asked_for_twice_is_done_once() -> None:
    pool, event, calls = Pool(), Event(), []

    def work(_: Progress) -> None:
        calls.append(1)
        assert event.wait(LONG)

    for _ in range(2):
        assert pool.start("a", work).live
    event.set()
    pool.wait("a", LONG)
    assert pool.start("a", work).state == "done"
    assert calls == [1]


def test_works_run_one_after_the_other_in_their_order() -> None:
    pool, events, order = Pool(), [Event(), Event(), Event()], []
    for number, event in enumerate(events):
        pool.start(str(number), lambda _, number=number, event=event: event.wait(LONG) and order.append(number))
    assert [pool.look(str(number)).state for number in (1, 2)] == ["queued", "queued"]
    for event in reversed(events):
        event.set()
    pool.wait("2", LONG)
    assert order == [0, 1, 2]


def test_progress_is_seen_while_the_work_runs() -> None:
    pool, event = Pool(), Event()
    pool.start("a", until(event, told=3))
    end = time.monotonic() + LONG
    while pool.look("a").done < 3 and time.monotonic() < end:
        time.sleep(0.001)
    assert (pool.look("a").done, pool.look("a").share) == (3, 1)
    event.set()
    assert pool.wait("a", LONG).state == "done"


def test_a_cancelled_work_ends_at_its_next_piece_and_can_be_started_again() -> None:
    pool, event = Pool(), Event()
    pool.start("a", until(event))
    pool.start("b", lambda _: "never begun")
    while pool.look("a").state != "running":
        time.sleep(0.001)
    pool.cancel("b")
    pool.cancel("a")
    assert pool.look("b").state == "cancelled"
    event.set()
    assert pool.wait("a", LONG).state == "cancelled"
    pool.start("a", until(event))
    assert pool.wait("a", LONG).state == "done"


def test_who_asks_again_before_a_cancel_takes_hold_gets_the_result() -> None:
    pool, event = Pool(), Event()
    pool.start("a", until(event))
    while pool.look("a").state != "running":
        time.sleep(0.001)
    pool.cancel("a")
    pool.start("a", until(event))
    event.set()
    assert pool.wait("a", LONG).state == "done"


@pytest.mark.parametrize(
    ("error", "said"), [(CoreError("A rule.", "a value", "A way out."), "A rule. Received: a value."), (KeyError("x"), "KeyError: 'x'")]
)
def test_an_error_is_kept_as_text_ends_nothing_else_and_can_be_tried_again(error: Exception, said: str) -> None:
    pool, errors = Pool(), [error]

    def work(_: Progress) -> str:
        if errors:
            raise errors.pop()
        return "well"

    pool.start("a", work)
    failed = pool.wait("a", LONG)
    assert failed.state == "failed"
    assert said in str(failed.problems[0])
    pool.start("a", work)
    assert pool.wait("a", LONG).result == "well"


def test_the_results_least_looked_at_are_dropped_first() -> None:
    pool = Pool(kept=2)
    for name in "ab":
        pool.start(name, lambda _: 1)
        pool.wait(name, LONG)
    pool.look("a")
    pool.start("c", lambda _: 1)
    pool.wait("c", LONG)
    assert [name for name in "abc" if pool.look(name)] == ["a", "c"]


def test_a_full_queue_is_refused() -> None:
    pool, event = Pool(waiting=1), Event()
    pool.start("a", until(event))
    while pool.look("a").state != "running":
        time.sleep(0.001)
    pool.start("b", until(event))
    with pytest.raises(CoreError, match="Up to 1 checks wait"):
        pool.start("c", until(event))
    event.set()
    assert pool.wait("b", LONG).state == "done"


def test_who_works_in_a_loop_lets_those_who_wait_go_first() -> None:
    lock, turns, stop = FairLock(), [], Event()

    def loop() -> None:
        while not stop.is_set():
            with lock:
                turns.append("loop")
                time.sleep(0.01)  # longer than it takes to come to the lock

    def one() -> None:
        turns.append("asked")
        with lock:
            turns.append("had")
        stop.set()

    threads = [Thread(target=loop), Thread(target=one)]
    for thread in threads:
        thread.start()
        time.sleep(0.03)
    for thread in threads:
        thread.join(LONG)
    assert turns.index("had") - turns.index("asked") <= 3
    assert not lock.locked()


def test_the_lock_is_had_by_one_at_a_time_and_let_go_after_an_error() -> None:
    lock, inside, most = FairLock(), [], []

    def work() -> None:
        for _ in range(200):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert set(most) == {1}
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert not lock.locked()


def test_work_is_named_by_content() -> None:
    pixels = np.arange(6, dtype=np.uint8)
    assert key_of("deletion", pixels, 1) == key_of("deletion", pixels.copy(), 1)
    different = {key_of("deletion", pixels, 1), key_of("deletion", pixels[::-1], 1), key_of("deletion", pixels.reshape(2, 3), 1)}
    assert len(different | {key_of("road", pixels, 1), key_of("deletion", pixels, 2)}) == 5


def test_all_that_waits_or_runs_is_ended_by_closing() -> None:
    pool, event = Pool(), Event()
    pool.start("runs", until(event, told=1))
    pool.start("waits", lambda _: 1)
    Thread(target=lambda: time.sleep(0.1) or event.set()).start()
    pool.close(LONG)
    assert [pool.look(key).state for key in ("runs", "waits")] == ["cancelled", "cancelled"]
    assert pool.start("later", lambda _: 7)
    assert pool.wait("later", LONG).result == 7


def test_closing_does_not_wait_for_ever() -> None:
    pool, event = Pool(), Event()
    pool.start("stuck", until(event))
    while pool.look("stuck").state == "queued":
        Event().wait(0.01)
    pool.close(0.05)
    assert pool.look("stuck").live
    event.set()


def test_a_program_ends_well_while_work_goes_on() -> None:
    root = Path(__file__).resolve().parents[1]
    child = subprocess.run([sys.executable, "-c", ENDS_MEANWHILE], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert (child.returncode, child.stderr) == (0, "")
