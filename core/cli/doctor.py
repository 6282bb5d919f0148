"""The verb that says what is wrong with this installation."""

from __future__ import annotations

from dataclasses import asdict

import typer

from core.cli.output import Json, emit, table


def doctor(json: Json = False) -> None:
    """Look at settings, versions, device, write access, disk, runs, queue and login; say what is wrong (exit status 1) and the way out."""
    from core import doctor as examination

    found = examination.checks()
    lines = table([(check.name, check.state, check.found) for check in found], ("check", "state", "found"))
    ways_out = [f"{check.name}: {check.way_out}" for check in found if check.way_out]
    emit([asdict(check) for check in found], json, "\n".join([lines, *([""] if ways_out else []), *ways_out]))
    if any(check.state == "wrong" for check in found):
        raise typer.Exit(1)
