"""Named recipes: one entry a table row of a paper, independent of the data set. Each lists what it assumes and where it deviates."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import UnknownName, UnusableData
from core.recipes.recipe import DataSpec, Recipe, compose


@dataclass(frozen=True)
class Entry:
    """`changes` are the fields that differ from the default recipe, dotted: {"optimiser.lr": 0.01}."""

    name: str
    title: str
    model: str
    paper: str = ""
    table: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()


_ENTRIES = (
    Entry(
        name="demo",
        title="Two-minute demonstration",
        model="resnet18",
        changes={"image.size": 128, "epochs": 8},
    ),
    Entry(
        name="alasfoor-2020",
        title="22-layer CNN as in Al-Asfoor & Abed 2020",
        model="alasfoor-cnn22",
        paper="alasfoor-2020",
        table="Tables 1 and 2",
        changes={
            "image.normalisation": "train-mean-image",
            "augmentation": {"rotation": 0, "zoom": 0, "shift": 0, "brightness": 0, "contrast": 0},
            "optimiser": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0},
            "schedule": {"name": "step", "drop_every": 5, "drop_factor": 0.2},
            "epochs": 20,
            "batch_size": 64,
            "keep": "last",
        },
        assumptions=(
            "Convolutions are padded to keep their size.",
            "One input channel.",
            "“224×244” is read as 224×224.",
            "No weight decay.",
        ),
        deviations=("The images are not equalised (CLAHE).",),
    ),
)


def entries() -> tuple[Entry, ...]:
    return _ENTRIES


def get(name: str) -> Entry:
    """Raises UnknownName, with the nearest names."""
    for entry in _ENTRIES:
        if entry.name == name:
            return entry
    raise UnknownName.among("recipe", name, (entry.name for entry in _ENTRIES))


def make(data: DataSpec, recipe: str, **changes: Any) -> Recipe:
    """The named recipe, or the one in a JSON file, on `data`, with `changes` (dotted fields; None leaves a field as it is).

    Raises:
        UnknownName: neither a name nor a file.
        UnusableData: the file cannot be read.
        InvalidSpec: all that is wrong with it.
    """
    if recipe.endswith(".json"):
        stored = _from_file(Path(recipe))
        model, start = stored.model, stored.model_dump(mode="json", exclude={"data", "model"})
    else:
        entry = get(recipe)
        model, start = entry.model, entry.changes
    return compose(data, model, **{**start, **{name: value for name, value in changes.items() if value is not None}})


def _from_file(path: Path) -> Recipe:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableData("A recipe is a name or a JSON file.", f"{path} ({error.strerror})", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise UnusableData("A recipe's file is text in UTF-8.", f"{path} ({error})", "Check the path.") from error
    return Recipe.from_json(text)
