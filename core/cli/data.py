"""Verbs about data sets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core import wording
from core.cli.output import Json, Progress, emit, table

app = typer.Typer(help="Data sets: what is there, and bringing one in.", no_args_is_help=True)


@app.command("list")
def list_datasets(json: Json = False) -> None:
    """List the data sets by name; each of them can be given as DATA."""
    from core.data import library

    found = library.available()
    rows = [(item.name, item.images, len(item.classes), wording.unknown(item.patients), item.root or item.layout) for item in found]
    emit([asdict(item) for item in found], json, table(rows, ("name", "images", "classes", "patients", "folder")))


@app.command("import")
def import_folder(
    source: Annotated[Path, typer.Argument(help="A folder of class folders, with metadata.csv where there is one.")],
    name: Annotated[str | None, typer.Option(help="What to call it; the folder's name by default.")] = None,
    json: Json = False,
) -> None:
    """Bring a data set in: every image is read once; what could not be read is counted and named. The images stay where they are."""
    from core.data import library

    report = library.import_folder(source, name, Progress().counted("reading images"))
    head = f"{report.name}: {wording.count(report.images, 'image')}, {wording.count(len(report.classes), 'class', 'classes')}"
    lines = [f"{head}, patients {wording.unknown(report.patients)}"]
    lines += [f"  {label}: {count:,}" for label, count in report.classes.items()]
    lines += [f"  left out: {path}: {reason}" for path, reason in report.dropped]
    lines += [f"  note: {note}" for note in report.notes]
    emit(asdict(report), json, "\n".join(lines))
