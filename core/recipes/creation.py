"""The model that a recipe describes."""

from __future__ import annotations

from core.models import classifier
from core.models.classifier import Classifier
from core.recipes.recipe import Recipe


def untrained(recipe: Recipe) -> Classifier:
    """A fresh model with random weights from torch's global generator; frozen where the recipe says so, normalisation still neutral."""
    image = recipe.image
    model = classifier.create(recipe.model, len(recipe.data.classes), image.size, image.normalisation, recipe.head.head)
    if recipe.frozen:
        model.freeze()
    return model
