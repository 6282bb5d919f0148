"""The training loop. It knows nothing of X-rays, files or pages: a model, two feeds and a plan go in, events come out.

Stopping is the caller's affair: it stops asking for events. Going on after an interruption starts from a `Progress` that was stored
after any step; since order, augmentation and dropout depend on (seed, epoch, step) alone, no generator's state is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.data.batches import Augmentation, Feed, stream
from core.data.threads import Progress as Report
from core.errors import NotFinite
from core.training.events import BatchSplit, BatchValidated, EpochDone, Event, Result, StepDone
from core.training.execution import Execution, Forward

_DROPOUT = 1  # tells its random stream from that of the images


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


class Totals:
    """Sums over the images of a pass, kept on the device: reading them once an epoch is the only wait."""

    def __init__(self, images: int = 0, sums: Tensor | None = None) -> None:
        """`sums`: of losses, of right answers, and of batches whose losses were all finite up to there. float64 [3]"""
        self.images, self.sums = images, torch.zeros(3, dtype=torch.float64) if sums is None else sums

    def add(self, loss: Tensor, right: Tensor, images: int) -> None:
        """A batch: its mean loss and its right answers, scalars."""
        self.images += images
        self.sums = self.sums.to(loss.device)
        losses = loss.double() * images
        self.sums = self.sums + torch.stack([losses, right.double(), (self.sums[0] + losses).isfinite().double()])

    def result(self) -> Result:
        loss, right, _ = self.sums.tolist()
        return Result(loss / self.images, right / self.images)

    def finite_batches(self) -> int:
        """Batches before the first whose loss was not a finite number."""
        return int(self.sums[2])


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
    step: int = 0  # steps done in the epoch under way
    totals: Totals = field(default_factory=Totals)  # of those steps


def fit(progress: Progress, train: Feed, validation: Feed, plan: Plan, execution: Execution) -> Iterator[Event]:
    """Train from where `progress` stands to `plan.epochs`; yields events, and leaves the outcome in `progress`.

    A batch that does not fit into the device's memory is split from then on, and its gradients added up: the step is the same but for
    batch normalisation, whose statistics are then each piece's own.

    Raises:
        NotFinite: the training loss is no longer a finite number.
        torch.OutOfMemoryError: not even two images fit.
    """
    forward = execution.forward(progress.model)
    for epoch in range(progress.epoch + 1, plan.epochs + 1):
        rates = plan.rates[(epoch - 1) * train.steps() : epoch * train.steps()]
        progress.model.train()
        for x, y in train.shuffled(plan.augmentation, plan.seed, epoch, progress.step):
            lr, pieces = float(rates[progress.step]), progress.pieces
            torch.manual_seed(stream(plan.seed, epoch, progress.step + 1, _DROPOUT + execution.group.rank))
            loss, right = _step(progress, forward, x, y, lr, plan, execution)
            progress.totals.add(loss, right, len(y))
            progress.step += 1
            if progress.pieces > pieces:
                yield BatchSplit(progress.pieces)
            yield StepDone(epoch, progress.step, train.steps(), len(y), loss, lr)
        trained = _finite(progress.totals, epoch)
        for seen in evaluated(progress.model, validation, execution):
            yield BatchValidated(epoch, seen.images, len(validation))
        validated = seen.result()
        is_best = _keep_if_better(progress, epoch, validated, plan.keep)
        progress.epoch, progress.step, progress.totals = epoch, 0, Totals()
        yield EpochDone(epoch, trained, validated, float(rates[-1]), is_best)


def evaluated(model: nn.Module, feed: Feed, execution: Execution) -> Iterator[Totals]:
    """Cross entropy (not smoothed, not weighted) and right answers over `feed`: the sums so far after each batch."""
    totals = Totals()
    for logits, y in _forward(model, feed, execution):
        totals.add(F.cross_entropy(logits, y), _right(logits, y), len(y))
        yield totals


def probabilities(model: nn.Module, feed: Feed, execution: Execution, report: Report | None = None) -> np.ndarray:
    """Softmax of the logits, in the feed's order. float64 [images, classes]

    Args:
        report: called with images done and in all; it may raise to stop the work.
    """
    found, done = [], 0
    for logits, y in _forward(model, feed, execution):
        found.append(logits.double().softmax(dim=1).cpu())
        done += len(y)
        if report:
            report(done, len(feed))
    return torch.cat(found).numpy()


def _step(progress: Progress, forward: Forward, x: Tensor, y: Tensor, lr: float, plan: Plan, execution: Execution) -> tuple[Tensor, Tensor]:
    for group in progress.optimiser.param_groups:
        group["lr"] = lr
    while True:
        try:
            loss, right = _gradients(progress, forward, x, y, plan, execution)
            break
        except torch.OutOfMemoryError:
            if 2 * progress.pieces > _most_pieces(y) or not execution.group.alone:  # the other processes know nothing of it
                raise
            progress.pieces *= 2
        _forget_failed_attempt(execution)
    progress.optimiser.step()
    return loss, right


def _gradients(progress: Progress, forward: Forward, x: Tensor, y: Tensor, plan: Plan, execution: Execution) -> tuple[Tensor, Tensor]:
    """Set the gradients of the batch's mean loss; returns it and the number of right answers. In `progress.pieces` passes.

    Of several processes each computes on its part of the batch; what they set and return is the whole batch's.
    """
    progress.optimiser.zero_grad(set_to_none=True)
    group, weights = execution.group, plan.class_weights
    found = torch.zeros(2, device=y.device)
    whole = len(y) if weights is None else weights[y].sum()
    x, y = group.part(x), group.part(y)
    pieces = min(progress.pieces, _most_pieces(y))
    for images, labels in zip(x.tensor_split(pieces), y.tensor_split(pieces), strict=True):
        with execution.autocast():
            logits = forward(images).float()
        loss = F.cross_entropy(logits, labels, weight=weights, label_smoothing=plan.label_smoothing)
        if pieces > 1 or not group.alone:
            loss = loss * ((len(labels) if weights is None else weights[labels].sum()) / whole)
        (loss * group.size).backward()  # the mean over the processes is taken of it
        found += torch.stack([loss.detach(), _right(logits, labels)])
    return group.total(found).unbind()


def _right(logits: Tensor, y: Tensor) -> Tensor:
    """Right answers among `logits`, a scalar."""
    return (logits.detach().argmax(dim=1) == y).sum().float()


def _most_pieces(batch: Tensor) -> int:
    """Batch normalisation needs two images in each."""
    return max(1, len(batch) // 2)


def _forget_failed_attempt(execution: Execution) -> None:
    """Called outside the handler, whose traceback would keep the attempt's tensors alive."""
    if execution.device.type == "cuda":
        torch.cuda.empty_cache()


@torch.inference_mode()
def _forward(model: nn.Module, feed: Feed, execution: Execution) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits and labels of every batch, in order. Several processes take them in turn; each gets all, on the processor."""
    model.eval()
    group = execution.group
    group.share_statistics(model)
    own = feed.in_order(group.rank, group.size)
    for _ in range(-(-len(feed) // (feed.batch_size * group.size))):
        found = None
        for x, y in islice(own, 1):
            with execution.autocast():
                logits = model(x)
            found = (logits.float(), y) if group.alone else (logits.float().cpu(), y.cpu())
        yield from filter(None, group.gathered(found))


def _finite(totals: Totals, epoch: int) -> Result:
    """The result of the epoch's training steps, whose losses were numbers."""
    result = totals.result()
    if not math.isfinite(result.loss):
        where = f"{result.loss} in epoch {epoch}, from step {totals.finite_batches() + 1} on"
        raise NotFinite("The training loss stays a finite number.", where, "Lower the learning rate.")
    return result


def _keep_if_better(progress: Progress, epoch: int, result: Result, keep: str) -> bool:
    score = {"best-accuracy": result.accuracy, "best-loss": -result.loss, "last": float(epoch)}[keep]
    if not score > progress.best_score:  # a loss that is not a number is never better
        return False
    progress.best_epoch, progress.best_score = epoch, score
    progress.best_weights = {name: value.detach().clone() for name, value in progress.model.state_dict().items()}
    return True
