"""What a training will look like, before it starts: the split, an augmented batch, the learning rate, the time it will take."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from core.data import batches, images
from core.data.manifest import Manifest
from core.data.preparation import prepare
from core.models import registry
from core.recipes import creation, fitting
from core.recipes.recipe import Recipe
from core.training import execution, feeds, schedules

SHOWN = 8  # images of the augmented batch
TIMED_STEPS = 3


@dataclass(frozen=True)
class Preview:
    """`counts`: images a class (rows) and part (columns). `batch`: augmented training images, uint8 [SHOWN, S, S], with `labels`."""

    recipe: Recipe
    counts: pd.DataFrame
    split_kind: str
    batch: np.ndarray
    labels: tuple[str, ...]
    rates: np.ndarray  # learning rate of every step
    steps: int  # an epoch
    training_images: int  # that an epoch feeds, copies counted as often as they are drawn
    parameters: int
    multiply_adds: int  # of one image's forward pass
    warnings: tuple[str, ...]


def preview(draft: Recipe, manifest: Manifest) -> Preview:
    """Fit `draft` to `manifest` and show what will happen. Decodes a few images only.

    Raises:
        CoreError: whatever would keep the training from starting.
    """
    recipe, split = fitting.fit(draft, manifest)
    taken = fitting.trained_on(recipe, manifest)
    rows = feeds.training_rows(recipe, taken, split)
    shown = np.random.default_rng(recipe.seed).choice(rows, min(SHOWN, len(rows)), replace=False)
    paths, names = taken.paths(), taken.table["label"].iloc[shown]
    pixels = np.stack([prepare(images.read(paths[row]).pixels, recipe.image.preparation) for row in shown])
    labels = names.map(feeds.class_index(recipe)).to_numpy(dtype=np.int64)
    feed = batches.Feed(pixels, labels, np.arange(len(shown)), len(shown), torch.device("cpu"))
    x, y = next(feed.shuffled(feeds.augmentation_of(recipe), recipe.seed, epoch=1))
    steps = batches.steps(len(rows), recipe.batch_size)
    counts = split.counts(taken)
    return Preview(
        recipe=recipe,
        counts=counts,
        split_kind=split.kind,
        batch=(x[:, 0] * 255).round().to(torch.uint8).numpy(),
        labels=tuple(recipe.data.classes[index] for index in y.tolist()),
        rates=schedules.rates(recipe.schedule, recipe.optimiser.lr, recipe.epochs, steps),
        steps=steps,
        training_images=len(rows),
        parameters=registry.parameters(recipe.model, len(recipe.data.classes), recipe.image.size, recipe.head.head),
        multiply_adds=registry.multiply_adds(recipe.model, recipe.image.size, len(recipe.data.classes), recipe.head.head),
        warnings=_warnings(recipe, counts, split.grouped),
    )


def epoch_seconds(recipe: Recipe, training_images: int, device: str | None = None) -> float:
    """Seconds that an epoch's training steps will take here, from a few steps on random images after one to warm up."""
    how = execution.choose(recipe, device)
    size = recipe.image.size
    with torch.random.fork_rng(devices=[]):
        model = how.place(creation.untrained(recipe))
        optimiser = torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=1e-6)
        x = torch.rand(recipe.batch_size, 1, size, size, device=how.device)
        y = torch.zeros(recipe.batch_size, dtype=torch.int64, device=how.device)
        start = 0.0
        for step in range(TIMED_STEPS + 1):
            with how.autocast():
                logits = model(x).float()
            F.cross_entropy(logits, y).backward()
            optimiser.step()
            optimiser.zero_grad()
            if step == 0:
                start = time.perf_counter()
        logits.sum().item()  # waits for the device
    return (time.perf_counter() - start) / TIMED_STEPS * training_images / recipe.batch_size


def _warnings(recipe: Recipe, counts: pd.DataFrame, grouped: bool) -> tuple[str, ...]:
    found = []
    if recipe.data.synthetic:
        found.append("These images are synthetic: what a network learns here says nothing about real X-rays.")
    found += recipe.cautions
    if recipe.frozen and recipe.weights.source == "random":
        found.append("All but the head is frozen at random values: choose weights that were trained, or train all of the network.")
    if not grouped and not recipe.copies.before_split:
        found.append("Patients are unknown, so images of one patient may stand in training and test: figures may come out too high.")
    few = counts.index[counts["test"] < 20]
    if len(few):
        rows = ", ".join(f"{name} ({counts.loc[name, 'test']})" for name in few)
        found.append(f"Few test images: {rows}. One image more or less right moves such a class's figures by 5 points or more.")
    return tuple(found)
