"""Verbs about data sets."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from core import wording
from core.cli import audit, sources
from core.cli.output import Json, Progress, emit, table

if TYPE_CHECKING:
    from core.data.threads import Progress as DataProgress

app = typer.Typer(help="Data sets: what is there, and bringing one in.", no_args_is_help=True)
app.add_typer(sources.app, name="sources")
app.command("audit")(audit.audit)


@app.command("list")
def list_datasets(json: Json = False) -> None:
    """List the data sets by name; each of them can be given as DATA."""
    from core.data import library

    found = library.available()
    rows = [(item.name, item.images, len(item.classes), wording.unknown(item.patients), item.root or item.layout) for item in found]
    emit([asdict(item) for item in found], json, table(rows, ("name", "images", "classes", "patients", "folder")))


@app.command("import")
def import_source(
    source: Annotated[str, typer.Argument(help="A folder, a CSV with paths and labels, a ZIP, a MedMNIST .npz, or a public set by name.")],
    name: Annotated[str | None, typer.Option(help="What to call it; the source's own name by default.")] = None,
    json: Json = False,
) -> None:
    """Bring a data set in: every image is read once; what was left out is counted and named. A stopped import goes on where it was.

    The images of a folder stay where they are; a packed set is unpacked into the artifacts.
    """
    from core.data import library

    report = library.import_source(source, name, _timed())
    head = f"{report.name}: {wording.count(report.images, 'image')}, {wording.count(len(report.classes), 'class', 'classes')}"
    lines = [f"{head}, patients {wording.unknown(report.patients)}"]
    lines += [f"  {label}: {count:,}" for label, count in report.classes.items()]
    lines += [f"  left out, {wording.count(count, 'file')}: {reason}" for reason, count in report.reasons.items()]
    lines += [f"  left out: {path}: {reason}" for path, reason in report.dropped]
    lines += [f"  {kind}: {', '.join(paths)}" for kind, paths in report.duplicates]
    lines += [f"  note: {note}" for note in report.notes]
    emit(asdict(report), json, "\n".join(lines))


def _timed() -> DataProgress:
    """Progress with the time left; the pace is measured anew when another step begins."""
    line, begun = Progress(), [0.0, 0.0, 0.0]  # seconds, done then, total then

    def say(done: int, total: int) -> None:
        now = time.monotonic()
        if total != begun[2] or done < begun[1]:
            begun[:] = now, done, total
        pace = (done - begun[1]) / (now - begun[0]) if done > begun[1] and now > begun[0] else 0
        left = f" · {wording.duration((total - done) / pace)} left" if pace and done < total else ""
        line.say(f"{done:,} of {total:,}{left}" if total else f"{done:,}", final=done == total)

    return say
