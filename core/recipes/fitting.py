"""A recipe meets a data set: everything that can be wrong between the two is found here, before anything is trained."""

from __future__ import annotations

from typing import Any

from core.data import splits, subset
from core.data.manifest import Manifest
from core.data.square import Preparation
from core.recipes import catalogue
from core.recipes.labels import resolved
from core.recipes.recipe import Recipe, compose, refuse_misfits
from core.recipes.specs import DataSpec

NO_DATA = DataSpec(name="none", sha256="", classes=("a", "b"))
"""Stands in a recipe that was not yet given its data, so that options can be checked before the data is opened."""


def draft(*, recipe: str | None = None, model: str | None = None, **changes: Any) -> Recipe:
    """A recipe without its data, from a named recipe or a model; `changes` are dotted fields, None leaves a field as it is.

    Raises:
        UnknownName, InvalidSpec: with all problems at once.
    """
    return catalogue.make(NO_DATA, recipe, **changes) if recipe else compose(NO_DATA, model or "", **changes)


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
    recipe = recipe.model_copy(update={"data": DataSpec.of(part)})  # at least two classes: a set of one cannot be split
    refuse_misfits(recipe, training_images=len(parts.rows("train")))
    return recipe, parts


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
