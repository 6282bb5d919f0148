"""Named recipes: one entry a row of a paper's results, independent of the data set, and the recipes that a person saved.

An entry lists what it assumes and where it deviates; `core.recipes.published` has the figures that it is to reproduce.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from core import access
from core.errors import InvalidSpec, UnknownName, UnusableData
from core.files import write_text
from core.recipes import alasfoor_2020, bansal_2020, benbakreti_2022, cxrlab_best, darkcovidnet_2020, lacruz_2020, zhong_2020
from core.recipes.entry import Entry, Paper
from core.recipes.labels import resolved
from core.recipes.recipe import Recipe, compose
from core.recipes.specs import DataSpec
from core.settings import artifacts_dir

_MODULES = (benbakreti_2022, lacruz_2020, bansal_2020, alasfoor_2020, zhong_2020, darkcovidnet_2020)
_ENTRIES = (
    Entry(
        name="demo",
        title="Two-minute demonstration",
        model="resnet18",
        changes={"image.size": 128, "epochs": 8},
    ),
    cxrlab_best.ENTRY,
    *(entry for module in _MODULES for entry in module.ENTRIES),
)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_APART = {
    *("name", "data", "seed", "reference", "precision", "subset.seed", "continues", "continues_after"),
    *("split.folds", "split.fold", "split.seed", "weights.sha256"),
}
"""What may differ between two runs of one recipe: the data, chance, the fold, and how exactly a device calculates."""


def entries() -> tuple[Entry, ...]:
    """The catalogue's own entries, those of a paper together and in the order of its tables."""
    return _ENTRIES


def papers() -> tuple[Paper, ...]:
    """The five papers, then the further reference."""
    return tuple(module.PAPER for module in _MODULES)


def saved() -> tuple[str, ...]:
    """Names of the saved recipes, in alphabetical order."""
    return tuple(sorted(file.stem for file in _home().glob("*.json") if _NAME.fullmatch(file.stem)))


def get(name: str) -> Entry:
    """The entry called `name`; a saved recipe becomes an entry without a paper.

    Raises:
        UnknownName: neither, with the nearest names of both.
        InvalidSpec, UnusableData: a saved recipe that cannot be read.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name not in saved():
        raise UnknownName.among("recipe", name, (*_BY_NAME, *saved()))
    stored = _from_file(_home() / f"{name}.json")
    return Entry(name=name, title=f"Saved recipe {name}", model=stored.model, changes=_content(stored))


def make(data: DataSpec, recipe: str, model: str | None = None, **changes: Any) -> Recipe:
    """The named or saved recipe, or the one in a JSON file, on `data`, with `changes` (dotted fields; None leaves a field as it is).

    `model` takes the place of the recipe's network; all other settings stay, the image size among them where the recipe has its own.
    `Recipe.name` becomes the catalogue's entry; a saved recipe or a file keeps the name of the entry that it was once made from.

    Raises:
        UnknownName: neither a name nor a file.
        UnusableData: the file cannot be read.
        InvalidSpec: all that is wrong with it.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    if recipe.endswith(".json"):
        stored = _from_file(Path(recipe))
        return compose(data, model or stored.model, **{**_content(stored), **changes})
    entry = get(recipe)
    start = {"name": entry.name, **entry.changes} if recipe in _BY_NAME else entry.changes
    return compose(data, model or entry.model, **{**start, **changes})


def save(recipe: Recipe, name: str, overwrite: bool = False) -> Path:
    """Keep `recipe` under `name` for later runs on any data.

    Raises:
        InvalidSpec: a name that cannot be used, is the catalogue's own, or is taken.
        NotAllowed: whoever acts may not train.
    """
    access.require("train")
    rule, way_out = "", "Choose another name."
    if not _NAME.fullmatch(name) or name.endswith(".json"):
        rule = "A recipe's name has 1 to 64 small letters, digits, dots, hyphens and underscores, begins with a letter or digit, no .json."
    elif name in _BY_NAME:
        rule = "The catalogue's own recipes stay as they are."
    elif name in saved() and not overwrite:
        rule, way_out = "A saved recipe is not overwritten unasked.", "Choose another name, or overwrite it."
    if rule:
        raise InvalidSpec(rule, repr(name), way_out)
    path = _home() / f"{name}.json"
    write_text(path, recipe.to_json())
    return path


def differences(recipe: Recipe) -> list[tuple[str, Any, Any]]:
    """(dotted field, the entry's value, the recipe's) wherever `recipe` differs from the entry in its name.

    Data, seeds, folds, reference mode, precision and a run continued are left out. Classes are compared by meaning. Empty without such
    an entry.
    """
    if recipe.name not in _BY_NAME:
        return []
    entry = _BY_NAME[recipe.name]
    original = compose(recipe.data, entry.model, name=entry.name, **entry.changes)
    values = dict(_as_on_the_data(recipe).leaves())
    return [
        (field, value, values[field])
        for field, value in _as_on_the_data(original).leaves()
        if field not in _APART and field.partition(".")[0] not in _APART and value != values[field]
    ]


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    """`recipe` on its data with `changes` (dotted fields).

    Raises:
        InvalidSpec: all that is wrong with it then.
    """
    return compose(recipe.data, recipe.model, **{**_content(recipe), **changes})


def changes_between(before: Recipe, after: Recipe) -> list[tuple[str, Any, Any]]:
    """(dotted field, its value before, its value after) wherever two recipes differ; their data are left out."""
    values = dict(after.leaves())
    return [
        (field, value, values[field]) for field, value in before.leaves() if field.partition(".")[0] != "data" and value != values[field]
    ]


def _as_on_the_data(recipe: Recipe) -> Recipe:
    """With classes named as in the recipe's data, where they can be: a draft has none, and a person may have chosen others."""
    try:
        return resolved(recipe, recipe.data.classes)
    except InvalidSpec:
        return recipe


def _home() -> Path:
    return artifacts_dir() / "recipes"


def _content(stored: Recipe) -> dict[str, Any]:
    return stored.model_dump(mode="json", exclude={"data", "model"})


def _from_file(path: Path) -> Recipe:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableData("A recipe is a name or a JSON file.", f"{path} ({error.strerror})", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise UnusableData("A recipe's file is text in UTF-8.", f"{path} ({error})", "Check the path.") from error
    return Recipe.from_json(text)
