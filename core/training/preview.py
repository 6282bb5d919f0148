"""What a training will look like, before it starts: the split, an augmented batch, the learning rate, the time it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn
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
ENOUGH = 2.0  # seconds: once they are over, one step more tells nothing new


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
    images: int  # of all parts, counted so
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
    rows = fitting.training_rows(recipe, taken, split)
    shown = np.random.default_rng(recipe.seed).choice(rows, min(SHOWN, len(rows)), replace=False)
    paths, names = taken.paths(), taken.table["label"].iloc[shown]
    pixels = np.stack([prepare(images.read(paths[row]).pixels, recipe.image.preparation) for row in shown])
    labels = names.map(feeds.class_index(recipe)).to_numpy(dtype=np.int64)
    feed = batches.Feed(pixels, labels, np.arange(len(shown)), len(shown), torch.device("cpu"))
    x, y = next(feed.shuffled(feeds.augmentation_of(recipe), recipe.seed, epoch=1))
    steps = batches.steps(len(rows), recipe.batch_size, feeds.SMALLEST_PART * recipe.execution.processes)
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
        images=len(rows) + int(counts[["validation", "test"]].to_numpy().sum()),
        parameters=registry.parameters(recipe.model, len(recipe.data.classes), recipe.image.size, recipe.head.head),
        multiply_adds=registry.multiply_adds(recipe.model, recipe.image.size, len(recipe.data.classes), recipe.head.head),
        warnings=_warnings(recipe, counts, split.grouped),
    )


def training_seconds(recipe: Recipe, training_images: int, device: str | None = None) -> float:
    """Seconds that all training steps will take here, from a few on random images; with the frozen trunk's own, where it runs once."""
    how = execution.choose(recipe, device)
    size, batch = recipe.image.size, recipe.batch_size
    epochs = recipe.epochs * training_images / batch  # in steps
    with torch.random.fork_rng(devices=[]):
        model = how.place(creation.untrained(recipe))
        x = torch.rand(batch, 1, size, size, device=how.device)
        if not recipe.feature_views:
            return epochs * _step_seconds(model, x, how)
        model.eval()
        with how.autocast():
            features = model.features(x)[0]
            once = recipe.feature_views * training_images / batch * _seconds(lambda: model.features(x)[1])
        return once + epochs * _step_seconds(model.head_alone(), features, how)


def _step_seconds(model: nn.Module, x: torch.Tensor, how: execution.Execution) -> float:
    """Of one training step on `x`."""
    model.train()
    optimiser = torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=1e-6)
    y = torch.zeros(len(x), dtype=torch.int64, device=how.device)

    def step() -> torch.Tensor:
        with how.autocast():
            logits = model(x).float()
        F.cross_entropy(logits, y).backward()
        optimiser.step()
        optimiser.zero_grad()
        return logits

    return _seconds(step)


def _seconds(work: Callable[[], torch.Tensor]) -> float:
    """Of one call of `work`, after one to warm up. It returns what the device computes last, so that it can be waited for."""
    found = work()
    found.sum().item()
    steps, start = 0, time.perf_counter()
    while steps < TIMED_STEPS and time.perf_counter() - start < ENOUGH:
        found = work()
        steps += 1
    found.sum().item()
    return (time.perf_counter() - start) / steps


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
