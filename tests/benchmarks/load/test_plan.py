"""Walks through the app."""

from itertools import islice, pairwise
from pathlib import Path

import pytest

from benchmarks.load import plan
from benchmarks.load.plan import Content

PAGES = Path(__file__).resolve().parents[3] / "pages"

THERE = Content(runs=("a", "b", "c"), recorded=("r",), training="t", data=("phantom",), papers=("zhong-2020",))


def test_the_same_seed_gives_the_same_walk_and_another_one_another():
    first, again, other = (list(islice(plan.walk(seed, THERE), 50)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_walk_comes_to_every_page_of_the_app_and_never_twice_in_turn_to_the_same_view():
    walked = list(islice(plan.walk(0, THERE), 2_000))
    names = {file.stem for file in PAGES.glob("*.py") if not file.stem.startswith("_")} - {"parts", "home"}
    assert {visit.page for visit in walked} == names | {""}
    assert all((a.page, a.query) != (b.page, b.query) for a, b in pairwise(walked))


def test_thinking_stays_within_its_bounds():
    thought = [visit.think for visit in islice(plan.walk(0, THERE, (1.0, 2.0)), 500)]
    assert 1.0 <= min(thought) < 1.1
    assert 1.9 < max(thought) <= 2.0


@pytest.mark.parametrize("visit", list(islice(plan.walk(5, THERE), 300))[::10], ids=lambda visit: visit.page)
def test_links_name_what_is_there(visit):
    named = visit.query.get("run", "a").split(",") + visit.query.get("runs", "a").split(",")
    assert set(named) <= {*THERE.runs, *THERE.recorded, THERE.training}


def test_people_leave_after_some_pages():
    assert set(islice(plan.stays(0, 5, 7), 200)) == {5, 6, 7}
