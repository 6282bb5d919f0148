"""Progress for people: not too often, with the time that is left once the pace says something."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.sources.meter import EVERY, Meter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def metered(clock):
    shown = []
    return shown, Meter(lambda share, line: shown.append((share, line)), lambda done, total: f"{done} of {total}", clock)


def test_time_left_is_told_from_the_pace_since_this_run_began():
    clock = Clock()
    shown, meter = metered(clock)
    meter(500, 1_000)  # half was there from an earlier run
    clock.now = 10.0
    meter(600, 1_000)
    assert shown == [(0.5, "500 of 1000"), (0.6, "600 of 1000, about 40 s left")]


def test_without_a_total_there_is_no_share_and_no_time_left():
    clock = Clock()
    shown, meter = metered(clock)
    meter(1, 0)
    clock.now = 10.0
    meter(50, 0)
    assert shown == [(0.0, "1 of 0"), (0.0, "50 of 0")]


def test_the_end_is_always_shown():
    shown, meter = metered(Clock())
    meter(1, 3)
    meter(2, 3)
    meter(3, 3)
    assert [line for _, line in shown] == ["1 of 3", "3 of 3"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(steps=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 50)), max_size=60), total=st.integers(0, 200))
def test_it_shows_shares_and_no_more_often_than_said(steps, total):
    clock, done = Clock(), 0
    shown, meter = metered(clock)
    for wait, more in steps:
        clock.now, done = clock.now + wait, done + more
        meter(done, total)
    assert all(0 <= share <= 1 for share, _ in shown)
    ends = sum(line.startswith(f"{total} of") for _, line in shown)
    assert len(shown) <= clock.now / EVERY + 1 + ends
