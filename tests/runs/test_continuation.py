"""A finished run that is trained for more epochs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import library
from core.errors import InvalidSpec, UnknownName, UnusableRun
from core.recipes import fitting
from core.runs import continuation, store
from core.training import loop, worker
from tests.training.interruptions import assert_equal_runs

TINY = {"image.size": 24, "epochs": 2, "batch_size": 8, "reference": True, "schedule.name": "constant"}


@pytest.fixture
def make_run(make_folder: Callable[..., Path]) -> Callable[..., store.Run]:
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20}, size=24, patients=2, name="set")))

    def make(**changes: object) -> store.Run:
        return store.create(fitting.fit(fitting.draft(model="alasfoor-cnn22", **(TINY | changes)), manifest)[0])

    return make


@pytest.fixture
def done(make_run: Callable[..., store.Run]) -> store.Run:
    run = make_run()
    worker.run(run)
    return run


SCHEDULES = {
    "constant": {},
    "step, sgd": {"schedule": {"name": "step", "drop_every": 1, "drop_factor": 0.5}, "optimiser.name": "sgd"},
    "stages, last": {"schedule": {"name": "stages", "stages": ((1, 0.5), (3, 0.1))}, "keep": "last"},
    "frozen trunk, views": {"frozen": True, "frozen_views": 3, "head": {"kind": "pooled", "hidden": 8, "dropout": 0.3}},
}


@pytest.mark.parametrize("changes", SCHEDULES.values(), ids=SCHEDULES)
def test_a_continued_run_equals_one_trained_for_all_epochs_at_once(make_run, monkeypatch, changes) -> None:
    short, whole = make_run(**changes), make_run(**changes, epochs=4)
    worker.run(short)
    worker.run(whole)
    again = store.create(continuation.continued(short, 4))
    steps, original = [], loop._step
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", lambda *arguments: steps.append(1) or original(*arguments))
        assert worker.run(again).state == "done"
    assert len(steps) == 2 * 4  # the last two epochs alone
    (again.folder / "recipe.json").write_text((whole.folder / "recipe.json").read_text())  # it says whose end it goes on from
    assert_equal_runs(whole, again)
    assert short.status().state == "done"


def test_a_continued_run_goes_on_after_an_interruption_without_the_other(done, monkeypatch) -> None:
    again = store.create(continuation.continued(done, 3))
    again.request_pause()
    assert worker.run(again).state == "paused"
    steps, original = [], loop._step

    def step(*arguments):
        steps.append(1)
        if len(steps) == 2:
            again.request_pause()
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", step)
        assert worker.run(again).state == "paused"
    done.folder.rename(done.folder.with_name("elsewhere"))
    assert worker.run(again).state == "done"


def test_the_recipe_says_where_it_goes_on_from_and_what_that_does_to_its_rates(done) -> None:
    recipe = continuation.continued(done, 5)
    assert (recipe.epochs, recipe.continues, recipe.continues_after) == (5, done.id, 2)
    assert recipe.notes == (f"Goes on from the end of run {done.id}, after 2 epochs; it is as if trained for all 5 at once.",)
    cosine = recipe.model_copy(update={"schedule": recipe.schedule.model_copy(update={"name": "cosine"})})
    assert "are those of a cosine schedule over all 5 epochs, the earlier ones those of the shorter schedule" in cosine.notes[-1]
    assert type(recipe).from_json(recipe.to_json()) == recipe


def test_continued_repeats_of_an_experiment_are_repeats(done) -> None:
    recipe = continuation.continued(done, 5)
    other = recipe.model_copy(update={"continues": "another-run", "seed": 3})
    assert other.experiment == recipe.experiment != done.recipe().model_copy(update={"epochs": 5}).experiment


@pytest.mark.parametrize("epochs", [1, 2])
def test_no_more_epochs_are_refused(done, epochs) -> None:
    with pytest.raises(InvalidSpec, match=rf"for more epochs than it has\. Received: {epochs}, of 2"):
        continuation.continued(done, epochs)


def test_a_run_that_is_not_done_is_refused(make_run) -> None:
    with pytest.raises(UnusableRun, match="which is queued"):
        continuation.continued(make_run(), 5)


def test_a_damaged_checkpoint_is_refused(done) -> None:
    newest = done.checkpoints()[0].path
    newest.write_bytes(newest.read_bytes()[:-9])
    with pytest.raises(UnusableRun, match="damaged"):
        continuation.continued(done, 5)


def test_a_run_without_checkpoints_is_refused(done) -> None:
    for stored in done.checkpoints():
        stored.path.unlink()
    with pytest.raises(UnusableRun, match=r"are damaged or gone\. Train its recipe anew"):
        continuation.continued(done, 5)


def test_a_recipe_that_differs_in_more_than_its_epochs_fails_its_run(done) -> None:
    recipe = continuation.continued(done, 5)
    again = store.create(recipe.model_copy(update={"seed": recipe.seed + 1}))
    with pytest.raises(UnusableRun, match="more epochs and is else the same"):
        worker.run(again)


def test_a_run_whose_origin_is_gone_before_it_began_fails(done) -> None:
    again = store.create(continuation.continued(done, 5))
    done.folder.rename(done.folder.parent.parent / "elsewhere")
    with pytest.raises(UnknownName):
        worker.run(again)


def test_a_continued_run_can_be_continued(done) -> None:
    second = store.create(continuation.continued(done, 3))
    worker.run(second)
    third = store.create(continuation.continued(second, 4))
    assert worker.run(third).state == "done"
    assert [row["epoch"] for row in third.metrics() if row["kind"] == "epoch"] == [1, 2, 3, 4]
