"""The Guide page, teaching mode on the other pages, and the bar of a tour."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import library
from core.jobs import requests
from core.recipes import fitting
from core.runs import store
from core.teaching import glossary, quiz, tours
from core.teaching.walks import TOURS
from core.training import worker

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # for a page to be drawn on a busy machine

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:pages")


@pytest.fixture
def run(make_folder):
    """A finished run of a second's training."""
    folder = make_folder({"a": 60, "b": 60}, size=24, name="set")
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 2, "batch_size": 8})
    made = store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0])
    worker.run(made)
    return made


def opened(page: str, **parameters: str) -> AppTest:
    """A page through the app; one that raises fails the test."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.query_params.update(parameters)
    app.run()
    if page:
        app.switch_page(f"pages/{page}.py")
        app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in ("markdown", "caption", "info", "warning", "error", "header") for element in app.get(kind))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def test_every_tour_can_be_started_and_one_button_is_primary():
    app = opened("guide")
    assert all(tour.title in texts(app) for tour in TOURS)
    starts = [button for button in app.button if button.label == "Start"]
    assert [button.proto.type for button in starts].count("primary") == 1
    assert len(starts) == len(TOURS)


@pytest.mark.parametrize("part", ["replay", "quiz"])
def test_without_a_run_the_page_offers_to_make_one(part, monkeypatch, run):
    recipe = run.recipe()
    monkeypatch.setattr("core.runs.index.rows", list)
    app = opened("guide", part=part)
    started = []
    monkeypatch.setattr("core.demo.recipe", lambda: recipe)
    monkeypatch.setattr(requests, "start", lambda recipe: started.append(recipe) or run)
    press(app, "Try it: two-minute demo")
    assert started == [recipe]


@pytest.mark.parametrize("area", list(glossary.AREAS))
def test_a_link_names_a_term_of_any_area(area):
    term = glossary.AREAS[area][-1]
    app = opened("guide", part="glossary", term=term.name)
    assert term.text in texts(app)
    assert term.caption in texts(app)


def test_a_replay_says_that_it_is_one_and_plays_pauses_and_ends_with_the_results(run):
    app = opened("guide", part="replay", run=run.id)
    assert "Replay of a recorded run" in texts(app)
    assert "Test part" not in texts(app)
    press(app, "Play")
    assert app.session_state["player"].since is not None
    press(app, "Pause")
    assert app.session_state["player"].since is None
    app.slider[0].set_value(2.0).run()
    app.run()
    assert "Test part" in texts(app)
    press(app, "To the start")
    assert "Test part" not in texts(app)


def test_the_quiz_keeps_the_network_s_answers_until_all_are_given(run):
    app = opened("guide", part="quiz", run=run.id, draw="3")
    for number in range(quiz.IMAGES):
        assert f"Image {number + 1} of {quiz.IMAGES}" in texts(app)
        assert not app.metric
        press(app, "a")
        if number == 0:
            press(app, "Take back the last answer")
            press(app, "b")
    assert [metric.label for metric in app.metric] == ["You, accuracy", "The network, accuracy"]
    assert "your group" in texts(app).lower()
    press(app, "Answer again")
    assert f"Image 1 of {quiz.IMAGES}" in texts(app)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("page", "parameters", "terms"),
    [
        ("runs", {}, {"Epoch", "Overfitting", "Sensitivity (recall)", "Accuracy", "95 % interval"}),
        ("runs", {"view": "matrix"}, {"Confusion matrix"}),
        ("runs", {"view": "errors"}, {"Probability"}),
        ("runs", {"view": "curves"}, {"Threshold", "Prevalence", "ROC and AUC"}),
        ("runs", {"view": "calibration"}, {"Calibration", "Temperature"}),
        ("train", {"data": "set"}, {"Augmentation", "Learning rate"}),
        ("compare", {}, {"95 % interval", "Probe"}),
        ("heat_maps", {}, {"Grad-CAM", "Deletion and insertion", "Pointing game"}),
        ("shortcut_lab", {}, {"Shortcut"}),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_teaching_mode_explains_terms_where_they_stand_and_only_then(page, parameters, terms):
    assert not terms & windows(opened(page, **parameters))
    assert terms <= windows(opened(page, teach="1", **parameters))


def test_an_upload_is_explained_in_teaching_mode(run, make_folder):
    picture = next(make_folder({"a": 1}, name="other").rglob("*.png"))
    app = opened("predict", teach="1", run=run.id)
    app.file_uploader[0].upload(picture.name, picture.read_bytes(), "image/png").run()
    assert "Guard rail" in windows(app)
    app.toggle(key=f"anyway {picture.name}").set_value(True).run()
    assert not app.exception
    assert {"Probability", "Grad-CAM", "Raw magnitude", "Random weights"} <= windows(app)


def windows(app: AppTest) -> set[str]:
    """Labels of all windows on the page."""
    found = []

    def walk(node) -> None:
        found.append(getattr(getattr(node.proto, "popover", None), "label", ""))
        for child in getattr(node, "children", {}).values():
            walk(child)

    walk(app.main)
    return set(found)


def test_the_switch_writes_the_link_and_a_link_sets_the_switch():
    app = opened("")
    assert not app.sidebar.toggle[0].value
    app.sidebar.toggle[0].set_value(True).run()
    assert app.query_params["teach"] in ("1", ["1"])
    assert opened("", teach="1").sidebar.toggle[0].value


def test_a_tour_in_the_link_shows_its_step_and_ends():
    app = opened("", tour="first-network")
    tour = tours.get("first-network")
    assert f"step 1 of {len(tour.steps)}" in texts(app)
    assert tour.steps[0].look in texts(app)
    press(app, "End the tour")
    assert "step 1 of" not in texts(app)


def test_a_step_on_another_page_offers_to_open_it_and_says_what_is_missing():
    app = opened("", tour="heat-maps", step="2")
    assert "This step needs a run" in texts(app)
    assert "Open the page of this step" in {button.label for button in app.button}


def test_a_step_waits_until_the_run_that_is_looked_at_was_tested(run):
    live = store.create(run.recipe())
    app = opened("", tour="first-network", step="2", run=live.id)
    assert next(button for button in app.button if button.label == "Next").disabled


@pytest.mark.parametrize(("tour", "step"), [("no-tour", "1"), ("threshold", "99")])
def test_a_link_to_a_tour_or_step_that_is_none_says_so_once(tour, step):
    app = opened("", tour=tour, step=step)
    assert app.error
    assert not app.run().error


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.name)
def test_every_step_opens_its_page_without_a_complaint(tour, run):
    for page, link in {(step.page, tuple(tours.link(step, tours.run_for(step, run.id)).items())) for step in tour.steps}:
        assert "The link asks for" not in texts(opened(page, **dict(link)))
