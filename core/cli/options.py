"""Options of the command line → fields of a recipe."""

from __future__ import annotations

import json
from typing import Any

from core.errors import InvalidSpec


def changes(
    epochs: int | None,
    image_size: int | None,
    batch_size: int | None,
    lr: float | None,
    seed: int | None,
    fold: str | None,
    reference: bool,
    weights: str | None,
    fields: list[str] | None,
) -> dict[str, Any]:
    """Dotted fields with their values; None for what was not given. An option goes before the same field given by `--set`."""
    number, folds = _fold(fold) if fold else (None, None)
    given = {
        "epochs": epochs,
        "image.size": image_size,
        "batch_size": batch_size,
        "optimiser.lr": lr,
        "seed": seed,
        "split.seed": seed,
        "split.fold": number,
        "split.folds": folds,
        "reference": reference or None,
        "weights": _weights(weights) if weights else None,
    }
    return assignments(fields or []) | {name: value for name, value in given.items() if value is not None}


def assignments(texts: list[str]) -> dict[str, Any]:
    """["head.hidden=256"] → {"head.hidden": 256}; a value that is no JSON is a text.

    Raises:
        InvalidSpec: a text without a field's name or an equals sign.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidSpec("A field is set as FIELD=VALUE.", repr(text), "Write for example --set optimiser.weight_decay=0.01.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _fold(text: str) -> tuple[int, int]:
    """ "2/5" → (1, 5): people count folds from 1, recipes from 0."""
    try:
        number, folds = (int(part) for part in text.split("/"))
    except ValueError:
        number, folds = 0, 0
    if not 1 <= number <= folds:
        raise InvalidSpec("A fold is given as I/K with I from 1 to K.", repr(text), "Write for example --fold 1/5.")
    return number - 1, folds


def _weights(text: str) -> dict[str, str]:
    """ "random", "imagenet", "run:ID" or a file's path, as the recipe's field has it."""
    if text in ("random", "imagenet"):
        return {"source": text}
    source, _, place = text.partition(":")
    return {"source": "run", "place": place} if source == "run" else {"source": "file", "place": text}
