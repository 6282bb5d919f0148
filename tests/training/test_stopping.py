"""A run stops where it is asked to, whatever it is doing, and keeps what it has."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from core.data import library
from core.models import classifier
from core.runs import store
from core.training import frozen, loop, worker
from core.training.worker import diary, final
from tests.training.interruptions import asked_after, pause_after


def test_a_pause_stores_the_step_and_says_how_far_the_run_came(make_run, monkeypatch) -> None:
    run = make_run()
    pause_after(6, run, monkeypatch)
    status = run.status()
    assert (status.state, status.epoch, status.step, status.result) == ("paused", 2, 2, None)
    assert status.message == "Paused in epoch 2 of 3, after step 2 of 4; it goes on from there."
    assert run.checkpoints()[0].position == (1, 2)
    assert not run.pause_requested()


def test_a_run_paused_before_its_first_step_says_so(make_run) -> None:
    run = make_run()
    run.request_pause()
    status = worker.run(run)
    assert (status.state, status.message) == ("paused", "Paused before the first step; it goes on from there.")


def test_a_cancelled_run_stops_inside_an_epoch_and_can_go_on(make_run, monkeypatch) -> None:
    run = make_run()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", asked_after(6, run, "cancel"))
        status = worker.run(run)
    assert (status.state, status.epoch, status.step) == ("cancelled", 2, 2)
    assert status.message == "Cancelled in epoch 2 of 3, after step 2 of 4; the best weights so far are kept."
    assert status.result is not None
    assert run.checkpoints()[0].position == (1, 2)
    assert worker.run(run).state == "done"


def requesting(run: store.Run, original: Callable, request: str = "cancel") -> Callable:
    """`original`, with a request to stop made before it."""

    def function(*arguments, **named):
        (run.folder / request).touch()
        return original(*arguments, **named)

    return function


@pytest.mark.parametrize("request_", ["cancel", "pause"])
@pytest.mark.parametrize(
    ("place", "name", "changes"),
    [
        (library, "open_dataset", {}),  # images are decoded after it
        (classifier, "fit_normalisation", {}),
        (frozen, "_features", {"frozen": True, "frozen_views": 1}),
        (loop, "evaluated", {}),
    ],
)
def test_a_run_stops_whatever_it_is_doing(make_run, monkeypatch, place, name, changes, request_) -> None:
    run, steps = make_run(**changes), []
    original = loop._step
    monkeypatch.setattr(loop, "_step", lambda *arguments: steps.append(1) or original(*arguments))
    monkeypatch.setattr(place, name, requesting(run, getattr(place, name), request_))
    status = worker.run(run)
    assert status.state == {"cancel": "cancelled", "pause": "paused"}[request_]
    assert len(steps) == (4 if place is loop else 0)


def test_a_run_cancelled_while_it_is_tested_keeps_its_weights(make_run, monkeypatch) -> None:
    run = make_run()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "probabilities", requesting(run, loop.probabilities))
        status = worker.run(run)
    assert (status.state, status.result, status.message) == ("cancelled", None, "Cancelled after the last epoch’s steps.")
    assert run.has_model()
    assert worker.run(run).result is not None


@pytest.mark.parametrize(("seconds", "tested"), [(diary.SAME_WISH, True), (0.0, False)])
def test_a_run_stopped_by_a_button_pressed_twice_is_tested_and_one_stopped_again_later_is_not(
    make_run, monkeypatch, seconds, tested
) -> None:
    run = make_run()
    monkeypatch.setattr(diary, "SAME_WISH", seconds)
    monkeypatch.setattr(loop, "_step", asked_after(6, run, "cancel"))
    monkeypatch.setattr(loop, "probabilities", requesting(run, loop.probabilities))
    status = worker.run(run)
    assert status.state == "cancelled"
    assert (status.result is not None) == tested
    assert not run.cancel_requested()


def test_a_run_paused_while_it_is_compared_with_training_images_is_tested_when_it_goes_on(make_run, monkeypatch) -> None:
    run = make_run()
    with monkeypatch.context() as patch:
        patch.setattr(final.familiarity, "chosen", requesting(run, final.familiarity.chosen, "pause"))
        assert worker.run(run).state == "paused"
    assert worker.run(run).result is not None


@pytest.mark.parametrize(("number", "state"), [(signal.SIGINT, "cancelled"), (signal.SIGTERM, "paused")])
def test_an_interrupt_cancels_and_a_machine_that_shuts_down_pauses(make_run, number, state) -> None:
    before = signal.getsignal(number)
    run = make_run(epochs=50)
    status = worker.run(run, report=lambda now: os.kill(os.getpid(), number) if now.epoch == 1 and now.step == 4 else None)
    assert (status.state, status.failure) == (state, "")
    assert signal.getsignal(number) == before


def test_a_cancelled_run_ends_soon_after_the_request(make_run, monkeypatch) -> None:
    run, asked = make_run(epochs=1000), []
    original = loop._step

    def step(*arguments):
        asked.append(time.monotonic())
        if len(asked) == 20:
            run.folder.joinpath("cancel").touch()
        return original(*arguments)

    monkeypatch.setattr(loop, "_step", step)
    worker.run(run)
    assert len(asked) == 20  # not one step more
