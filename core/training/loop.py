"""The training loop. It knows nothing of X-rays, files or pages: a model, two feeds and a plan go in, events come out.

Stopping is the caller's affair: it stops asking for events. Going on after an interruption starts from a `Progress` that was stored
at the end of an epoch; since order, augmentation and dropout of an epoch depend on (seed, epoch) alone, nothing else is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.data.batches import Augmentation, Feed, stream
from core.errors import TrainingFailed
from core.training.events import BatchSplit, EpochDone, Event, Result, StepDone
from core.training.execution import Execution, Forward


@dataclass(frozen=True)
class Plan:
    """How to train. `rates` holds the learning rate of every step of all epochs. float64 [epochs * steps]"""

    epochs: int
    rates: np.ndarray
    augmentation: Augmentation
    seed: int
    keep: Literal["best-accuracy", "best-loss", "last"]
    label_smoothing: float = 0.0
    class_weights: Tensor | None = None  # [classes], on the device


@dataclass
class Progress:
    """What changes while training: all that going on needs, besides the plan."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    epoch: int = 0  # epochs completed
    best_epoch: int = 0
    best_score: float = -math.inf  # the larger the better
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    pieces: int = 1  # that a batch goes through the network in, since the whole of it did not fit into memory


def fit(progress: Progress, train: Feed, validation: Feed, plan: Plan, execution: Execution) -> Iterator[Event]:
    """Train from `progress.epoch` to `plan.epochs`; yields events, and leaves the outcome in `progress`.

    A batch that does not fit into the device's memory is split from then on, and its gradients added up: the step is the same but for
    batch normalisation, whose statistics are then each piece's own.

    Raises:
        TrainingFailed: the training loss is no longer a finite number.
        torch.OutOfMemoryError: not even two images fit.
    """
    forward = execution.forward(progress.model)
    for epoch in range(progress.epoch + 1, plan.epochs + 1):
        torch.manual_seed(stream(plan.seed, epoch))  # dropout
        totals = _Totals(execution.device)
        progress.model.train()
        for step, (x, y) in enumerate(train.shuffled(plan.augmentation, plan.seed, epoch), start=1):
            lr = float(plan.rates[(epoch - 1) * train.steps() + step - 1])
            pieces = progress.pieces
            loss, logits = _step(progress, forward, x, y, lr, plan, execution)
            totals.add(loss, logits, y)
            if progress.pieces > pieces:
                yield BatchSplit(progress.pieces)
            yield StepDone(epoch, step, train.steps(), len(y), loss, lr)
        trained = totals.result()
        if not math.isfinite(trained.loss):
            raise TrainingFailed("The training loss stays a finite number.", f"{trained.loss} in epoch {epoch}", "Lower the learning rate.")
        validated = evaluate(progress.model, validation, execution)
        is_best = _keep_if_better(progress, epoch, validated, plan.keep)
        progress.epoch = epoch
        yield EpochDone(epoch, trained, validated, lr, is_best)


def evaluate(model: nn.Module, feed: Feed, execution: Execution) -> Result:
    """Mean cross entropy (not smoothed, not weighted) and accuracy over `feed`."""
    totals = _Totals(execution.device)
    for logits, y in _forward(model, feed, execution):
        totals.add(F.cross_entropy(logits, y), logits, y)
    return totals.result()


def probabilities(model: nn.Module, feed: Feed, execution: Execution) -> np.ndarray:
    """Softmax of the logits, in the feed's order. float64 [images, classes]"""
    return torch.cat([logits.double().softmax(dim=1).cpu() for logits, _ in _forward(model, feed, execution)]).numpy()


def _step(progress: Progress, forward: Forward, x: Tensor, y: Tensor, lr: float, plan: Plan, execution: Execution) -> tuple[Tensor, Tensor]:
    for group in progress.optimiser.param_groups:
        group["lr"] = lr
    while True:
        try:
            loss, logits = _gradients(progress, forward, x, y, plan, execution)
            break
        except torch.OutOfMemoryError:
            if 2 * progress.pieces > _most_pieces(y):
                raise
            progress.pieces *= 2
        _forget_failed_attempt(execution)
    progress.optimiser.step()
    return loss, logits


def _gradients(progress: Progress, forward: Forward, x: Tensor, y: Tensor, plan: Plan, execution: Execution) -> tuple[Tensor, Tensor]:
    """Set the gradients of the batch's mean loss; returns loss and logits, detached. In `progress.pieces` passes."""
    progress.optimiser.zero_grad(set_to_none=True)
    weights, losses, outputs = plan.class_weights, [], []
    whole = len(y) if weights is None else weights[y].sum()
    pieces = min(progress.pieces, _most_pieces(y))
    for images, labels in zip(x.tensor_split(pieces), y.tensor_split(pieces), strict=True):
        with execution.autocast():
            logits = forward(images).float()
        loss = F.cross_entropy(logits, labels, weight=weights, label_smoothing=plan.label_smoothing)
        if pieces > 1:
            loss = loss * ((len(labels) if weights is None else weights[labels].sum()) / whole)
        loss.backward()
        losses.append(loss.detach())
        outputs.append(logits.detach())
    return torch.stack(losses).sum(), torch.cat(outputs)


def _most_pieces(batch: Tensor) -> int:
    """Batch normalisation needs two images in each."""
    return max(1, len(batch) // 2)


def _forget_failed_attempt(execution: Execution) -> None:
    """Called outside the handler, whose traceback would keep the attempt's tensors alive."""
    if execution.device.type == "cuda":
        torch.cuda.empty_cache()


@torch.inference_mode()
def _forward(model: nn.Module, feed: Feed, execution: Execution) -> Iterator[tuple[Tensor, Tensor]]:
    model.eval()
    for x, y in feed.in_order():
        with execution.autocast():
            logits = model(x)
        yield logits.float(), y


def _keep_if_better(progress: Progress, epoch: int, result: Result, keep: str) -> bool:
    score = {"best-accuracy": result.accuracy, "best-loss": -result.loss, "last": float(epoch)}[keep]
    if not score > progress.best_score:  # a loss that is not a number is never better
        return False
    progress.best_epoch, progress.best_score = epoch, score
    progress.best_weights = {name: value.detach().clone() for name, value in progress.model.state_dict().items()}
    return True


class _Totals:
    """Sums over images, kept on the device: reading them once an epoch is the only wait."""

    def __init__(self, device: torch.device) -> None:
        self._images, self._sums = 0, torch.zeros(2, dtype=torch.float64, device=device)

    def add(self, loss: Tensor, logits: Tensor, y: Tensor) -> None:
        self._images += len(y)
        self._sums += torch.stack([loss.double() * len(y), (logits.argmax(dim=1) == y).sum().double()])

    def result(self) -> Result:
        loss, correct = self._sums.tolist()
        return Result(loss / self._images, correct / self._images)
