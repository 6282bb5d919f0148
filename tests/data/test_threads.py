"""Work in threads comes back in order, is told of, and ends with the first error."""

from __future__ import annotations

import pytest

from core.data import threads


def test_results_come_in_the_order_of_the_items_and_every_one_is_told_of():
    seen = []
    assert threads.each(lambda number: number**2, range(20), lambda done, total: seen.append((done, total))) == [n**2 for n in range(20)]
    assert seen == [(done, 20) for done in range(1, 21)]


def test_nothing_to_do_is_no_work():
    assert threads.each(abs, []) == []


def test_the_first_error_ends_it():
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        threads.each(work, range(10_000))
    assert len(begun) < 10_000
