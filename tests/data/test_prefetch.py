"""Items made ahead: in order, a few at a time, with the error where it belongs, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.prefetch import ahead


@given(count=st.integers(0, 20), depth=st.integers(1, 5))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_items_come_in_their_order(count: int, depth: int) -> None:
    assert list(ahead(range(count), depth)) == list(range(count))


def test_no_more_are_made_in_advance_than_asked() -> None:
    made = []
    items = ahead((made.append(number) or number for number in range(100)), depth=2)
    next(items)
    assert len(made) <= 4  # the one taken, two that wait, one in the making
    items.close()


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(OSError, match="gone"):
        next(items)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    items = ahead(iter(int, 1))  # without end
    next(items)
    items.close()
    assert threading.active_count() == before
