"""Figures of a measurement, on invented samples."""

import numpy as np
import pytest

from benchmarks.load import figures
from benchmarks.load.samples import Sample
from benchmarks.load.visitors import Change


def sample(at, memory, **cpu):
    return Sample(at, memory, cpu)


def test_page_changes_are_counted_by_page_the_slowest_first():
    changes = [Change(0, "", 0.1, "opened"), *(Change(0, "runs", each, "changed") for each in (1.0, 2.0, 3.0))]
    changes.append(Change(0, "predict", 9.0, "uploaded"))
    found = figures.by_page(changes)
    assert list(found) == ["predict, upload", "runs", "home"]
    assert (found["runs"].n, found["runs"].median, found["runs"].longest) == (3, 2.0, 3.0)
    assert figures.times([]) is None


def test_the_slope_of_memory_leaves_the_warm_up_out_and_a_single_large_sample_too():
    warming = [sample(at, at * 1_000_000) for at in range(0, 300, 10)]
    flat = [sample(at, 400_000_000 + 100 * (at - 300)) for at in range(300, 1800, 10)]
    flat[40] = sample(flat[40].at, 900_000_000)
    found = figures.memory([*warming, *flat])
    assert found.slope == pytest.approx(60_000)  # 100 a second for ten minutes
    assert found.low <= found.slope <= found.high
    assert (found.start, found.warm, found.highest) == (0, 400_000_000, 900_000_000)
    assert figures.memory(warming) is None


def test_busy_cores_are_seconds_of_work_a_second_between_the_first_and_the_last_sample():
    found = figures.busy([sample(0, 0, app=5.0), sample(10, 0, app=6.0, trainer=3.0), sample(20, 0, app=9.0, trainer=30.0)])
    assert found == pytest.approx({"app": 0.2, "trainer": 1.5})
    assert figures.busy([sample(0, 0, app=1.0)]) == {}


def test_only_epochs_that_lie_in_a_stretch_with_all_of_their_time_count():
    ends = [0.0, 10.0, 20.0, 36.0, 45.0, 50.0]
    assert figures.epochs(ends, [(5.0, 46.0)]) == [[10.0, 16.0], [9.0]]  # the one that began at 0 and the one that ended at 50 do not


def test_the_ratio_of_epochs_stands_in_its_interval_and_a_real_slowing_shows():
    draw = np.random.default_rng(0)
    alone = [list(draw.normal(2.0, 0.1, 15)) for _ in range(20)]
    visited = [list(draw.normal(2.4, 0.1, 12)) for _ in range(60)]
    found = figures.ratio(alone, visited)
    assert found.ratio == pytest.approx(1.2, abs=0.02)
    assert 1.0 < found.low < found.ratio < found.high < 1.3
    assert figures.ratio(alone[:1], visited) is None


def test_equal_errors_are_told_once_with_their_number():
    assert list(figures.grouped(["a", "b", "b"]).items()) == [("b", 2), ("a", 1)]
