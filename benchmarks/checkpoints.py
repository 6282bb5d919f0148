"""What a checkpoint costs: `python -m benchmarks.checkpoints [--model M] [--images N] [--size S] [--batch B]`.

An epoch's training steps, reckoned from a few of them, against what is written at its end: the checkpoint, hashed while it is written, and
the weights, as in an epoch that is the best so far. Noise as images; written where the artifacts of this machine lie.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
import typer

from core.data import batches
from core.recipes import creation, fitting
from core.recipes.specs import DataSpec
from core.runs import store
from core.settings import artifacts_dir
from core.training import checkpoint, execution, feeds, loop

STEPS, WRITES = 6, 7


def main(
    model: Annotated[str, typer.Option()] = "resnet18",
    images: Annotated[int, typer.Option(help="Training images of the epoch.")] = 808,
    size: Annotated[int, typer.Option(help="Pixels.")] = 224,
    batch: Annotated[int, typer.Option()] = 32,
) -> None:
    recipe = fitting.draft(model=model, **{"image.size": size, "batch_size": batch})
    how = execution.choose(recipe)
    progress = loop.Progress(network := how.place(creation.untrained(recipe)), torch.optim.AdamW(network.parameters()))
    with execution.prepared(how):
        step = _step_seconds(progress, batch, size, feeds.augmentation_of(recipe), how)
    epoch = step * batches.steps(images, batch)
    artifacts_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=artifacts_dir()) as folder:
        os.environ["CXRLAB_ARTIFACTS"] = folder
        run = store.create(recipe.model_copy(update={"data": DataSpec(name="noise", sha256="", classes=("a", "b"))}))
        whole = _median(lambda number: run.write_checkpoint(checkpoint.pack(progress), number))
        weights = _median(lambda number: run.write_weights(network.state_dict(), number))
        read = _median(lambda _: run.checkpoint())
        megabytes = run.checkpoints()[0].path.stat().st_size / 1e6
    typer.echo(f"{model}, {images} images of {size} px, batch {batch}, {how.device_name}, bf16: {how.bf16}: {epoch:.1f} s an epoch")
    typer.echo(
        f"checkpoint of {megabytes:.0f} MB {whole:.2f} s, weights {weights:.2f} s, reading it back with its hash verified {read:.2f} s"
    )
    typer.echo(f"share of the epoch: {(whole + weights) / epoch:.2%}")


def _step_seconds(progress: loop.Progress, batch: int, size: int, augmentation: batches.Augmentation, how: execution.Execution) -> float:
    """Of one training step, the median of a few; feeding it included, the first left out."""
    rng, count = np.random.default_rng(0), batch * STEPS
    pixels, labels = rng.integers(0, 256, (count, size, size), np.uint8), rng.integers(0, 2, count)
    feed = batches.Feed(pixels, labels, np.arange(count), batch, how.device)
    plan = loop.Plan(1, np.full(STEPS, 1e-3), augmentation, seed=0, keep="last")
    events, times = loop.fit(progress, feed, feed, plan, how), []
    for _ in range(STEPS):
        begun = time.perf_counter()
        float(next(events).loss)  # waits for the device
        times.append(time.perf_counter() - begun)
    events.close()
    return statistics.median(times[1:])


def _median(work: Callable[[int], object]) -> float:
    """Seconds of `work`, which is given 1, 2, …; the first call left out."""
    times = []
    for number in range(1, WRITES + 1):
        begun = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


if __name__ == "__main__":
    typer.run(main)
