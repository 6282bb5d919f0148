"""When jobs start and end, from what runs like them took."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.jobs import estimates

TIMES = st.lists(st.floats(0, 1e4), max_size=8)


def test_jobs_take_the_first_free_device_in_their_order():
    assert estimates.finish([30.0], [10.0, 10.0, 10.0], 1) == [30, 40, 50, 60]
    assert estimates.finish([30.0], [10.0, 10.0, 10.0], 2) == [0, 10, 20, 30]
    assert estimates.finish([], [], 3) == [0]


def test_behind_an_unknown_time_all_is_unknown_but_on_other_devices():
    assert estimates.finish([None], [10.0], 1) == [None, None]
    assert estimates.finish([], [None, 5.0, 5.0], 2) == [0, 0, 5, None]


@given(active=TIMES, waiting=TIMES, devices=st.integers(1, 4))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_queue_ends_before_its_work_could_be_done_nor_later_than_one_after_the_other(active, waiting, devices):
    *starts, end = estimates.finish(active, waiting, devices)
    assert starts == sorted(starts)
    most = max(len(active), devices)
    assert end >= (sum(active) + sum(waiting)) / most - 1e-6
    assert end <= sum(active) + sum(waiting) + 1e-6
    assert all(end >= start + needed - 1e-6 for start, needed in zip(starts, waiting, strict=True))
