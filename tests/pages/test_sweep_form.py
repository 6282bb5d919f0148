"""Several runs from the training page: counted, estimated and listed before anything is queued."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data import library
from core.jobs import queue, supervisors
from core.training import preview

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:pages")


@pytest.fixture
def page(make_folder, monkeypatch):
    """The training page with the switch on, one small network chosen."""
    library.open_dataset(str(make_folder({"a": 24, "b": 24}, size=24, patients=2, name="set")))
    monkeypatch.setattr(supervisors, "ensure", lambda: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.query_params.update({"several": "1", "data": "set", "model": "alasfoor-cnn22"})
    app.run()
    app.switch_page("pages/train.py").run()
    labelled(app.text_input, "Name of the experiment").set_value("trial")
    for label, value in {"Epochs": 1, "Image size (px)": 24, "Batch size": 8}.items():
        labelled(app.number_input, label).set_value(value)
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.fixture
def links(monkeypatch):
    """Pages that were linked to, with the link's parameters."""
    found = []
    monkeypatch.setattr(st, "page_link", lambda page, query_params=None, **_: found.append((page, query_params)))
    return found


def labelled(elements, label):
    return next(element for element in elements if element.label == label)


def button(app, start):
    return next(button for button in app.button if button.label.startswith(start))


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in ("caption", "error", "warning", "info", "success") for element in app.get(kind))


def test_what_would_run_is_counted_and_listed_before_it_is_queued(page):
    labelled(page.text_input, "Seeds").set_value("0-2")
    labelled(page.number_input, "Folds").set_value(2)
    page.run()
    assert labelled(page.metric, "Runs").value == "6"
    assert labelled(page.metric, "Time in all").value == "unknown"
    table = page.dataframe[0].value
    assert list(zip(table["seed"], table["fold"], strict=True))[:3] == [("0", "1 of 2"), ("0", "2 of 2"), ("1", "1 of 2")]
    assert queue.jobs() == []


def test_two_fields_vary_by_their_values(page):
    for number, (field, values) in enumerate((("optimiser.lr", "0.1, 0.01"), ("keep", "last,best-loss")), start=1):
        page.selectbox(key=f"field {number}").select(field)
        page.run()
        page.text_input(key=f"values {number}").set_value(values)
    page.run()
    table = page.dataframe[0].value
    assert set(zip(table["optimiser.lr"], table["keep"], strict=True)) == {
        (lr, keep) for lr in ("0.1", "0.01") for keep in ("last", "best-loss")
    }


def test_the_button_queues_all_and_leads_to_the_queue(page, links):
    labelled(page.text_input, "Seeds").set_value("0,3")
    page.run()
    button(page, "Queue 2 runs").click().run()
    assert not page.exception
    assert [(job.experiment_name, job.run.recipe().seed) for job in queue.jobs()] == [("trial", 0), ("trial", 3)]
    assert "2 runs queued as trial" in texts(page)
    assert ("pages/queue.py", {"experiment": "trial"}) in links
    page.run()
    assert "trial has 2 runs already; these would join it." in texts(page)


def test_a_few_steps_are_timed_when_asked_for(page, monkeypatch):
    monkeypatch.setattr(preview, "training_seconds", lambda recipe, images, _device: 10.0 * recipe.epochs * images)
    button(page, "Time a few steps").click().run()
    assert not page.exception
    assert labelled(page.metric, "Time in all").value == "about 5 min"  # 30 training images
    assert "a few steps timed here" in texts(page)


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [("Seeds", "4-0", "Seeds are whole numbers"), ("Name of the experiment", " ", "An experiment has a name")],
)
def test_a_mistake_is_shown_in_the_form(label, value, message, page):
    labelled(page.text_input, label).set_value(value)
    page.run()
    assert not page.exception
    assert message in texts(page)


def test_runs_that_do_not_fit_are_named(page):
    labelled(page.number_input, "Batch size").set_value(500)
    labelled(page.text_input, "Seeds").set_value("0-1")
    page.run()
    assert "no larger than the training part" in texts(page)
    assert "in all 2 combinations" in texts(page)


def test_without_recipe_and_network_the_page_says_what_to_do(page):
    labelled(page.multiselect, "Networks under the default recipe").set_value([])
    page.run()
    assert "Choose recipes or networks" in texts(page)
