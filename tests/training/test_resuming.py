"""Whatever the step at which a run is paused or killed, and whatever its recipe: going on ends bit for bit as if never interrupted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.runs import store
from core.training import loop, worker
from core.training.worker import session
from tests.training.interruptions import assert_equal_runs, kill_after, pause_after

RECIPES = {
    "adamw, dropout, flips, noise, smoothing": {
        "head": {"kind": "pooled", "hidden": 8, "dropout": 0.4},
        "augmentation": {"flip": True, "noise": 0.1, "rotation": 10.0},
        "loss.label_smoothing": 0.1,
    },
    "sgd, weighted, last": {"optimiser.name": "sgd", "loss.class_weights": "balanced", "keep": "last", "schedule.name": "cosine"},
    "frozen trunk, stored views": {"frozen": True, "frozen_views": 2, "head": {"kind": "pooled", "hidden": 8, "dropout": 0.4}},
    "one class changed": {"augmentation.only": ("a",), "keep": "best-loss"},
}


@pytest.fixture(params=RECIPES.values(), ids=RECIPES)
def whole_and_broken(request: pytest.FixtureRequest, make_run: Callable[..., store.Run]) -> tuple[store.Run, store.Run]:
    """Two runs of one recipe, of which one went through."""
    whole, broken = make_run(**request.param), make_run(**request.param)
    worker.run(whole)
    return whole, broken


def test_a_run_paused_again_and_again_equals_one_never_paused(whole_and_broken, monkeypatch) -> None:
    whole, broken = whole_and_broken
    for steps in (1, 2, 1, 3, 4):  # after steps 1, 3 and 4 of the first epoch, and 3 and 3 of the others
        pause_after(steps, broken, monkeypatch)
    assert worker.run(broken).state == "done"
    assert_equal_runs(whole, broken)


@pytest.mark.parametrize("steps", [2, 7])
def test_a_run_killed_inside_an_epoch_equals_one_never_killed(whole_and_broken, monkeypatch, steps) -> None:
    whole, broken = whole_and_broken
    kill_after(steps, broken, monkeypatch)
    assert broken.status().state == "failed"
    assert worker.run(broken).state == "done"
    assert_equal_runs(whole, broken)


def test_a_long_epoch_is_stored_on_its_way(make_run, monkeypatch) -> None:
    whole, broken = make_run(), make_run()
    worker.run(whole)
    monkeypatch.setattr(session, "CHECKPOINT_EVERY", 0.0)
    kill_after(6, broken, monkeypatch)
    assert [stored.position for stored in broken.checkpoints()] == [(1, 2), (1, 1)]
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", counted := Counted(loop._step))
        worker.run(broken)
    assert counted.calls == 12 - 6
    assert_equal_runs(whole, broken)


def test_a_run_paused_while_it_is_validated_repeats_no_step(make_run, monkeypatch) -> None:
    whole, broken = make_run(), make_run()
    worker.run(whole)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "evaluated", lambda *arguments: asked(broken, EVALUATED(*arguments)))
        status = worker.run(broken)
    assert (status.state, status.epoch, status.step) == ("paused", 1, 4)
    worker.run(broken)
    assert_equal_runs(whole, broken)


EVALUATED = loop.evaluated


def asked(run: store.Run, totals):
    """`totals`, with a request to pause before the first."""
    (run.folder / "pause").touch()
    yield from totals


class Counted:
    def __init__(self, step: Callable) -> None:
        self.step, self.calls = step, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.step(*arguments)
