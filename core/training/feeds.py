"""A recipe and a data set → the images of each part, ready to be fed. It knows nothing of models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.data import batches, cache, splits
from core.data.manifest import COPY, Manifest
from core.data.threads import Progress
from core.recipes import fitting
from core.recipes.recipe import Recipe, refuse_misfits

SMALLEST_PART = 2  # images of a batch that batch normalisation can use


@dataclass(frozen=True)
class Feeds:
    """`parts`: a feed a part. `table`: a row an image with sample_id, sha256, patient_id, label, split. `augmentation`: of training."""

    parts: dict[splits.Part, batches.Feed]
    table: pd.DataFrame
    split: splits.Split
    augmentation: batches.Augmentation


def open_feeds(
    recipe: Recipe, manifest: Manifest, device: torch.device, progress: Progress | None = None, parts_before: np.ndarray | None = None
) -> Feeds:
    """Everything that `recipe` does to the images of `manifest` before and while they are fed.

    Args:
        parts_before: of a run that goes on, the part of every image as it was stored at its start: what is learnt of copies later must
            not move an image. str [rows]

    Raises:
        UnusableData, InvalidSpec: the recipe cannot be carried out on this data.
    """
    manifest = fitting.trained_on(recipe, manifest)
    settings = recipe.split.model_dump()
    if parts_before is None:
        split = splits.split(manifest, **settings)
    else:
        split = splits.Split(parts_before, manifest.has_patients and settings["together"] != "nothing", settings["together"])
    pixels = cache.decoded(manifest, recipe.image.preparation, progress)
    labels = manifest.table["label"].map(class_index(recipe)).to_numpy(dtype=np.int64)
    augmentation = augmentation_of(recipe)
    if recipe.copies.before_split:
        copies = np.flatnonzero(manifest.table["sha256"].str.contains(COPY, regex=False))
        pixels = batches.with_fixed_copies(pixels, copies, augmentation, recipe.seed)
        augmentation = batches.Augmentation()  # the copies are all the change there is
    rows = {part: split.rows(part) for part in splits.PARTS}
    rows["train"] = fitting.training_rows(recipe, manifest, split)
    refuse_misfits(recipe, training_images=len(rows["train"]))
    resident = batches.resident_on(device, pixels, torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else None
    smallest = SMALLEST_PART * recipe.execution.processes
    parts = {part: batches.Feed(pixels, labels, rows[part], recipe.batch_size, device, resident, smallest) for part in splits.PARTS}
    number = manifest.table["sha256"].str.partition(COPY)
    table = manifest.table.assign(sample_id=manifest.table["path"] + number[1] + number[2], split=split.part)
    return Feeds(parts, table[["sample_id", "sha256", "patient_id", "label", "split"]], split, augmentation)


def augmentation_of(recipe: Recipe) -> batches.Augmentation:
    """The recipe's augmentation, labels as class indices."""
    settings = recipe.augmentation.model_dump()
    index = class_index(recipe)
    return batches.Augmentation(**settings | {"only": tuple(index[label] for label in recipe.augmentation.only)})


def class_index(recipe: Recipe) -> dict[str, int]:
    return {name: index for index, name in enumerate(recipe.data.classes)}
