"""A recipe meets a data set: everything that can be wrong between the two is found here, before anything is trained."""

from __future__ import annotations

from typing import Any

from core.data import splits
from core.data.manifest import Manifest
from core.recipes import catalogue
from core.recipes.recipe import DataSpec, Recipe, compose, refuse_misfits

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

    Raises:
        UnusableData: the data cannot be split so.
        InvalidSpec: the recipe does not fit the data.
    """
    parts = splits.split(manifest, **recipe.split.model_dump())
    refuse_misfits(recipe, training_images=len(parts.rows("train")))
    return recipe.model_copy(update={"data": DataSpec.of(manifest)}), parts
