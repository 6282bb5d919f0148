"""Verbs about recipes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.cli.output import Json, emit, table

app = typer.Typer(help="Under which settings.", no_args_is_help=True)


@app.command("list")
def list_recipes(json: Json = False) -> None:
    """The papers' recipes and ours, and those saved on this machine."""
    from core.recipes import catalogue

    found = [_described(entry.name) for entry in catalogue.entries()]
    found += [{"name": name, "title": "saved here", "paper": "", "table": "", "model": ""} for name in catalogue.saved()]
    emit(found, json, table([(item["name"], item["model"], item["title"]) for item in found], ("name", "model", "")))


@app.command("show")
def show(recipe: Annotated[str, typer.Argument(help="A recipe by its name, or a recipe.json.")], json: Json = False) -> None:
    """Every field of a recipe, and in what it differs from the one it was made from."""
    from core.recipes import catalogue, fitting

    made = fitting.draft(recipe=recipe)
    differences = catalogue.differences(made)
    content = {"recipe": made.model_dump(mode="json", exclude={"data"}), "differences": differences}
    lines = [f"  {field}: {original} → {now}" for field, original, now in differences]
    text = made.model_dump_json(indent=2, exclude={"data"})
    emit(content, json, "\n".join([text, *([f"Differs from {made.name}:", *lines] if lines else [])]))


@app.command("save")
def save(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    recipe: Annotated[str | None, typer.Option(help="The recipe to start from.")] = None,
    model: Annotated[str | None, typer.Option(help="Or a model, under the default recipe.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field to change; may be given often.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a saved recipe of this name.")] = False,
    json: Json = False,
) -> None:
    """Save a recipe under a name of your own."""
    from core.errors import UsageError
    from core.recipes import catalogue, fitting, written

    if (recipe is None) == (model is None):
        raise UsageError("A saved recipe starts from one of --recipe and --model.", "both or none", "Give one of them.")
    made = fitting.draft(recipe=recipe, model=model, **written.assignments(set_ or []))
    path = catalogue.save(made, name, overwrite=overwrite)
    emit({"name": name, "path": str(path), "differences": catalogue.differences(made)}, json, f"{name}: {path}")


def _described(name: str) -> dict[str, Any]:
    from core.recipes import catalogue

    entry = catalogue.get(name)
    fields = {field: getattr(entry, field) for field in ("name", "title", "paper", "table", "row", "model")}
    return fields | {"assumptions": list(entry.assumptions), "deviations": list(entry.deviations)}
