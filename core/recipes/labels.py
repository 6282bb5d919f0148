"""Where a recipe names classes, and how those names become a data set's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.data import vocabulary
from core.errors import InvalidSpec, Problem
from core.recipes.recipe import Recipe

Names = dict[str, str]


def resolved(recipe: Recipe, labels: Sequence[str]) -> Recipe:
    """`recipe` with every class that it names by the one of a data set's `labels` that it means.

    Raises:
        InvalidSpec: all names that the set does not have, has twice, or that the subset leaves out.
    """
    problems: list[Problem] = []

    def meant(names: Iterable[str], among: Sequence[str]) -> Names:
        names = list(names)
        try:
            return vocabulary.resolve(names, among)
        except InvalidSpec as error:
            problems.extend(error.problems)
            return {name: name for name in names}

    weights = recipe.loss.class_weights
    taken = meant(recipe.subset.labels, labels)
    among = labels if problems else sorted(taken.values()) or labels
    used = [
        meant(names, among)
        for names in (recipe.subset.caps, recipe.copies.of, recipe.augmentation.only, weights if isinstance(weights, dict) else ())
    ]
    if problems:
        raise InvalidSpec.of(dict.fromkeys(problems))
    found = {name: label for names in (taken, *used) for name, label in names.items()}
    return renamed(recipe, lambda name: found.get(name, name))


def renamed(recipe: Recipe, name: Callable[[str], str]) -> Recipe:
    """`recipe` with `name` applied to every class that it names."""

    def keys(values: dict[str, Any]) -> dict[str, Any]:
        return {name(label): value for label, value in values.items()}

    subset, copies, augmentation, loss = recipe.subset, recipe.copies, recipe.augmentation, recipe.loss
    weights = loss.class_weights
    return recipe.model_copy(
        update={
            "subset": subset.model_copy(update={"labels": tuple(map(name, subset.labels)), "caps": keys(subset.caps)}),
            "copies": copies.model_copy(update={"of": keys(copies.of)}),
            "augmentation": augmentation.model_copy(update={"only": tuple(map(name, augmentation.only))}),
            "loss": loss.model_copy(update={"class_weights": keys(weights) if isinstance(weights, dict) else weights}),
        }
    )
