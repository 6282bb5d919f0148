"""Ratios, medians and shares of the peak, on invented passes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.training import summary
from benchmarks.training.passes import Pass
from benchmarks.training.peers import OURS


def a_pass(name, repeat, wall, **changes):
    return Pass(name, repeat, wall, cpu=2 * wall, peak_rss=10**9, control=0.1, **changes)


def test_a_ratio_is_of_the_medians_and_its_range_of_the_repeats():
    passes = [
        *(a_pass(OURS, i, wall) for i, wall in enumerate((10, 12, 20))),
        *(a_pass("timm", i, wall) for i, wall in enumerate((20, 30, 30))),
    ]
    assert summary.ratio(passes, "timm") == summary.Ratio(30 / 12, 30 / 20, 30 / 12)


def test_the_repetition_of_a_disturbed_pass_counts_in_its_place():
    passes = [a_pass(OURS, 0, 10), a_pass("timm", 0, 90, disturbed=True), a_pass("timm", 0, 30, again=True)]
    assert summary.ratio(passes, "timm").value == 3
    assert [row.disturbed for row in summary.rows(passes, 0, {})] == [0, 1]


def test_repeats_that_only_one_side_has_do_not_count():
    passes = [a_pass(OURS, 0, 10), a_pass(OURS, 1, 1), a_pass("timm", 0, 20)]
    assert summary.ratio(passes, "timm").value == 2
    assert summary.ratio(passes, "fastai") is None


def test_a_participant_that_failed_stands_last_with_the_reason():
    rows = summary.rows([a_pass("timm", 0, 1, failure="exit status 1: no such model"), a_pass(OURS, 0, 10)], 0, {})
    assert [row.participant for row in rows] == [OURS, "timm"]
    assert rows[1].wall is None
    assert "no such model" in rows[1].failure


def test_the_share_of_the_peak_is_of_operations_a_second():
    operations = summary.training_operations(multiply_adds=100, train=10, validation=5, epochs=2)
    assert operations == 2 * 100 * (3 * 10 + 5) * 2
    assert summary.rows([a_pass(OURS, 0, 7.0)], operations, {OURS: 4000.0})[0].peak_share == pytest.approx(0.5)


walls = st.lists(st.floats(0.5, 100), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(walls, st.floats(0.1, 10))
def test_a_peer_that_always_takes_the_same_multiple_has_that_ratio(ours, factor):
    passes = [a_pass(name, i, wall * scale) for name, scale in ((OURS, 1), ("timm", factor)) for i, wall in enumerate(ours)]
    found = summary.ratio(passes, "timm")
    assert (found.value, found.low, found.high) == pytest.approx((factor, factor, factor))
