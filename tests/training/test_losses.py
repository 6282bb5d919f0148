"""The live curve's points: every so manieth step, in order, written without waiting for the device."""

from __future__ import annotations

import torch

from core.training.events import StepDone
from core.training.worker import losses
from core.training.worker.losses import CURVE_POINTS, Losses


class Page:
    def __init__(self) -> None:
        self.rows = []

    def append_metrics(self, row: dict) -> None:
        self.rows.append(row)


class Arrival:
    """A stand-in for the device's event, which arrives when told."""

    def __init__(self) -> None:
        self.here = False

    def query(self) -> bool:
        return self.here

    def synchronize(self) -> None:
        self.here = True


def step(number: int, steps: int = 100, loss: float = 0.5) -> StepDone:
    return StepDone(1, number, steps, 32, torch.tensor(loss), 0.1)


def test_an_epoch_has_as_many_points_as_agreed() -> None:
    page = Page()
    kept = Losses(page)
    for number in range(1, 101):
        kept.add(step(number))
    assert [row["step"] for row in page.rows] == list(range(5, 101, 100 // CURVE_POINTS))


def test_a_short_epoch_has_a_point_a_step() -> None:
    page = Page()
    kept = Losses(page)
    for number in range(1, 4):
        kept.add(step(number, steps=3))
    assert len(page.rows) == 3


def test_a_loss_that_is_no_number_is_written_as_none() -> None:
    page = Page()
    Losses(page).add(step(5, loss=float("nan")))
    assert page.rows[0]["loss"] is None


def test_what_is_still_under_way_waits_its_turn_and_nobody_waits_for_it(monkeypatch) -> None:
    arrivals = []

    def begun(loss: torch.Tensor) -> tuple[torch.Tensor, Arrival]:
        arrivals.append(Arrival())
        return loss, arrivals[-1]

    monkeypatch.setattr(losses, "_begun", begun)
    page = Page()
    kept = Losses(page)
    for number in (5, 10, 15):
        kept.add(step(number))
    assert page.rows == []
    arrivals[1].here = True  # the second before the first
    kept.add(step(16))
    assert page.rows == []
    arrivals[0].here = True
    kept.add(step(17))
    assert [row["step"] for row in page.rows] == [5, 10]
    kept.write_all()
    assert [row["step"] for row in page.rows] == [5, 10, 15]
