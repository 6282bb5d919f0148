"""A run's page tells its life and offers what its state allows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import library
from core.jobs import queue, requests, supervisors
from core.recipes import fitting
from core.runs import store, trash
from core.runs.status import Moment, ProcessMark
from core.runs.store import Run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "ensure", lambda: None)


@pytest.fixture
def run(make_folder) -> Run:
    """Waits in the queue; its data are small and there."""
    folder = make_folder({"a": 15, "b": 15}, size=24, patients=2, name="set")
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 2, "batch_size": 8})
    return requests.start(fitting.fit(draft, library.open_dataset(str(folder)))[0], supervised=False)


def ended(run: Run, state: str, **values: object) -> Run:
    queue.withdraw(run)
    run.write_status(run.status().changed(state=state, **values))
    return run


def running(run: Run, heartbeat: float) -> Run:
    queue.claim("here", {"cpu": 1}, "me")
    run.write_status(run.status().changed(state="running", process=ProcessMark.of_this(), heartbeat=heartbeat))
    return run


def page(run: Run) -> AppTest:
    return opened("pages/runs.py", run=run.id)


def opened(path: str, **parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page(path)
    app.query_params.update(parameters)
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in ("markdown", "caption", "error", "warning", "success", "code") for element in app.get(kind))


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def test_the_history_tells_every_spell(run):
    now = time.time()
    life = [("queued", 400), ("running", 340), ("paused", 220)]
    history = tuple(Moment(state=state, at=now - before) for state, before in life)
    queue.withdraw(run)
    run.write_status(run.status().model_copy(update={"state": "paused", "history": history}))
    said = texts(page(run))
    assert "waited about 60 s" in said
    assert "trained about 2 min" in said
    assert "paused about 4 min so far" in said


def test_a_waiting_run_leads_to_its_place_in_the_queue(run):
    links = [link.proto.label for link in page(run).get("page_link")]
    assert "Its place in the queue" in links


def test_a_running_one_is_stopped_by_the_second_button_which_says_what_is_kept(run):
    app = page(running(run, time.time()))
    assert "best weights so far are kept" in texts(app)
    press(app, "Stop it")
    assert run.cancel_requested()
    assert "Asked to stop" in texts(app)


def test_a_running_one_is_paused(run):
    press(page(running(run, time.time())), "Pause")
    assert run.pause_requested()


def test_a_silent_trainer_is_said_to_be_silent(run):
    assert "No sign of life" in texts(page(running(run, time.time() - 300)))
    run.write_status(run.status().changed(heartbeat=time.time()))
    assert "No sign of life" not in texts(page(run))


def test_a_failed_run_shows_reason_log_and_a_way_out_that_comes_before_going_on(run):
    (run.folder / "log.txt").write_text("first\nthe last words\n")
    app = page(ended(run, "failed", failure="memory", message="out of memory at step 7"))
    assert "out of memory at step 7" in texts(app)
    assert "the last words" in texts(app)
    assert [button.label for button in app.button if button.proto.type == "primary"] == ["Train with batches of 4"]
    press(app, "Train with batches of 4")
    (job,) = queue.jobs()
    assert job.run.recipe().batch_size == 4
    assert app.query_params["run"] in (job.run_id, [job.run_id])


def test_a_run_that_was_killed_goes_on_itself(run):
    app = page(ended(run, "failed", failure="killed", message="killed"))
    assert "Something outside ends the trainer" in texts(app)
    press(app, "Go on with this run")
    assert queue.find(run.id).state == "waiting"


def test_a_run_that_is_done_is_trained_for_more_epochs(run, monkeypatch):
    asked = []
    monkeypatch.setattr(requests, "train_on", lambda run, epochs: asked.append((run.id, epochs)) or run)
    app = page(ended(run, "done"))
    next(box for box in app.number_input if box.label == "Epochs in all").set_value(7).run()
    press(app, "Train on")
    assert asked == [(run.id, 7)]


def test_a_clone_starts_from_the_runs_settings_and_shows_what_is_changed(run):
    app = press(page(ended(run, "done")), "Clone")
    assert "New run" in [title.value for title in app.title]
    app = opened("pages/train.py", **{"from": run.id, "data": "set"})
    assert [box.value for box in app.selectbox if box.label == "Data set"] == ["set"]
    assert {box.label: box.value for box in app.number_input}.items() >= {"Epochs": 2, "Image size (px)": 24, "Batch size": 8}.items()
    assert "Changed: " not in texts(app)
    next(box for box in app.number_input if box.label == "Seed").set_value(9).run()
    assert "seed: 0 → 9" in texts(app)
    press(app, "Train")
    (job,) = queue.jobs()
    assert (job.run.recipe().seed, job.run.recipe().epochs) == (9, 2)


def test_a_run_is_deleted_by_the_second_button_and_can_come_back(run):
    app = page(ended(run, "done"))
    assert "taken back for 30 days" in texts(app)
    press(app, "Delete it")
    assert [deleted.run_id for deleted in trash.runs()] == [run.id]
    assert "is in the trash" in texts(app)
    assert store.ids() == []


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("paused", {"Go on with this run", "Clone", "Delete it"}),
        ("cancelled", {"Go on with this run", "Clone", "Delete it"}),
        ("done", {"Train on", "Clone", "Delete it"}),
    ],
)
def test_each_state_offers_its_own(run, state, offered):
    assert set(labels(page(ended(run, state)))) & {"Go on with this run", "Clone", "Delete it", "Train on", "Pause", "Stop it"} == offered
