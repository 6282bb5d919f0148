"""The loop: it learns, tells in order, keeps the best, stops anywhere and goes on as if it had never stopped."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.data.batches import Augmentation, Feed
from core.errors import NotFinite
from core.training import checkpoint, loop
from core.training.events import BatchSplit, BatchValidated, EpochDone, Event, Result, StepDone
from core.training.execution import Execution, prepared
from core.training.loop import Plan, Progress, Totals, evaluated, fit, probabilities

CPU = Execution(torch.device("cpu"), "a processor", bf16=False, channels_last=False, deterministic=True, reason="a test")
AUGMENTATION = Augmentation(rotation=10, zoom=0.1, shift=0.1, flip=True, brightness=0.1, contrast=0.2)


def feed(images: int = 22, batch_size: int = 5, seed: int = 0) -> Feed:
    """Noise at 8 px, a little brighter for the second class; the last batch is smaller."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, images)
    pixels = rng.integers(0, 160, (images, 8, 8)) + 60 * labels[:, None, None]
    return Feed(pixels.astype(np.uint8), labels, np.arange(images), batch_size, torch.device("cpu"))


def start(optimiser: type[torch.optim.Optimizer] = torch.optim.AdamW) -> Progress:
    """A network with all that makes going on hard: batch normalisation, dropout, an optimiser with a memory."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(16, 2)
    )
    return Progress(model, optimiser(model.parameters(), lr=1.0))


def plan(train: Feed, epochs: int = 3, **changes: Any) -> Plan:
    steps = epochs * train.steps()
    settings: dict[str, Any] = {"augmentation": Augmentation(), "seed": 7, "keep": "best-loss", "rates": np.linspace(0.02, 0.001, steps)}
    return Plan(epochs=epochs, **(settings | changes))


def scripted(monkeypatch: pytest.MonkeyPatch, *results: Result) -> None:
    """Let validation find `results`, one after the other."""
    script: Iterator[Result] = iter(results)

    def totals(*_: Any) -> list[Totals]:
        result = next(script)
        return [Totals(1, torch.tensor([result.loss, result.accuracy, 1.0], dtype=torch.float64))]

    monkeypatch.setattr(loop, "evaluated", totals)


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def identical(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def told(events: Iterable[Event]) -> list[Any]:
    """Steps and epochs: all but what is said while an epoch is validated."""
    return [event for event in events if not isinstance(event, BatchValidated)]


def numbers(events: Iterable[Event]) -> list[tuple[Any, ...]]:
    """What steps and epochs say, with their tensors read."""
    return [
        (e.epoch, e.step, float(e.loss), e.lr) if isinstance(e, StepDone) else (e.epoch, e.train, e.validation, e.best)
        for e in told(events)
    ]


def test_the_loss_falls_and_the_classes_are_learned() -> None:
    train, progress = feed(60), start()
    events = list(fit(progress, train, feed(40, seed=1), plan(train, epochs=10), CPU))
    done = [event for event in events if isinstance(event, EpochDone)]
    assert done[-1].train.loss < 0.7 * done[0].train.loss
    assert max(event.validation.accuracy for event in done) > 0.9


def test_events_come_in_order_with_their_rates() -> None:
    train, progress = feed(), start()
    the_plan = plan(train, epochs=2)
    events = told(fit(progress, train, feed(9), the_plan, CPU))
    expected = [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, "done"), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, "done")]
    assert [(event.epoch, event.step if isinstance(event, StepDone) else "done") for event in events] == expected
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [event.lr for event in steps] == the_plan.rates.tolist()
    assert [event.images for event in steps] == [5, 5, 5, 5, 2] * 2
    assert {event.steps for event in steps} == {5}
    assert events[5].lr == the_plan.rates[4]
    assert progress.epoch == 2


def test_an_epoch_s_training_result_is_the_mean_over_its_images() -> None:
    train = feed()
    *steps, done = told(fit(start(), train, feed(9), plan(train, epochs=1), CPU))
    assert done.train.loss == pytest.approx(sum(float(event.loss) * event.images for event in steps) / len(train))


def test_a_step_s_loss_is_smoothed_and_weighted_as_planned() -> None:
    train, progress, weights = feed(5), start(), torch.tensor([0.5, 2.0])
    the_plan = plan(train, epochs=1, label_smoothing=0.2, class_weights=weights)
    progress.model[5].p = 0.0
    x, y = next(train.shuffled(Augmentation(), the_plan.seed, 1))
    progress.model.train()
    expected = F.cross_entropy(progress.model(x), y, weight=weights, label_smoothing=0.2)
    step = next(fit(progress, train, train, the_plan, CPU))
    assert float(step.loss) == pytest.approx(expected.item(), rel=1e-6)
    assert not step.loss.requires_grad


def test_evaluation_agrees_with_a_computation_by_hand() -> None:
    progress, validation = start(), feed(22, batch_size=5)
    progress.model.train()
    *_, totals = evaluated(progress.model, validation, CPU)
    found = totals.result()
    assert not progress.model.training
    x = torch.from_numpy(validation.images).double()[:, None] / 255
    with torch.no_grad():
        shares = progress.model.double()(x).softmax(dim=1).numpy()
    progress.model.float()
    right = shares[np.arange(22), validation.labels]
    assert found.loss == pytest.approx(-np.log(right).mean(), rel=1e-5)
    assert found.accuracy == (shares.argmax(axis=1) == validation.labels).mean()
    np.testing.assert_allclose(probabilities(progress.model, validation, CPU), shares, atol=1e-6)


def test_evaluation_changes_nothing() -> None:
    progress = start()
    before = state_of(progress.model)
    assert [totals.images for totals in evaluated(progress.model, feed(), CPU)] == [5, 10, 15, 20, 22]
    assert identical(before, state_of(progress.model))


SCRIPT = (Result(0.9, 0.5), Result(0.4, 0.6), Result(0.6, 0.8), Result(0.5, 0.8))


@pytest.mark.parametrize(
    ("keep", "best"),
    [("best-accuracy", [True, True, True, False]), ("best-loss", [True, True, False, False]), ("last", [True] * 4)],
)
def test_the_rule_decides_which_epoch_is_kept(keep: str, best: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, *SCRIPT)
    train, progress = feed(), start()
    events = fit(progress, train, feed(9), plan(train, epochs=4, keep=keep), CPU)
    assert [event.best for event in events if isinstance(event, EpochDone)] == best
    assert progress.best_epoch == max(epoch for epoch, is_best in enumerate(best, start=1) if is_best)


def test_a_validation_loss_that_is_no_number_is_never_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, Result(float("nan"), 0.5), Result(0.7, 0.5), Result(float("nan"), 0.5))
    train, progress = feed(), start()
    events = fit(progress, train, feed(9), plan(train), CPU)
    assert [event.best for event in events if isinstance(event, EpochDone)] == [False, True, False]


def test_the_weights_kept_are_a_copy_that_later_epochs_leave_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, *SCRIPT)
    train, progress, after = feed(), start(), {}
    for event in fit(progress, train, feed(9), plan(train, epochs=4), CPU):
        if isinstance(event, EpochDone):
            after[event.epoch] = state_of(progress.model)
    assert progress.best_epoch == 2
    assert identical(progress.best_weights, after[2])
    assert not any(identical(one, other) for one, other in pairwise(after.values()))


def test_a_loss_that_is_no_number_ends_the_training_by_its_epoch_and_step() -> None:
    train, progress = feed(), start(torch.optim.SGD)
    rates = np.full(3 * train.steps(), 0.01)
    rates[train.steps() + 1] = np.inf  # the second step of the second epoch, so that the third has no loss any more
    events = fit(progress, train, feed(9), plan(train, rates=rates), CPU)
    with pytest.raises(NotFinite, match=r"stays a finite number\. Received: nan in epoch 2, from step 3 on\. Lower the learning rate"):
        list(events)
    assert (progress.epoch, progress.best_epoch) == (1, 1)
    assert all(value.isfinite().all() for value in progress.best_weights.values())


@pytest.mark.parametrize("events_seen", range(1, 17))
def test_stopping_anywhere_leaves_where_it_stands(events_seen: int) -> None:
    train, progress = feed(), start()
    events = fit(progress, train, feed(9), plan(train, keep="last"), CPU)
    list(islice(events, events_seen))
    events.close()
    epochs, more = divmod(events_seen, 8)  # five steps, two batches of validation and the epoch's end
    assert progress.epoch == progress.best_epoch == epochs
    assert (progress.step, progress.totals.images) == (min(5, more), min(22, 5 * more))
    assert bool(progress.best_weights) == (epochs > 0)
    if progress.best_weights:
        progress.model.load_state_dict(progress.best_weights)
        assert np.isfinite(probabilities(progress.model, feed(9), CPU)).all()


def through_a_file(progress: Progress) -> dict[str, Any]:
    stream = io.BytesIO()
    torch.save(checkpoint.pack(progress), stream)
    return torch.load(io.BytesIO(stream.getvalue()), weights_only=True)


@pytest.mark.parametrize("stop_at", [1, 3, 5, 6, 7, 8, 9, 14, 16, 21])
@pytest.mark.parametrize("optimiser", [torch.optim.AdamW, lambda values, lr: torch.optim.SGD(values, lr, momentum=0.9)])
def test_going_on_after_any_event_equals_going_through(stop_at: int, optimiser: Any) -> None:
    train, validation = feed(), feed(9, seed=1)
    the_plan = plan(train, epochs=4, augmentation=AUGMENTATION, label_smoothing=0.1)
    with prepared(CPU):
        through, first, second = start(optimiser), start(optimiser), start(optimiser)
        whole = numbers(fit(through, train, validation, the_plan, CPU))
        events = fit(first, train, validation, the_plan, CPU)
        before = numbers(islice(events, stop_at))
        state = through_a_file(first)
        kept = {first.best_epoch: {name: value.clone() for name, value in first.best_weights.items()}}
        list(islice(events, 2))  # what happens after the checkpoint
        events.close()
        torch.manual_seed(99)  # a new process has another generator
        assert checkpoint.has_best(state, kept)
        checkpoint.unpack(second, state, kept)
        after = numbers(fit(second, train, validation, the_plan, CPU))
    assert before + after == whole
    assert identical(state_of(through.model), state_of(second.model))
    assert identical(through.best_weights, second.best_weights)
    assert (through.best_epoch, through.best_score) == (second.best_epoch, second.best_score)


def test_two_trainings_by_one_plan_are_identical_and_another_seed_is_not() -> None:
    train, ends = feed(), []
    with prepared(CPU):
        for seed in (7, 7, 8):
            progress = start()
            list(fit(progress, train, feed(9), plan(train, seed=seed, augmentation=AUGMENTATION), CPU))
            ends.append(state_of(progress.model))
    assert identical(ends[0], ends[1])
    assert not identical(ends[0], ends[2])


def test_what_is_done_already_is_not_done_again() -> None:
    train, progress = feed(), start()
    list(fit(progress, train, feed(9), plan(train), CPU))
    before = state_of(progress.model)
    assert list(fit(progress, train, feed(9), plan(train), CPU)) == []
    assert identical(before, state_of(progress.model))


class Narrow(nn.Module):
    """A network in a memory that holds `room` images at a time; without batch normalisation, so that splitting changes nothing."""

    def __init__(self, room: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.room, self.seen = room, []
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(x))
        if self.training and len(x) > self.room:
            raise torch.OutOfMemoryError("no room")
        return self.layers(x)


def narrow(room: int) -> Progress:
    model = Narrow(room)
    return Progress(model, torch.optim.SGD(model.parameters(), lr=1.0))


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0])])
def test_a_batch_that_does_not_fit_is_split_and_learns_the_same(weights: torch.Tensor | None) -> None:
    train = feed(26, batch_size=12)  # the last batch has two images
    the_plan = plan(train, epochs=2, class_weights=weights, label_smoothing=0.1)
    wide, tight = narrow(100), narrow(4)
    whole = told(fit(wide, train, feed(9), the_plan, CPU))
    split = told(fit(tight, train, feed(9), the_plan, CPU))
    assert [event.pieces for event in split if isinstance(event, BatchSplit)] == [4]
    assert tight.model.seen[:6] == [12, 6, 3, 3, 3, 3]
    for one, other in zip(whole, (event for event in split if not isinstance(event, BatchSplit)), strict=True):
        if isinstance(one, StepDone):
            assert float(other.loss) == pytest.approx(float(one.loss), rel=1e-5)
    for name, value in wide.model.state_dict().items():
        torch.testing.assert_close(tight.model.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_where_not_even_two_images_fit_the_error_is_not_swallowed() -> None:
    train, progress = feed(), narrow(1)
    with pytest.raises(torch.OutOfMemoryError):
        list(fit(progress, train, feed(9), plan(train), CPU))


@pytest.mark.parametrize("stop_at", [1, 2, 4])
def test_a_batch_that_was_split_stays_so_when_the_training_goes_on(stop_at: int) -> None:
    train = feed(26, batch_size=12)
    the_plan, through, first, second = plan(train, epochs=2, augmentation=AUGMENTATION), narrow(4), narrow(4), narrow(4)
    list(fit(through, train, feed(9), the_plan, CPU))
    list(islice(fit(first, train, feed(9), the_plan, CPU), stop_at))
    checkpoint.unpack(second, through_a_file(first), {})
    assert (second.pieces, second.step) == (4, (1, 1, 3)[stop_at // 2])
    events = list(fit(second, train, feed(9), the_plan, CPU))
    assert not any(isinstance(event, BatchSplit) for event in events)
    assert identical(state_of(through.model), state_of(second.model))
