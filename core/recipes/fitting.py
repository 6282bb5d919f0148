"""A recipe meets a data set: everything that can be wrong between the two is found here, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data import splits, subset
from core.data.manifest import Manifest
from core.data.square import Preparation
from core.errors import CoreError
from core.recipes import catalogue
from core.recipes.labels import resolved
from core.recipes.recipe import Recipe, compose, refuse_misfits
from core.recipes.specs import DataSpec

NO_DATA = DataSpec(name="none", sha256="", classes=("a", "b"))
"""Stands in a recipe that was not yet given its data, so that options can be checked before the data is opened."""


def draft(*, recipe: str | None = None, model: str | None = None, **changes: Any) -> Recipe:
    """A recipe without its data, from a named recipe (with another network, where `model` is given too) or a model.

    `changes` are dotted fields, None leaves a field as it is.

    Raises:
        UnknownName, InvalidSpec: with all problems at once.
    """
    return catalogue.make(NO_DATA, recipe, model, **changes) if recipe else compose(NO_DATA, model or "", **changes)


def fit(recipe: Recipe, manifest: Manifest) -> tuple[Recipe, splits.Split]:
    """`recipe` on `manifest`, with the split that it will be trained on.

    Classes are called as the data set calls them, and the recipe's data is the part of the set that it takes. The split is of the
    rows of `trained_on`, which are the taken part's unless copies are made before the split.

    Raises:
        UnusableData: the data cannot be split so.
        InvalidSpec: the recipe does not fit the data: all classes that are not there, or all else that is wrong.
    """
    recipe = resolved(recipe, manifest.classes)
    part = taken(recipe, manifest)
    parts = splits.split(_expanded(recipe, part), **recipe.split.model_dump())
    return _completed(recipe, part, parts), parts


@dataclass(frozen=True)
class Fitted:
    """A recipe on a data set. `training_images`: that an epoch feeds, copies counted as often as they are drawn."""

    recipe: Recipe
    training_images: int


def fit_each(drafts: Iterable[Recipe], manifest: Manifest) -> list[Fitted | CoreError]:
    """`fit` for many drafts: one that does not fit leaves its error in its place, and a split that several share is drawn once."""
    drawn: dict[tuple[str, ...], tuple[Manifest, Manifest, splits.Split] | CoreError] = {}
    found: list[Fitted | CoreError] = []
    for draft in drafts:
        try:
            recipe = resolved(draft, manifest.classes)
            key = tuple(spec.model_dump_json() for spec in (recipe.subset, recipe.copies, recipe.split))
            if key not in drawn:
                drawn[key] = _divided(recipe, manifest)
            if isinstance(divided := drawn[key], CoreError):
                raise divided
            part, rows, parts = divided
            found.append(Fitted(_completed(recipe, part, parts), len(training_rows(recipe, rows, parts))))
        except CoreError as error:
            found.append(error)
    return found


def training_rows(recipe: Recipe, manifest: Manifest, split: splits.Split) -> np.ndarray:
    """Rows of the training part of `trained_on`, those of copied classes as often as the recipe says. int [rows]"""
    rows = split.rows("train")
    if recipe.copies.before_split or not recipe.copies.of:
        return rows
    times = manifest.table["label"].iloc[rows].map(lambda label: recipe.copies.of.get(label, 1))
    return np.repeat(rows, times.to_numpy(dtype=int))


def whole_set_as(draft: Recipe) -> Preparation | None:
    """How every image of a data set is prepared for `draft`, so that an import can do it in passing; None where it takes a part only."""
    part = draft.subset.labels or draft.subset.caps or draft.copies.before_split
    return None if part else draft.image.preparation


def taken(recipe: Recipe, manifest: Manifest) -> Manifest:
    """The part of `manifest` that a fitted recipe takes; its content is the recipe's data.

    Raises:
        InvalidSpec: the set lacks classes that the recipe names.
    """
    return subset.take(manifest, recipe.subset.labels, recipe.subset.caps, recipe.subset.seed)


def trained_on(recipe: Recipe, manifest: Manifest) -> Manifest:
    """The rows that a fitted recipe's split is of: the part of `manifest` that it takes, with copies made before the split, if any."""
    return _expanded(recipe, taken(recipe, manifest))


def _expanded(recipe: Recipe, part: Manifest) -> Manifest:
    return subset.expand(part, recipe.copies.of) if recipe.copies.before_split else part


def _divided(recipe: Recipe, manifest: Manifest) -> tuple[Manifest, Manifest, splits.Split] | CoreError:
    """The part that is taken, the rows that are split, and their split; or why they cannot be had."""
    try:
        part = taken(recipe, manifest)
        rows = _expanded(recipe, part)
        return part, rows, splits.split(rows, **recipe.split.model_dump())
    except CoreError as error:
        return error


def _completed(recipe: Recipe, part: Manifest, parts: splits.Split) -> Recipe:
    recipe = recipe.model_copy(update={"data": DataSpec.of(part)})  # at least two classes: a set of one cannot be split
    refuse_misfits(recipe, training_images=len(parts.rows("train")))
    return recipe
