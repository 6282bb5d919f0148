"""The recorded benchmark: what it came to, what it would run, and how its records are made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import warmup, wording
from core.cli import options
from core.cli.output import Json, Progress, emit, table
from core.errors import InvalidSpec, TrainingFailed

if TYPE_CHECKING:
    from core.benchmark.protocol import Choice, Task
    from core.runs.store import Run

app = typer.Typer(help="The recorded benchmark: what it came to, and its runs.", invoke_without_command=True)

_POLL = 2.0  # seconds


@app.callback()
def benchmark(
    context: typer.Context,
    data: options.Data = None,
    rows: Annotated[str | None, typer.Option(metavar="R1,R2,…", help="Names of recipes; all rows by default.")] = None,
    protocols: Annotated[str | None, typer.Option(metavar="published,honest", help="Both by default.")] = None,
    folds: Annotated[str | None, typer.Option(metavar="1-5|1,3", help="All five by default.")] = None,
    seeds: Annotated[str, typer.Option(metavar="0-2|0,3", help="Of the split, the first weights and every draw.")] = "0",
    device: options.Device = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List and estimate, and queue nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what is done or recorded already.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until all of it has ended.")] = False,
    json: Json = False,
) -> None:
    """Without --data: the recorded table. With --data: the runs that are still missing are listed, estimated and queued."""
    if context.invoked_subcommand is not None:
        return
    chosen = _choice(rows, protocols, folds, seeds)
    if data is None:
        _recorded(chosen, json)
    else:
        _run(data, chosen, device or "", json, dry_run=dry_run, again=again, wait=wait)


def _choice(rows: str | None, protocols: str | None, folds: str | None, seeds: str) -> Choice:
    from core.benchmark.protocol import Choice
    from core.recipes import written

    names = [tuple(part.strip() for part in (text or "").split(",") if part.strip()) for text in (rows, protocols)]
    try:
        numbers = tuple(number - 1 for number in written.seeds(folds)) if folds else ()
    except InvalidSpec as error:
        raise InvalidSpec("Folds are whole numbers from 1 on.", repr(folds), "Write them as 1-5 or 1,3.") from error
    return Choice(*names, numbers, written.seeds(seeds))


def _run(data: str, choice: Choice, device: str, json: bool, *, dry_run: bool, again: bool, wait: bool) -> None:
    from core.benchmark import protocol
    from core.data import library
    from core.jobs import forecast
    from core.runs import index

    manifest = library.open_dataset(data, warmup.beside(Progress().counted("reading images")))
    tasks = protocol.tasks(manifest, choice, index.rows(), again)
    still_open = [task for task in tasks if task.open]
    timing = {"measure": True, "progress": Progress().counted("timing a few steps")} if dry_run else {}
    found = forecast.forecast(protocol.plan(still_open, choice, device), **timing) if still_open else None
    said = f"Still to run: {found.sentence}" if found else "Nothing is missing."
    Progress().say(said, final=True)
    if not dry_run:
        queued = protocol.submit(still_open, device)
        if wait:
            _see_through([*queued, *protocol.under_way(tasks)])
        tasks = protocol.tasks(manifest, choice, index.rows())
    emit([_task(task) for task in tasks], json, f"{_plan_text(tasks)}\n{said}")


def _see_through(runs: list[Run]) -> None:
    """Wait for `runs`; a supervisor that died is replaced.

    Raises:
        TrainingFailed: some did not end well.
    """
    from core.jobs import requests
    from core.runs.status import LIVE

    progress = Progress()
    while True:
        states = [run.status() for run in runs]
        live = [status for status in states if status.state in (*LIVE, "interrupted")]
        if not live:
            break
        requests.attend()
        now = next((status.message or status.phase for status in live if status.state == "running"), "waiting")
        progress.say(f"{len(states) - len(live):,} of {wording.count(len(states), 'run')} ended · {now}")
        time.sleep(_POLL)
    bad = [f"{run.id} {status.state}" for run, status in zip(runs, states, strict=True) if status.state != "done"]
    if bad:
        way_out = "See their logs; the same command goes on with them."
        raise TrainingFailed("Every run of the benchmark ends well.", wording.listed(bad), way_out)


def _task(task: Task) -> dict[str, Any]:
    recipe = task.recipe
    return {
        "protocol": task.protocol.name,
        "recipe": recipe.name,
        "model": recipe.model,
        "seed": recipe.seed,
        "fold": recipe.split.fold + 1,
        "state": task.state,
        "run_id": task.row.run_id if task.row else None,
        "accuracy": task.row.accuracy if task.row else None,
    }


def _plan_text(tasks: list[Task]) -> str:
    """A line a row and protocol: how many of its runs are in which state."""
    states: dict[tuple[str, str], dict[str, int]] = {}
    for task in tasks:
        counts = states.setdefault((task.recipe.name, task.protocol.name), {})
        counts[task.state] = counts.get(task.state, 0) + 1
    lines = [(*key, ", ".join(f"{count} {state}" for state, count in counts.items())) for key, counts in states.items()]
    return table(lines, ("recipe", "protocol", "runs"))


def _recorded(choice: Choice, json: bool) -> None:
    """The table that came with the project, of the chosen rows."""
    from core.benchmark import reading
    from core.benchmark import table as tables

    found = tables.stored()
    if found is None:
        emit([], json, "Nothing is recorded. Run: python -m core benchmark --data DATA --wait; then: python -m core benchmark record")
        return
    names = {entry.name for entry in choice.entries}
    lines = [line.model_dump(mode="json") for line in found.lines if line.recipe in names]
    rows = [tuple(row.values()) for row in found.rows() if row["Recipe"] in names]
    missing = [f"Not run: {one.recipe}, {one.protocol}, {one.which}" for one in found.missing if one.recipe in names]
    text = [found.title, table(rows, list(found.rows()[0])), *found.notes(), *reading.read(found), *missing]
    emit(lines, json, "\n".join(text))


@app.command("record")
def record(
    out: Annotated[Path | None, typer.Option(help="Folder of the records; beside the code by default.")] = None, json: Json = False
) -> None:
    """Make records of the runs that are done, to be committed with the project; those that are there stay."""
    from core.benchmark import recorded
    from core.runs import index
    from core.settings import recorded_dir

    outcome = recorded.record(index.rows(), out or recorded_dir(), Progress().counted("runs"))
    emit(vars(outcome), json, outcome.sentence)


@app.command("repeats")
def repeats(json: Json = False) -> None:
    """Hold runs that were trained anew (--again) against their records."""
    from core.benchmark import again
    from core.runs import index

    found = again.repeats(index.rows())
    rows = [tuple(one.row().values()) for one in found]
    nothing = "No record was trained anew here. Run: python -m core benchmark --data DATA --rows ROW --again --wait"
    emit([vars(one) | {"verdict": one.verdict} for one in found], json, table(rows, list(found[0].row())) if found else nothing)


@app.command("table")
def write_table(
    write: Annotated[bool, typer.Option("--write", help="Into the records and docs/benchmark.md.")] = False, json: Json = False
) -> None:
    """Count the table from the records again, and print its Markdown."""
    from core.benchmark import counting, document, recorded
    from core.benchmark import table as tables
    from core.settings import recorded_dir

    found = counting.count(recorded.rows())
    if write:
        tables.store(found, recorded_dir())
        document.write(found)
    emit(found.model_dump(mode="json"), json, document.markdown(found))
