"""The tours: every page and view in them is there, and each step finds the run that it plays on."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidSpec, UnknownName
from core.recipes import catalogue
from core.runs import store
from core.teaching import tours
from core.teaching.tours import Step
from core.teaching.walks import TOURS

ROOT = Path(__file__).resolve().parents[2]
TESTED = Step("t", "t", "t", page="runs", needs="tested", parameters={"view": "matrix"})


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.name)
def test_every_step_plays_on_a_page_that_is_there_and_knows_its_parameters(tour):
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "pages").glob("*.py"))
    for step in tour.steps:
        assert (ROOT / "pages" / f"{step.page or 'home'}.py").is_file()
        for name, value in step.parameters.items():
            assert f'"{name}"' in sources
            assert f'"{value}"' in sources or value in {paper.key for paper in catalogue.papers()} | {"phantom"}


def test_names_stand_once_and_an_unknown_one_suggests_the_nearest():
    assert len({tour.name for tour in TOURS}) == len(TOURS)
    with pytest.raises(UnknownName, match="threshold"):
        tours.get("treshold")


@pytest.mark.parametrize("number", ["0", "6", "x", ""])
def test_a_step_that_a_tour_has_not_is_refused(number):
    with pytest.raises(InvalidSpec, match="1 to 5"):
        tours.get("first-network").step(number)


def test_a_step_plays_on_the_wanted_run_else_on_the_newest_that_will_do(recorded):
    (recorded.folder / "model.safetensors").touch()
    live = store.create(recorded.recipe())
    assert tours.run_for(TESTED, recorded.id) == recorded.id
    assert tours.run_for(TESTED, live.id) == recorded.id
    assert tours.run_for(TESTED, "gone") == recorded.id
    assert tours.run_for(Step("t", "t", "t", page="runs", needs="run"), live.id) == live.id
    assert tours.run_for(Step("t", "t", "t", page=""), live.id) == ""
    assert tours.link(TESTED, recorded.id) == {"view": "matrix", "run": recorded.id}


@pytest.mark.usefixtures("recorded")
def test_without_a_run_that_will_do_there_is_none():
    assert tours.run_for(TESTED) == "", "it kept no network"


def test_a_step_waits_for_the_wanted_run_alone(recorded):
    live = store.create(recorded.recipe())
    assert tours.waits(TESTED, live.id)
    assert not tours.waits(TESTED, recorded.id)
    assert not tours.waits(TESTED, "")
