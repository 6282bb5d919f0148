"""Options of the command line → fields of a recipe."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.errors import InvalidSpec
from core.recipes import written

Data = Annotated[str | None, typer.Option(help="A registered data set or a folder.")]
Epochs = Annotated[int | None, typer.Option()]
ImageSize = Annotated[int | None, typer.Option(help="Pixels.")]
BatchSize = Annotated[int | None, typer.Option()]
Rate = Annotated[float | None, typer.Option(help="Learning rate, at its highest.")]
Seed = Annotated[int | None, typer.Option(help="Of the split, the first weights and every draw.")]
Fold = Annotated[str | None, typer.Option(metavar="I/K", help="Hold out fold I of K, counted from 1.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 …; a GPU where there is one by default.")]
Reference = Annotated[bool, typer.Option("--reference", help="fp32 and deterministic: equal repeats on the CPU.")]
Weights = Annotated[str | None, typer.Option(metavar="random|imagenet|FILE|run:RUN", help="Where the first weights come from.")]
More = Annotated[str | None, typer.Option("--more", metavar="RUN", help="Train a run that is done until it has --epochs epochs.")]
Fields = Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the recipe: head.hidden=256.")]


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
    return written.assignments(fields or []) | {name: value for name, value in given.items() if value is not None}


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


def axes(texts: list[str]) -> dict[str, tuple[Any, ...]]:
    """["optimiser.lr=0.1,0.01"] → {"optimiser.lr": (0.1, 0.01)}. Values are JSON, or else texts.

    Raises:
        InvalidSpec: a text without a field's name or an equals sign, or a field that is given twice.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, equals, given = text.partition("=")
        if not name or not equals or not given or name in found:
            rule = "A field that varies is given once, as FIELD=VALUE,VALUE."
            raise InvalidSpec(rule, repr(text), "Write for example --grid optimiser.lr=0.001,0.01.")
        found[name] = written.values(given)
    return found


def slots(text: str) -> dict[str, int]:
    """ "cuda:0,cpu=2" → {"cuda:0": 1, "cpu": 2}."""
    found: dict[str, int] = {}
    for part in text.split(","):
        device, _, number = part.strip().partition("=")
        if not device or not (number or "1").isdecimal() or int(number or "1") < 1:
            raise InvalidSpec("Devices are given as NAME or NAME=JOBS, with commas between.", repr(part), "Write for example cuda:0,cpu=2.")
        found[device] = int(number or "1")
    return found
