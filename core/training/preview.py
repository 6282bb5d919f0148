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
from core.models import classifier, registry
from core.recipes import fitting
from core.recipes.recipe import Recipe
from core.training import execution, schedules

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
    parameters: int
    warnings: tuple[str, ...]


def preview(draft: Recipe, manifest: Manifest) -> Preview:
    """Fit `draft` to `manifest` and show what will happen. Decodes a few images only.

    Raises:
        CoreError: whatever would keep the training from starting.
    """
    recipe, split = fitting.fit(draft, manifest)
    rows = split.rows("train")
    shown = np.random.default_rng(recipe.seed).choice(rows, min(SHOWN, len(rows)), replace=False)
    size, paths = recipe.image.size, manifest.paths()
    pixels = np.stack([images.fit(images.read(paths[row]).pixels, size, recipe.image.resize) for row in shown])
    feed = batches.Feed(pixels, np.zeros(len(shown), np.int64), np.arange(len(shown)), len(shown), torch.device("cpu"))
    augmentation = batches.Augmentation(**recipe.augmentation.model_dump())
    x, _ = next(feed.shuffled(augmentation, recipe.seed, epoch=1))
    order = torch.randperm(len(shown), generator=torch.Generator().manual_seed(batches.stream(recipe.seed, 1))).numpy()
    steps = batches.Feed(pixels, np.empty(0), rows, recipe.batch_size, torch.device("cpu")).steps()
    return Preview(
        recipe=recipe,
        counts=split.counts(manifest),
        split_kind=split.kind,
        batch=(x[:, 0] * 255).round().to(torch.uint8).numpy(),
        labels=tuple(manifest.table["label"].iloc[shown[order]]),
        rates=schedules.rates(recipe.schedule, recipe.optimiser.lr, recipe.epochs, steps),
        steps=steps,
        parameters=registry.parameters(recipe.model, len(manifest.classes), size),
        warnings=_warnings(split.counts(manifest), split.grouped, manifest.synthetic),
    )


def epoch_seconds(recipe: Recipe, training_images: int, device: str | None = None) -> float:
    """Seconds that an epoch's training steps will take here, from a few steps on random images after one to warm up."""
    how = execution.choose(recipe, device)
    size, classes = recipe.image.size, len(recipe.data.classes)
    with torch.random.fork_rng(devices=[]):
        model = how.place(classifier.create(recipe.model, classes, size, recipe.image.normalisation))
        optimiser = torch.optim.SGD(model.parameters(), lr=1e-6)
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


def _warnings(counts: pd.DataFrame, grouped: bool, synthetic: bool) -> tuple[str, ...]:
    found = []
    if synthetic:
        found.append("These images are synthetic: what a network learns here says nothing about real X-rays.")
    if not grouped:
        found.append("Patients are unknown, so images of one patient may stand in training and test: figures may come out too high.")
    few = counts.index[counts["test"] < 20]
    if len(few):
        rows = ", ".join(f"{name} ({counts.loc[name, 'test']})" for name in few)
        found.append(f"Few test images: {rows}. One image more or less right moves such a class's figures by 5 points or more.")
    return tuple(found)
