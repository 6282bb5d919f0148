"""What a sweep costs before its first run starts: `python -m benchmarks.sweeping [--runs N] [--images N] [--folder FOLDER]`.

A grid over one network, five seeds, five folds and learning rates is fitted to the images and queued in an artifacts folder of its own;
nobody trains it. Then the experiment is cancelled.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image


def main(
    runs: Annotated[int, typer.Option(help="Runs of the sweep, a multiple of 25.", min=25)] = 2_000,
    images: Annotated[int, typer.Option(help="Images that are drawn where no folder is given.")] = 1_124,
    folder: Annotated[Path | None, typer.Option(help="A folder of class folders instead.")] = None,
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["CXRLAB_ARTIFACTS"] = str(Path(temporary) / "artifacts")
        measure(folder or drawn(Path(temporary) / "images", images), runs)


def drawn(folder: Path, images: int) -> Path:
    """`images` files of noise in three classes."""
    rng = np.random.default_rng(0)
    for number in range(images):
        path = folder / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)).save(path)
    return folder


def measure(folder: Path, runs: int) -> None:
    from core.data import library
    from core.jobs import forecast, requests, sweeps
    from core.runs import index

    manifest = library.open_dataset(str(folder))
    rates = tuple(1e-4 * number for number in range(1, runs // 25 + 1))
    sweep = sweeps.Sweep("sweep", models=("resnet18",), seeds=tuple(range(5)), folds=5, axes={"optimiser.lr": rates})
    start = time.perf_counter()
    planned = sweeps.plan(sweep, manifest)
    typer.echo(f"{len(planned.runs):,} runs fitted to {len(manifest):,} images: {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    forecast.forecast(planned)
    typer.echo(f"estimate: {1e3 * (time.perf_counter() - start):.0f} ms")
    each = []
    for run in planned.runs:
        start = time.perf_counter()
        requests.start(run.recipe, experiment_name=sweep.name, supervised=False)
        each.append(1e3 * (time.perf_counter() - start))
    parts = np.percentile(each, (50, 99, 100))
    typer.echo(f"queued, each: median {parts[0]:.1f} ms, 99 % within {parts[1]:.1f} ms, slowest {parts[2]:.1f} ms")
    typer.echo(f"queued, the last hundred: median {statistics.median(each[-100:]):.1f} ms")
    start = time.perf_counter()
    index.rows()
    typer.echo(f"first look at their table: {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    cancelled = sweeps.cancel(sweep.name)
    typer.echo(f"{len(cancelled):,} cancelled: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    typer.run(main)
