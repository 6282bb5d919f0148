"""What running a frozen trunk once saves: `python -m benchmarks.frozen [--model M] [--images N] [--epochs N] [--views K]`.

A pooled head on a frozen trunk with random weights, noise as images, a quarter of them for validation. The same training once with the
trunk in every epoch and once with stored features; features are computed, not read from the disk.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from core.data.batches import Feed
from core.data.splits import Split
from core.recipes import creation, fitting
from core.recipes.recipe import Recipe
from core.training import execution, feeds, frozen, loop


def main(
    model: Annotated[str, typer.Option()] = "vgg16",
    images: Annotated[int, typer.Option(help="Training images.")] = 64,
    epochs: Annotated[int, typer.Option()] = 30,
    views: Annotated[int, typer.Option(help="Augmented views an image.")] = 8,
    size: Annotated[int, typer.Option(help="Pixels.")] = 224,
    threads: Annotated[int, typer.Option()] = 1,
) -> None:
    torch.set_num_threads(threads)
    head = {"kind": "pooled", "hidden": 64}
    changes = {"image.size": size, "epochs": epochs, "batch_size": 8, "frozen": True, "frozen_views": views, "head": head}
    recipe = fitting.draft(model=model, **changes)
    how = execution.choose(recipe)
    data = noise(recipe, images, how)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CXRLAB_ARTIFACTS"] = folder  # so that nothing stored before is found
        with_features = seconds(recipe, data, how)
    without = seconds(recipe.model_copy(update={"frozen_views": 0}), data, how)
    typer.echo(f"{model} at {size} px, {images} training images, {epochs} epochs, {how.device_name}, {threads} threads, bf16: {how.bf16}")
    typer.echo(
        f"trunk in every epoch {without:.1f} s, once for {views} views {with_features:.1f} s: {without / with_features:.1f} times faster"
    )


def noise(recipe: Recipe, images: int, how: execution.Execution) -> feeds.Feeds:
    rng, every = np.random.default_rng(0), images + images // 4
    pixels, labels = rng.integers(0, 256, (every, recipe.image.size, recipe.image.size), np.uint8), rng.integers(0, 2, every)
    rows = {"train": np.arange(images), "validation": np.arange(images, every)}
    parts = {part: Feed(pixels, labels, rows[part], recipe.batch_size, how.device) for part in rows}
    split = Split(np.repeat(["train", "validation"], [images, every - images]), grouped=False)
    return feeds.Feeds(parts, pd.DataFrame(), split, feeds.augmentation_of(recipe))


def seconds(recipe: Recipe, data: feeds.Feeds, how: execution.Execution) -> float:
    """Of the whole training, features included."""
    torch.manual_seed(0)
    model = how.place(creation.untrained(recipe))
    progress = loop.Progress(model, torch.optim.Adam([value for value in model.parameters() if value.requires_grad]))
    rates = np.full(recipe.epochs * data.parts["train"].steps(), 1e-3)
    plan = loop.Plan(recipe.epochs, rates, data.augmentation, recipe.seed, keep="last")
    start = time.perf_counter()
    with execution.prepared(how), frozen.fed(progress, data, recipe, how) as (train, validation):
        for _ in loop.fit(progress, train, validation, plan, how):
            pass
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
