"""Threads follow what other programs leave free of the processor."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.training.worker import cores
from core.training.worker.cores import LOOK_EVERY, FreeCores, wanted


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("busy", "threads"), [(0.0, 4), (0.4, 4), (0.8, 4), (0.95, 3), (1.0, 3), (2.0, 2), (3.9, 1), (9.0, 1)])
def test_a_busy_core_is_left_to_those_who_keep_it_busy(busy: float, threads: int) -> None:
    assert wanted(4, 4, busy) == threads


@given(most=st.integers(1, 64), count=st.integers(1, 64), busy=st.floats(0, 100))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_there_is_always_a_thread_and_never_more_than_allowed(most: int, count: int, busy: float) -> None:
    assert 1 <= wanted(most, count, busy) <= most


def test_threads_give_way_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, others = 0.0, 0.0
    monkeypatch.setattr(cores, "_busy_others", lambda: others)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    torch.set_num_threads(2)
    free = FreeCores(lambda: seconds)
    seen = []
    for busy in (0.0, 1.0, 1.0, 0.0):
        seconds, others = seconds + LOOK_EVERY, others + busy * LOOK_EVERY
        free.follow()
        seen.append(torch.get_num_threads())
    assert seen == [2, 1, 1, 2]
    seconds, others = seconds + LOOK_EVERY, others + LOOK_EVERY
    free.follow()
    free.end()
    assert torch.get_num_threads() == 2


def test_it_looks_no_more_often_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    monkeypatch.setattr(cores, "_busy_others", lambda: looks.append(1) or 0.0)
    free = FreeCores(lambda: 1.0)
    for _ in range(100):
        free.follow()
    assert len(looks) == 1


def test_its_own_work_is_nobody_else_s(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cores._busy_others()
    times, own = psutil.cpu_times(), psutil.Process().cpu_times()
    monkeypatch.setattr(psutil, "cpu_times", lambda: times._replace(user=times.user + 10))
    monkeypatch.setattr(psutil.Process, "cpu_times", lambda _: own._replace(user=own.user + 10))
    assert cores._busy_others() == pytest.approx(before, abs=2)


def test_those_who_give_way_themselves_are_not_given_way_to(monkeypatch: pytest.MonkeyPatch) -> None:
    times = psutil.cpu_times()
    if not hasattr(times, "nice"):
        pytest.skip("this system does not tell the time of programs that give way")
    before = cores._busy_others()
    monkeypatch.setattr(psutil, "cpu_times", lambda: times._replace(nice=times.nice + 10))
    assert cores._busy_others() == pytest.approx(before, abs=2)
