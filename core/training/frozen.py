"""A frozen trunk runs once: its output for a fixed input never changes, so the head is trained on stored features.

The loop needs no other form for it: it gets a module that is the head alone and feeds whose batches are features. Where the recipe
augments, each training image has as many stored views as the recipe says. View v is drawn as epoch v draws it without this module, so
that with as many views as epochs the training is the same but for rounding; with fewer, epoch e takes view (e - 1) mod views.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.data import batches
from core.data.batches import Augmentation, Feed
from core.data.threads import Progress as Report
from core.files import replacing
from core.models.classifier import Classifier
from core.recipes.recipe import Recipe
from core.settings import artifacts_dir
from core.training import memory
from core.training.execution import Execution
from core.training.feeds import Feeds
from core.training.loop import Progress

VERSION = 2  # of what the stored features are; a change makes those on the disk unused
MEMORY_SHARE = 0.5  # of the free memory, that features may take


@dataclass(frozen=True)
class FeatureFeed:
    """What `core.data.batches.Feed` is for images, for stored features: the same batches in the same order.

    `features` [views, images, …] and `labels` int64 [images] lie on the device. The features have the number format in which the
    head would get them from the trunk (bf16 under autocast, else float32), so that nothing is rounded that was not before.
    """

    features: Tensor
    labels: Tensor
    batch_size: int

    def __len__(self) -> int:
        return len(self.labels)

    def steps(self) -> int:
        """Batches a training epoch."""
        return batches.steps(len(self), self.batch_size)

    def in_order(self, first: int = 0, every: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once: its first view [batch, …], and its label int64 [batch]. Of the batches, each `every`th from `first`."""
        for start in range(first * self.batch_size, len(self), every * self.batch_size):
            rows = slice(start, start + self.batch_size)
            yield self.features[0, rows], self.labels[rows]

    def shuffled(self, augmentation: Augmentation, seed: int, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:  # noqa: ARG002  in the views
        """One epoch of training batches from `start` on, each image in the view that is the epoch's turn; shapes as `in_order`."""
        view = self.features[(epoch - 1) % len(self.features)]
        order = batches.order_of(len(self), seed, epoch).to(self.labels.device)
        for step in range(start, self.steps()):
            rows = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield view[rows], self.labels[rows]


@dataclass(frozen=True)
class ReplayedFeed(Feed):
    """Images whose draws come again after `views` epochs: the views that the recipe says, where their features cannot be stored."""

    views: int = 1

    def shuffled(self, augmentation: Augmentation, seed: int, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        return super().shuffled(augmentation, seed, (epoch - 1) % self.views + 1, start)


AnyFeed = Feed | FeatureFeed


@contextmanager
def fed(progress: Progress, data: Feeds, recipe: Recipe, how: Execution, report: Report | None = None) -> Iterator[tuple[AnyFeed, AnyFeed]]:
    """The training and the validation feed for the loop; inside the block `progress.model` is what takes their batches.

    A recipe that trains all of its network gets `data`'s own feeds. So does one whose features have no room, except that its views
    come in turn all the same; the log says so. After the block `progress.model` is the whole network again, its head trained.

    Args:
        progress: its model is a frozen `Classifier` with its first weights, on the device of `how`.
        report: called with images done and in all while the trunk runs; it may raise to stop the work.
    """
    train, validation = data.parts["train"], data.parts["validation"]
    if not recipe.feature_views:
        yield train, validation
        return
    whole = progress.model
    features = _features(whole, data, recipe, how, report) if how.group.alone else None  # several share the trunk's work instead
    if features is None:
        yield train if data.augmentation == Augmentation() else _replayed(train, recipe.feature_views), validation
        return
    progress.model = whole.head_alone()
    try:
        yield tuple(FeatureFeed(features[part], _labels(data.parts[part]), recipe.batch_size) for part in ("train", "validation"))
    finally:
        progress.model = whole


def _features(model: Classifier, data: Feeds, recipe: Recipe, how: Execution, report: Report | None) -> dict[str, Tensor] | None:
    """Features [views, images, …] of the training part, and [1, images, …] of the validation part; None where there is no room."""
    path = _path(model, recipe, how)
    if path.is_file() and path.stat().st_size < MEMORY_SHARE * memory.available(how.device):
        try:
            return load_file(path, device=str(how.device))
        except SafetensorError as error:
            logging.warning("Stored features cannot be read and are computed again: %s", error)
    found = _computed(model, data, recipe, how, report)
    if found is not None:
        _store(found, path)
    return found


@torch.no_grad()
def _computed(model: Classifier, data: Feeds, recipe: Recipe, how: Execution, report: Report | None) -> dict[str, Tensor] | None:
    train, validation, views = data.parts["train"], data.parts["validation"], recipe.feature_views
    model.eval()
    first = _shape_of_one(model, train, how)
    if first is None:
        logging.info("The trunk runs in every epoch: the head of %s does not run alone.", recipe.model)
        return None
    total = len(train) * views + len(validation)
    needed, free = total * first.numel() * first.element_size(), memory.available(how.device)
    if needed > MEMORY_SHARE * free:
        logging.info("The trunk runs in every epoch: its features take %.1f GB, of %.1f GB free.", needed / 1e9, free / 1e9)
        return None
    found = {
        "train": torch.empty((views, len(train), *first.shape), dtype=first.dtype, device=how.device),
        "validation": torch.empty((1, len(validation), *first.shape), dtype=first.dtype, device=how.device),
    }
    done = 0
    for place, rows, x in _inputs(found, data, recipe):
        with how.autocast():
            place[rows.to(how.device)] = model.features(x)[0]
        done += len(rows)
        if report:
            report(done, total)
    return found


def _inputs(found: dict[str, Tensor], data: Feeds, recipe: Recipe) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(where to, which of its rows, images) of all that the trunk has to see."""
    for epoch, view in enumerate(found["train"], start=1):
        if data.augmentation == Augmentation():
            yield from _in_order(view, data.parts["train"])
        else:
            yield from _drawn(view, data.parts["train"], data.augmentation, recipe.seed, epoch)
    yield from _in_order(found["validation"][0], data.parts["validation"])


def _in_order(place: Tensor, feed: Feed) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    start = 0
    for x, _ in feed.in_order():
        yield place, torch.arange(start, start + len(x)), x
        start += len(x)


def _drawn(place: Tensor, feed: Feed, augmentation: Augmentation, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """As `epoch` draws them; then the image, if any, that its last batch leaves out and that another epoch's order may want."""
    order = batches.order_of(len(feed), seed, epoch)
    left_out = order[feed.steps() * feed.batch_size :]
    start = 0
    for part in (feed, replace(feed, rows=feed.rows[left_out.numpy()])):
        for x, _ in part.shuffled(augmentation, seed, epoch) if len(part) else ():
            yield place, order[start : start + len(x)], x
            start += len(x)


def _replayed(feed: Feed, views: int) -> ReplayedFeed:
    return ReplayedFeed(**{field.name: getattr(feed, field.name) for field in fields(Feed)}, views=views)


def _labels(feed: Feed) -> Tensor:
    return torch.from_numpy(feed.labels[feed.rows]).to(feed.device)


def _shape_of_one(model: Classifier, feed: Feed, how: Execution) -> Tensor | None:
    """One image's features; None where the head does not give from them what the whole network gives.

    So it is with networks of timm that do more between trunk and classifier than their layers say.
    """
    x, _ = next(replace(feed, rows=feed.rows[:2]).in_order())
    with how.autocast():
        features, expected = model.features(x)
        try:
            found = model.head_alone()(features)
        except RuntimeError:  # shapes that do not fit
            return None
    return features[0] if found.shape == expected.shape and torch.allclose(found, expected, rtol=1e-2, atol=1e-3) else None


def _path(model: Classifier, recipe: Recipe, how: Execution) -> Path:
    """Where features lie or will lie: the name is a hash of all that decides them."""
    decides = {"data", "subset", "copies", "split", "image", "augmentation", "model", "batch_size", "seed"}
    settings = recipe.model_dump(mode="json", include=decides)
    content = hashlib.sha256(json.dumps([VERSION, recipe.feature_views, settings], sort_keys=True).encode())
    content.update(f"{how.device.type} {how.bf16} {how.channels_last} {torch.__version__}".encode())
    head = tuple(f"network.{path}." for path in model.head)
    for name, value in model.state_dict().items():
        if not name.startswith(head):
            content.update(name.encode())
            content.update(value.cpu().contiguous().flatten().view(torch.uint8).numpy())
    return artifacts_dir() / "cache" / f"{content.hexdigest()[:20]}-features.safetensors"


def _store(found: dict[str, Tensor], path: Path) -> None:
    """Keep them for a run that goes on, or has another head; not where they would take more than half of the disk's free room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if sum(value.nbytes for value in found.values()) < shutil.disk_usage(path.parent).free / 2:
        with replacing(path) as temporary:
            save_file(found, temporary)
