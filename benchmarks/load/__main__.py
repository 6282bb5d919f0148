"""`python -m benchmarks.load`: thirty people browse the app for half an hour while a job trains."""

from __future__ import annotations

import json as json_
import signal
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.load import measure, report
from core.errors import CoreError


def main(
    sessions: Annotated[int, typer.Option(min=1, help="People who browse at a time, each in a session of their own.")] = 30,
    minutes: Annotated[float, typer.Option(help="For which they browse.")] = 30.0,
    alone: Annotated[float, typer.Option(help="Minutes of training without visitors, before and again after.")] = 5.0,
    browsers: Annotated[int, typer.Option(help="Tabs of a real Chromium that join the others at the end.")] = 2,
    browsed: Annotated[
        float, typer.Option(help="Minutes with them; training is not compared in these, as they need cores themselves.")
    ] = 3.0,
    think: Annotated[str, typer.Option(metavar="FEWEST-MOST", help="Seconds that somebody looks at a page.")] = "10-30",
    recipe: Annotated[str, typer.Option(help="What trains meanwhile.")] = "alasfoor-2020",
    seed: Annotated[int, typer.Option(help="Of all walks through the app.")] = 0,
    json: Annotated[Path | None, typer.Option(help="The JSON file to write, all samples included.")] = None,
    write: Annotated[Path | None, typer.Option(help="A document that gets the figures between its marks: docs/load.md.")] = None,
) -> None:
    """Measure page changes, errors, memory and training with many visitors. Run it alone, on an idle machine."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the app, the supervisor and the trainer end with it
    fewest, _, most = think.partition("-")
    planned = measure.Plan(sessions, minutes, alone, browsers, browsed, (float(fewest), float(most or fewest)), recipe, seed)
    try:
        found = measure.run(planned, typer.echo)
        if json:
            json.write_text(json_.dumps(found, indent=1) + "\n", encoding="utf-8")
        typer.echo("\n" + report.text(found))
        if write:
            report.write(found, write)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
