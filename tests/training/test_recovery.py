"""Files of a run that were damaged between two spells of its training: it goes on from what is whole, ends right, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import UnusableRun
from core.runs import store
from core.training import worker
from tests.training.interruptions import assert_equal_runs, kill_after, pause_after


@pytest.fixture
def pair(make_run: Callable[..., store.Run]) -> tuple[store.Run, store.Run]:
    """A run that went through, and one of the same recipe; the last epoch is always the best."""
    whole, broken = make_run(keep="last"), make_run(keep="last")
    worker.run(whole)
    return whole, broken


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def ends_like(whole: store.Run, broken: store.Run) -> None:
    assert worker.run(broken).state == "done"
    assert_equal_runs(whole, broken)


def test_a_damaged_checkpoint_is_skipped_for_the_one_before_it(pair, monkeypatch) -> None:
    whole, broken = pair
    kill_after(10, broken, monkeypatch)
    damaged = broken.checkpoints()[0].path
    damage(damaged)
    ends_like(whole, broken)  # the best weights at the one before are those before the model's
    said = broken.environment()["recovered"]
    assert damaged.name in said[0]
    assert said[-1] == "The training went on after epoch 1."
    assert said[-1] in broken.log()


def test_without_a_whole_checkpoint_the_training_begins_anew_and_says_so(pair, monkeypatch) -> None:
    whole, broken = pair
    kill_after(10, broken, monkeypatch)
    for stored in broken.checkpoints():
        damage(stored.path)
    ends_like(whole, broken)
    assert broken.environment()["recovered"][-1] == "The training began anew."


def test_damaged_weights_are_had_from_the_end_of_their_epoch(pair, monkeypatch) -> None:
    whole, broken = pair
    kill_after(10, broken, monkeypatch)
    damage(broken.folder / "model.safetensors")
    ends_like(whole, broken)
    assert "recovered" not in broken.environment()  # nothing was lost


def test_damaged_weights_are_had_from_the_checkpoint_before_where_the_newest_stands_inside_an_epoch(pair, monkeypatch) -> None:
    whole, broken = pair
    pause_after(10, broken, monkeypatch)
    assert [stored.position for stored in broken.checkpoints()] == [(2, 2), (2, 0)]
    damage(broken.folder / "model.safetensors")
    ends_like(whole, broken)
    assert broken.environment()["recovered"][-1] == "The training went on after epoch 2."


def test_where_the_best_weights_are_lost_the_training_begins_anew(make_run, monkeypatch) -> None:
    changes = {"keep": "best-accuracy", "optimiser.lr": 1e-12}  # so that the first epoch stays the best
    whole, broken = make_run(**changes), make_run(**changes)
    worker.run(whole)
    kill_after(11, broken, monkeypatch)
    assert broken.weights_epoch() == 1
    damage(broken.folder / "model.safetensors")
    for stored in broken.checkpoints():
        if stored.epoch == 1:
            stored.path.unlink()
    ends_like(whole, broken)
    assert broken.environment()["recovered"][-1] == "The training began anew."


def test_an_interruption_between_checkpoint_and_weights_leaves_the_right_weights_after_going_on(pair, monkeypatch) -> None:
    whole, broken = pair
    original = store.Run.write_weights

    def dying(run: store.Run, weights: dict[str, torch.Tensor], epoch: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt
        original(run, weights, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(store.Run, "write_weights", dying)
        with pytest.raises(KeyboardInterrupt):
            worker.run(broken)
    assert (broken.weights_epoch(), broken.checkpoint()["best_epoch"]) == (1, 2)
    kill_after(0, broken, monkeypatch)
    assert broken.weights_epoch() == 2
    ends_like(whole, broken)


def test_a_half_written_line_of_metrics_is_no_hindrance(pair, monkeypatch) -> None:
    whole, broken = pair
    kill_after(6, broken, monkeypatch)
    with open(broken.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"kind": "step", "epo')
    ends_like(whole, broken)


def test_a_folder_of_an_older_version_goes_on(pair, monkeypatch) -> None:
    whole, broken = pair
    kill_after(4, broken, monkeypatch)
    (stored,) = broken.checkpoints()
    state = {name: value for name, value in stored.read().items() if name not in ("step", "totals", "pieces")} | {"version": 1}
    torch.save(state, stored.path.with_name("state.pt"))
    stored.path.unlink()
    ends_like(whole, broken)


def test_a_checkpoint_of_a_newer_version_is_left_as_it_is(pair, monkeypatch) -> None:
    _, broken = pair
    kill_after(4, broken, monkeypatch)
    (stored,) = broken.checkpoints()
    broken.write_checkpoint(stored.read() | {"version": 9}, stored.epoch)
    with pytest.raises(UnusableRun, match="Received: 9"):
        worker.run(broken)
    assert len(broken.checkpoints()) == 1
