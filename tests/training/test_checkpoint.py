"""A checkpoint holds all that going on needs, through a file, and whenever the interruption fell."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.errors import UnusableRun
from core.training import checkpoint
from core.training.events import Result
from core.training.loop import Progress


def at(epoch: int, best_epoch: int) -> Progress:
    """A training after `epoch`, every weight of which is the epoch's number; the best are those of `best_epoch`."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.rand(5, 3)).sum().backward()
    optimiser.step()
    weights = {name: torch.full_like(value, epoch) for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    return Progress(model, optimiser, epoch, best_epoch, -1 / (best_epoch + 1), of(best_epoch, weights) if best_epoch else {})


def of(epoch: int, like: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.full_like(value, epoch) for name, value in like.items()}


def stored(progress: Progress) -> dict[str, Any]:
    """Through a file, as the run's folder reads it."""
    stream = io.BytesIO()
    torch.save(checkpoint.pack(progress), stream)
    stream.seek(0)
    return torch.load(stream, map_location="cpu", weights_only=True)


def epoch_of(weights: dict[str, Tensor]) -> set[float]:
    return {float(number) for value in weights.values() for number in value.flatten()}


def test_everything_comes_back() -> None:
    old, new = at(epoch=5, best_epoch=3), at(epoch=0, best_epoch=0)
    checkpoint.unpack(new, stored(old), {3: of(3, old.best_weights)})
    assert (new.epoch, new.best_epoch, new.best_score) == (5, 3, old.best_score)
    assert epoch_of(new.model.state_dict()) == {5}
    assert epoch_of(new.best_weights) == {3}
    torch.testing.assert_close(new.optimiser.state_dict(), old.optimiser.state_dict(), rtol=0, atol=0)


def test_the_best_weights_are_not_stored_twice() -> None:
    assert "best_weights" not in checkpoint.pack(at(epoch=5, best_epoch=3))


def test_an_interruption_before_the_best_weights_were_kept_loses_nothing() -> None:
    old, new = at(epoch=5, best_epoch=5), at(epoch=0, best_epoch=0)
    checkpoint.unpack(new, stored(old), {3: of(3, old.best_weights)})  # the kept ones are still the third epoch's
    assert (new.best_epoch, epoch_of(new.best_weights)) == (5, {5})


def test_an_interruption_before_any_weights_were_kept_loses_nothing() -> None:
    new = at(epoch=0, best_epoch=0)
    checkpoint.unpack(new, stored(at(epoch=1, best_epoch=1)), {})
    assert (new.best_epoch, epoch_of(new.best_weights)) == (1, {1})


def test_without_a_best_epoch_there_are_no_best_weights() -> None:
    new = at(epoch=0, best_epoch=0)
    checkpoint.unpack(new, stored(at(epoch=2, best_epoch=0)), {})
    assert (new.epoch, new.best_epoch, new.best_weights) == (2, 0, {})


@pytest.mark.parametrize(
    ("best_epoch", "step", "kept", "expected"),
    [(5, 0, [], True), (0, 0, [], True), (0, 4, [], True), (5, 4, [], False), (5, 4, [5], True), (3, 0, [4], False), (3, 0, [4, 3], True)],
)
def test_the_best_weights_are_the_state_s_own_only_at_the_end_of_the_best_epoch(best_epoch, step, kept, expected) -> None:
    state = stored(replace(at(epoch=5, best_epoch=best_epoch), step=step))
    assert checkpoint.has_best(state, kept) == expected


@pytest.mark.parametrize("best_epoch", [3, 5])
def test_the_best_weights_are_no_part_of_the_model_that_goes_on(best_epoch: int) -> None:
    old, new = at(epoch=5, best_epoch=best_epoch), at(epoch=0, best_epoch=0)
    kept = {3: of(3, old.best_weights)}
    checkpoint.unpack(new, stored(old), kept)
    with torch.no_grad():
        for value in (*new.model.state_dict().values(), *kept[3].values()):
            value.fill_(9)
    assert epoch_of(new.best_weights) == {best_epoch}


def test_a_position_inside_an_epoch_comes_back_with_its_sums() -> None:
    old, new = at(epoch=5, best_epoch=3), at(epoch=0, best_epoch=0)
    old.step, old.pieces = 7, 2
    old.totals.add(torch.tensor(0.5), torch.tensor(1.0), 2)
    checkpoint.unpack(new, stored(old), {3: old.best_weights})
    assert (new.step, new.pieces, new.totals.result()) == (7, 2, Result(0.5, 0.5))


def test_what_an_older_version_stored_at_an_epoch_s_end_goes_on() -> None:
    state, new = stored(at(epoch=5, best_epoch=5)), at(epoch=0, best_epoch=0)
    older = {name: state[name] for name in ("epoch", "best_epoch", "best_score", "model", "optimiser")} | {"version": 1}
    assert checkpoint.has_best(older, ())
    checkpoint.unpack(new, older, {})
    assert (new.epoch, new.step, new.pieces, new.totals.images) == (5, 0, 1, 0)


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_a_checkpoint_of_another_version_is_refused(version: object) -> None:
    state = stored(at(epoch=5, best_epoch=3)) | {"version": version}
    with pytest.raises(UnusableRun, match=rf"has version {checkpoint.VERSION}\. Received: {version!r}\. Start the run anew"):
        checkpoint.has_best(state, ())
