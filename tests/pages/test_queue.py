"""The queue's page shows what there is, does what is asked of it, and asks again before anything is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import queue, requests, supervisors
from core.recipes import fitting
from core.runs import trash
from core.runs.status import ProcessMark
from core.runs.store import Run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def ensured(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry each time that a person asked for a supervisor; none is started. The app itself asks by the clock."""
    asked: list[bool] = []
    monkeypatch.setattr(supervisors, "ensure", lambda: asked.append(True))
    monkeypatch.setattr(requests, "attend", lambda: None)
    return asked


def submit(**values: object) -> Run:
    seed = values.pop("seed", 0)
    recipe = fitting.draft(model="alasfoor-cnn22", seed=seed, **{"image.size": 24, "batch_size": 8, "epochs": 4})
    return requests.start(recipe, supervised=False, **values)


def running(**values: object) -> Run:
    """The first job, claimed and at work."""
    job = queue.claim("here", {"cpu": 1}, "me")
    status = job.run.status().changed(state="running", process=ProcessMark.of_this(), heartbeat=time.time())
    job.run.write_status(status.changed(phase="training", **values))
    return job.run


def failed(**values: object) -> Run:
    run = submit()
    queue.withdraw(run)
    run.write_status(run.status().changed(state="failed", **values))
    return run


def page(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/queue.py")
    app.query_params.update(parameters)
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "error", "warning", "toast")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    return app


def order() -> list[str]:
    return [job.run_id for job in queue.jobs()]


def test_an_empty_queue_says_so():
    assert "Nothing trains and nothing waits" in texts(page())


def test_a_running_job_shows_its_device_and_queue_time_apart_from_run_time():
    submit()
    running(epoch=2, epochs=4)
    said = texts(page())
    assert "1 job on 1 device" in said
    assert "on cpu · waited " in said
    assert " · has trained " in said


def test_devices_tell_their_load():
    assert "busy" in texts(page())


def test_waiting_jobs_are_moved():
    first, second, third = (submit().id for _ in range(3))
    app = press(page(), f"last {first}")
    assert order() == [second, third, first]
    press(app, f"earlier {first}")
    assert order() == [second, first, third]
    app.number_input(key=f"priority {third} 0").set_value(5).run()
    assert order() == [third, second, first]


def test_a_waiting_job_says_what_there_is_to_say_of_it():
    run = submit(priority=3)
    run.write_status(run.status().changed(message="The trainer ended without a word."))
    said = texts(page())
    assert "starts next · priority 3 · has waited " in said
    assert " · The trainer ended without a word." in said


def test_a_waiting_job_is_paused_and_goes_on():
    run = submit()
    app = press(page(), f"pause {run.id}")
    assert run.status().state == "paused"
    press(app, f"go on {run.id}")
    assert run.status().state == "queued"


def test_a_running_job_is_stopped_by_the_second_button_which_says_what_is_kept():
    submit()
    run = running()
    app = page()
    assert "best weights so far are kept" in texts(app)
    press(app, f"stop {run.id} for sure")
    assert run.cancel_requested()
    assert "asked to stop" in texts(app)
    assert app.button(key=f"pause {run.id}").disabled


def test_a_job_that_another_page_cancelled_meanwhile_disturbs_nobody():
    run = submit()
    app = page()
    requests.cancel(run)
    press(app, f"cancel {run.id}")
    assert "There is nothing to stop" in texts(app)


def test_a_priority_that_another_page_gave_meanwhile_stays():
    run = submit()
    app = page()
    requests.move(run, priority=7)
    app.run()
    assert queue.find(run.id).priority == 7
    assert [box.value for box in app.number_input] == [7]


def test_an_experiment_is_one_line_and_is_cancelled_by_the_second_button():
    runs, other = [submit(experiment_name="seeds", seed=seed) for seed in range(3)], submit()
    app = page()
    assert [box.text for box in app.get("progress") if "seeds" in box.text] == ["**seeds** · 3 waiting · the last one: start unknown"]
    assert f"earlier {runs[0].id}" not in [button.key for button in app.button]  # it opens first
    press(app, "cancel all seeds for sure")
    assert order() == [other.id]
    assert "Those that wait" not in [box.label for box in app.expander]


def test_an_experiment_opens_on_its_waiting_jobs():
    run = submit(experiment_name="seeds", seed=1)
    submit(experiment_name="seeds", seed=2)
    app = page(job=run.id)
    assert f"earlier {run.id}" in [button.key for button in app.button]
    assert ":primary-background" in texts(app)


def test_hundreds_of_waiting_jobs_are_shown_a_page_at_a_time():
    runs = [submit() for _ in range(45)]
    shown = [button.key for button in page().button if (button.key or "").startswith("earlier ")]
    assert shown == [f"earlier {run.id}" for run in runs[:20]]
    assert f"earlier {runs[41].id}" in [button.key for button in page(job=runs[41].id).button]


def test_a_failed_run_tells_its_reason_and_is_started_changed():
    run = failed(failure="memory", message="out of memory at epoch 2")
    app = page()
    assert "out of memory at epoch 2" in texts(app)
    press(app, f"way out {run.id}")
    (job,) = queue.jobs()
    assert job.run.recipe().batch_size == 4


def test_a_queue_that_stands_still_says_so_and_starts_a_supervisor(ensured):
    submit()
    app = page()
    assert "No supervisor lives" in texts(app)
    press(app, "start a supervisor")
    assert ensured == [True]


def test_a_deleted_run_is_restored_from_the_trash():
    run = failed()
    requests.delete(run)
    app = page()
    assert f"restore {run.id}" not in [button.key for button in app.button]  # looked at once it is open
    app.session_state["trash"] = True
    app.run()
    assert "30 days left" in texts(app)
    press(app, f"restore {run.id}")
    assert run.status().state == "failed"
    assert trash.runs() == []


def test_a_link_to_a_job_that_has_left_the_queue_leads_to_its_run():
    run = failed()
    links = [link.proto.label for link in page(job=run.id).get("page_link")]
    assert f"{run.id} is not in the queue. Open the run" in links


def test_the_status_line_counts_those_that_wait():
    for _ in range(3):
        submit()
    running(epoch=1, epochs=4)
    sidebar = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().sidebar
    assert [link.proto.label for link in sidebar.get("page_link")] == ["Open the run", "2 waiting"]
    assert "epoch 1 of 4" in sidebar.get("progress")[0].text


def test_the_status_line_says_when_nobody_is_there_to_start_what_waits():
    submit()
    sidebar = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().sidebar
    assert "no supervisor is there" in sidebar.caption[0].value


def test_home_tells_what_the_queue_comes_to():
    submit()
    home = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert "1 job on 1 device" in texts(home)
