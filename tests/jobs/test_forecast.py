"""How long a sweep will take: by runs like its own, by a few steps where that is asked for, or unknown."""

from __future__ import annotations

import pytest

from core.data import library
from core.jobs import forecast, queue, sweeps
from core.runs import store
from core.training import preview

TINY = {"image.size": 24, "epochs": 2, "batch_size": 8}


@pytest.fixture
def plan(make_folder):
    manifest = library.open_dataset(str(make_folder({"a": 15, "b": 15}, size=24, patients=2)))
    return lambda **settings: sweeps.plan(
        sweeps.Sweep(**{"name": "trial", "models": ("alasfoor-cnn22",), "changes": TINY} | settings), manifest
    )


@pytest.fixture
def timed(monkeypatch):
    """Every kind of run that was timed; a training image takes 2 s."""
    found = []

    def seconds(recipe, training_images, _device=None):
        found.append((recipe.model, recipe.image.size, recipe.batch_size))
        return 2.0 * recipe.epochs * training_images

    monkeypatch.setattr(preview, "training_seconds", seconds)
    return found


def trained(planned, seconds: float) -> None:
    """A run like the first one of the plan that took so long."""
    recipe = planned.runs[0].recipe
    run = store.create(recipe)
    now = run.status().created
    run.write_status(run.status().changed(state="done", epoch=recipe.epochs, started=now, finished=now + seconds))


def test_runs_like_them_say_how_long_runs_will_take(plan, timed):
    planned = plan(seeds=(0, 1, 2))
    trained(planned, 60.0)
    found = forecast.forecast(planned)
    assert (found.count, found.devices, found.seconds, found.unknown) == (3, 1, pytest.approx(180, rel=0.01), ())
    assert found.sentence == "3 runs on 1 device: about 3 min, judged by runs like them."
    assert timed == []


def test_without_runs_like_them_the_time_is_unknown_until_it_is_asked_for(plan, timed):
    found = forecast.forecast(plan(seeds=(0, 1)))
    assert (found.seconds, found.unknown, timed) == (None, ("alasfoor-cnn22 at 24 px",), [])
    assert "unknown" in found.sentence


def test_what_takes_equally_long_is_timed_once_and_reckoned_by_its_images_and_epochs(plan, timed):
    planned = plan(seeds=(0, 1), changes={"image.size": 24}, axes={"batch_size": (4, 8), "epochs": (1, 3), "optimiser.lr": (0.1, 0.01)})
    found = forecast.forecast(planned, measure=True)
    assert timed == [("alasfoor-cnn22", 24, 4), ("alasfoor-cnn22", 24, 8)]
    assert found.seconds == sum(2.0 * run.recipe.epochs * run.training_images for run in planned.runs)
    assert (found.measured, found.unknown) == (16, ())
    assert "a few steps timed here" in found.sentence


def test_kept_features_are_timed_for_all_epochs_together(plan, timed):
    planned = plan(changes=TINY | {"frozen": True, "frozen_views": 1})
    assert forecast.forecast(planned, measure=True).seconds == 2.0 * 2 * planned.runs[0].training_images
    assert len(timed) == 1


@pytest.mark.usefixtures("timed")
def test_copies_count_as_often_as_they_are_drawn(plan):
    once, thrice = plan(), plan(changes=TINY | {"copies.of": {"a": 3}})
    more = thrice.runs[0].training_images - once.runs[0].training_images
    assert more > 0
    seconds = forecast.forecast(thrice, measure=True).seconds - forecast.forecast(once, measure=True).seconds
    assert seconds == 2.0 * 2 * more


def test_nothing_is_timed_while_something_trains(plan, timed):
    planned = plan()
    sweeps.submit(planned, supervised=False)
    queue.claim("here", {"cpu": 1}, "me")
    found = forecast.forecast(planned, measure=True)
    assert (found.seconds, timed) == (None, [])
    assert "no step is timed while something trains" in found.sentence


def test_a_device_that_this_machine_lacks_leaves_the_time_unknown(plan):
    assert forecast.forecast(plan(device="cuda:77"), measure=True).seconds is None


def test_several_devices_share_the_runs(plan, monkeypatch):
    planned = plan(seeds=(0, 1, 2))
    trained(planned, 60.0)
    monkeypatch.setattr("core.jobs.overview.jobs_at_a_time", lambda *_: 2)
    assert forecast.forecast(planned).seconds == pytest.approx(120, rel=0.01)


def test_a_few_real_steps_give_a_time(plan):
    calls = []
    found = forecast.forecast(plan(seeds=(0, 1)), measure=True, progress=lambda done, total: calls.append((done, total)))
    assert 0 < found.seconds < 60
    assert calls == [(1, 1)]
