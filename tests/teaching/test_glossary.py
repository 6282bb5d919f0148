"""Every term: plain words, a figure of its own that needs no run, and numbers that say what the words say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from core.errors import UnknownName
from core.teaching import glossary, terms_data, terms_results
from core.teaching.walks import TOURS

PAGES = Path(__file__).resolve().parents[2] / "pages"

every_term = pytest.mark.parametrize("name", glossary.names())


@every_term
@pytest.mark.filterwarnings("error")
def test_a_term_has_a_figure_that_follows_the_page_s_theme(name):
    figure = glossary.get(name).draw()
    assert go.Figure(figure.to_dict()).data
    assert "NaN" not in figure.to_json()
    assert len(figure.to_json()) < 400_000
    assert (figure.layout.paper_bgcolor, figure.layout.plot_bgcolor, figure.layout.font.color) == (None, None, None)
    assert not figure.layout.images, "a figure is drawn, never a bitmap"


@every_term
def test_a_figure_is_the_same_each_time(name):
    term = glossary.get(name)
    assert term.draw().to_json() == term.draw().to_json()


@every_term
def test_a_term_is_explained_in_a_few_whole_sentences(name):
    term = glossary.get(name)
    assert 80 <= len(term.text) <= 330
    assert term.text.endswith(".")
    assert term.caption.endswith(".")


def test_names_and_titles_stand_once():
    assert sum(len(terms) for terms in glossary.AREAS.values()) == len(glossary.names())
    assert len({glossary.get(name).title for name in glossary.names()}) == len(glossary.names())


def test_an_unknown_term_suggests_the_nearest():
    with pytest.raises(UnknownName, match="sensitivity"):
        glossary.get("sensitivty")


def test_every_term_that_a_page_or_a_tour_explains_is_in_the_glossary():
    asked = set()
    for page in PAGES.glob("*.py"):
        for call in re.findall(r"_teaching\.explain\(([^)]*)\)", page.read_text(encoding="utf-8")):
            asked |= set(re.findall(r'"([a-z_0-9]+)"', call))
    assert len(asked) > 20
    asked |= {name for tour in TOURS for step in tour.steps for name in step.terms}
    assert asked <= set(glossary.names())


def test_the_simulated_marker_collapses_as_the_words_say():
    planted, absent, swapped = terms_data._marked()["marker and lungs"]
    lungs = terms_data._marked()["lungs alone"]
    assert planted == terms_data.IMAGES
    assert absent < 0.8 * planted
    assert swapped < absent
    assert len(set(lungs)) == 1, "without the marker there is nothing to collapse"


def test_patients_drawn_singly_flatter_where_nothing_can_be_learnt():
    singly, together = terms_data._leakage().data[0].y
    assert singly > 0.8
    assert together == pytest.approx(0.5, abs=0.07)


def test_about_one_interval_in_twenty_misses_the_truth():
    holding, missing = terms_results._intervals().data
    assert len(holding.y) + len(missing.y) == terms_results.REPEATS
    assert 1 <= len(missing.y) <= 10
    assert np.all(np.asarray(holding.y) - holding.error_y.arrayminus <= terms_results.RIGHT)
