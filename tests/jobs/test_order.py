"""The order of what waits, and how it is changed."""

from __future__ import annotations

import pytest

from core.jobs import queue, requests
from core.recipes import fitting
from core.runs import ticket


@pytest.fixture
def four() -> list[str]:
    """Ids of four jobs that wait, in their order."""
    recipe = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "batch_size": 8})
    return [requests.start(recipe, supervised=False).id for _ in range(4)]


def order() -> list[str]:
    return [job.run_id for job in queue.jobs()]


@pytest.mark.parametrize(
    ("number", "to", "expected"),
    [
        *[(2, "first", "2013"), (1, "last", "0231"), (2, "earlier", "0213"), (1, "later", "0213")],
        *[(0, "first", "0123"), (0, "earlier", "0123"), (3, "last", "0123"), (3, "later", "0123"), (2, None, "0123")],
    ],
)
def test_a_job_is_moved_among_its_rivals(four, number, to, expected):
    queue.reorder(four[number], to=to)
    assert order() == [four[int(each)] for each in expected]


def test_a_job_is_moved_among_those_of_its_new_priority(four):
    queue.reorder(four[3], priority=1)
    queue.reorder(four[2], priority=1, to="first")
    assert order() == [four[2], four[3], four[0], four[1]]


def test_the_folders_know_the_order_as_the_table_does(four):
    for number, to in ((3, "first"), (0, "last"), (1, "later")):
        queue.reorder(four[number], to=to)
    places = {job.run_id: ticket.of(job.run).place for job in queue.jobs()}
    assert sorted(four, key=places.__getitem__) == order()


def test_what_does_not_wait_is_not_moved(four):
    queue.claim("here", {"cpu": 1}, "me")
    assert queue.reorder(four[0], to="last") is None
