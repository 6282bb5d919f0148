"""Verbs about public data sets: what is known of them, and fetching one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core import wording
from core.cli.output import Json, Progress, emit, table

app = typer.Typer(help="Public data sets: what is known of each, and fetching one.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A source's name, as `data sources list` has it.")]


@app.command("list")
def list_sources(json: Json = False) -> None:
    """List the public sets that can be fetched by name."""
    from core.data import sources

    rows = [(each.name, wording.unknown(each.images), each.licence or "not published", each.title) for each in sources.SOURCES]
    emit([_document(each) for each in sources.SOURCES], json, table(rows, ("name", "images", "licence", "title")))


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Everything that is known of one: licence, citation, size, how it comes, and what is wrong with it."""
    from core.data import sources

    spec = sources.source(name)
    lines = [spec.title, *(f"  {fact}: {value}" for fact, value in spec.facts().items())]
    emit(_document(spec), json, "\n".join([*lines, *(f"  caution: {caution}" for caution in spec.cautions)]))


@app.command()
def fetch(name: Name, json: Json = False) -> None:
    """Fetch one without importing it; what has come already is kept when it is stopped, and it goes on from there."""
    from core.data import sources

    spec, line = sources.source(name), Progress()
    path = sources.fetch(name, lambda done, total: line.say(spec.progress(done, total), final=done == total > 0))
    emit(
        {"name": name, "path": str(path)}, json, f"{spec.title}: {path}\nBring it in with: python -m core data import {path} --name {name}"
    )


def _document(spec: Any) -> dict[str, Any]:
    """A source as JSON; `None` and "" mean: not published."""
    plain = {field: value for field, value in vars(spec).items() if field not in ("way", "classes")}
    return plain | {"classes": dict(spec.classes), "how": spec.how}
