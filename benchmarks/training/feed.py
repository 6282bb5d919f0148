"""The real feed against one fixed batch that lies on the device already: `python -m benchmarks.training.feed`, JSON on standard output.

Both are fed to the same network by the same loop in one process, epoch by epoch in turn; what an epoch's steps took is asked of the
loop's own events. The first epoch of each is no measurement.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.batches import Augmentation, Feed

if TYPE_CHECKING:
    from torch import Tensor

FIXED, REAL = "fixed", "real"


@dataclass(frozen=True)
class InTurn(Feed):
    """Odd epochs: the same batch again and again; even ones: the feed as it is."""

    kept: dict[str, Any] = field(default_factory=dict)

    def shuffled(self, augmentation: Augmentation, seed: int, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        if not self.kept:
            self.kept["batch"] = next(iter(super().shuffled(augmentation, seed, 0)))
        if kind(epoch) == REAL:
            yield from super().shuffled(augmentation, seed, epoch, start)
        else:
            for _ in range(start, self.steps()):
                yield self.kept["batch"]


def kind(epoch: int) -> str:
    """What `InTurn` feeds in `epoch`, from 1."""
    return FIXED if epoch % 2 else REAL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--steps", type=int, default=12, help="Steps an epoch.")
    parser.add_argument("--rounds", type=int, default=5, help="Measured epochs of each.")
    options = parser.parse_args()
    sys.stdout.write(json.dumps(measure(**vars(options))) + "\n")


def measure(folder: Path, model: str, device: str, batch_size: int, image_size: int, steps: int, rounds: int) -> dict[str, list[float]]:
    """Images a second of every measured epoch: {"fixed": […], "real": […]}."""
    from core.data import library
    from core.recipes import fitting
    from core.runs import store
    from core.training import execution, loop
    from core.training.events import EpochDone, StepDone
    from core.training.worker.diary import Diary
    from core.training.worker.session import Session

    changes = {"epochs": 2 * (rounds + 1), "batch_size": batch_size, "image.size": image_size}
    recipe = fitting.fit(fitting.draft(model=model, **changes), library.open_dataset(str(folder)))[0]
    run = store.create(recipe)
    session = Session.open(run, device, Diary(run, None))
    train = session.data.parts["train"]
    full = min(steps, len(train) // batch_size) * batch_size  # whole batches, so that every step is as large as the fixed one
    values = {name: value for name, value in vars(train).items() if name != "rows"}
    feed = InTurn(**values, rows=train.rows[:full])
    validation = replace(session.data.parts["validation"], rows=session.data.parts["validation"].rows[:2])
    found: dict[str, list[float]] = {FIXED: [], REAL: []}
    with execution.prepared(session.how):
        begun, seen = time.perf_counter(), 0
        for event in loop.fit(session.progress, feed, validation, session.plan, session.how):
            if isinstance(event, EpochDone):
                begun, seen = time.perf_counter(), 0
                continue
            if not isinstance(event, StepDone):
                continue
            seen += event.images
            if event.step == event.steps and event.epoch > 2:
                float(event.loss)  # waits for the device
                found[kind(event.epoch)].append(seen / (time.perf_counter() - begun))
    return found


def ratio(found: dict[str, list[float]]) -> float:
    """Real ÷ fixed, of medians: 1 where the feed costs nothing."""
    return statistics.median(found[REAL]) / statistics.median(found[FIXED])


if __name__ == "__main__":
    main()
