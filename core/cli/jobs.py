"""Verbs of the queue: what waits, who trains it, and how each is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import wording
from core.cli import experiments, options, training
from core.cli.output import Json, emit, table
from core.errors import UsageError
from core.recipes import written

if TYPE_CHECKING:
    from core.runs.store import Run

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="A run's id, or a prefix that no other has.")]
Supervised = Annotated[bool, typer.Option("--supervised/--unsupervised", help="Start a supervisor where none lives.")]


def submit(
    data: options.Data = None,
    recipe: Annotated[list[str] | None, typer.Option(help="A named recipe or a recipe.json; may be given often.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="A model by its name, under the default recipe; may be given often.")] = None,
    epochs: options.Epochs = None,
    image_size: options.ImageSize = None,
    batch_size: options.BatchSize = None,
    lr: options.Rate = None,
    seed: options.Seed = None,
    fold: options.Fold = None,
    device: options.Device = None,
    reference: options.Reference = False,
    weights: options.Weights = None,
    set_: options.Fields = None,
    seeds: Annotated[str | None, typer.Option(metavar="0-4|0,3,7", help="A run for each seed.")] = None,
    folds: Annotated[int, typer.Option(metavar="K", help="Cross validation: a run for each of K folds.")] = 0,
    grid: Annotated[list[str] | None, typer.Option(metavar="FIELD=V1,V2,…", help="A run for each value; may be given often.")] = None,
    name: Annotated[str, typer.Option(help="Of the experiment that the runs make.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the runs and estimate their time, and queue nothing.")] = False,
    priority: Annotated[int, typer.Option(help="Higher ones start first.")] = 0,
    more: options.More = None,
    supervised: Supervised = True,
    json: Json = False,
) -> None:
    """Queue a run, as `train` would train it, or a grid of runs as one experiment; return at once."""
    from core.jobs import sweeps

    changes = options.changes(epochs, image_size, batch_size, lr, seed, fold, reference, weights, set_)
    if more:
        _submit_more(more, epochs, (data, recipe, model, seeds, folds, grid, changes), device or "", priority, supervised, json)
        return
    wanted = {"recipes": tuple(recipe or ()), "models": tuple(model or ()), "changes": changes, "folds": folds, "name": name}
    wanted |= {
        "seeds": written.seeds(seeds) if seeds else (),
        "axes": options.axes(grid or []),
        "device": device or "",
        "priority": priority,
    }
    planned = experiments.planned(data, wanted)
    if dry_run:
        experiments.announce(planned, json)
        return
    started = sweeps.submit(planned, supervised=supervised)
    if len(started) == 1:
        emit(_row(started[0]), json, f"{started[0].id} waits. See: python -m core jobs")
    else:
        experiments.report(planned, started, json)


def _submit_more(run: str, epochs: int | None, others: tuple[Any, ...], device: str, priority: int, supervised: bool, json: bool) -> None:
    from core.jobs import requests

    started = requests.start(training.further(run, epochs, *others), device=device, priority=priority, supervised=supervised)
    emit(_row(started), json, f"{started.id} waits. See: python -m core jobs")


def jobs(json: Json = False) -> None:
    """What is active and what waits, in the order in which it will start."""
    from core.jobs import overview

    found = overview.lines()
    rows = [(line.run_id, line.state, line.model, line.data, line.device, line.progress, line.left_text) for line in found.lines]
    text = table(rows, ("job", "state", "model", "data", "device", "progress", "time left")) if rows else "Nothing waits."
    emit([line.to_json() for line in found.lines], json, f"{text}\n{found.sentence}")


def work(
    idle: Annotated[float | None, typer.Option(metavar="SECONDS", help="End after so long without work; never by default.")] = None,
    devices: Annotated[
        str | None,
        typer.Option(metavar="D[=N],…", help="As cuda:0,cpu=2: devices, and jobs at a time; all GPUs, else cpu=1. By Ray: cuda,cpu=2."),
    ] = None,
    launcher: Annotated[str, typer.Option(metavar="local|ray", help="Where trainers run.")] = "local",
    address: Annotated[str, typer.Option(help="Of a Ray cluster; this machine's own by default.")] = "auto",
) -> None:
    """Train what waits, until stopped. Trainers on this machine then go on; those on a cluster end, and their runs go on with the next."""
    import logging

    from core.jobs import launchers
    from core.jobs.supervisor import Supervisor

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    supervisor = Supervisor(launchers.named(launcher, options.slots(devices) if devices else None, address))
    supervisor.stop_on_signals()
    supervisor.work(idle)


def cancel(
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A run's id, or a prefix that no other has.")] = None,
    experiment: Annotated[str | None, typer.Option(metavar="NAME", help="All jobs of this experiment that wait or train.")] = None,
    json: Json = False,
) -> None:
    """End a job, or all of an experiment; the best weights so far are kept and tested."""
    if (job is None) == (experiment is None):
        raise UsageError("A job or an experiment is cancelled.", "both or neither", "Give JOB or --experiment NAME.")
    if job is not None:
        _asked(job, "cancel", json)
    else:
        experiments.cancel(experiment, json)


def pause(job: JobArgument, json: Json = False) -> None:
    """Stop a job so that it can go on exactly where it was."""
    _asked(job, "pause", json)


def resume(job: JobArgument, supervised: Supervised = True, json: Json = False) -> None:
    """Queue a job again that was paused, cancelled, interrupted or failed."""
    _asked(job, "go_on", json, supervised=supervised)


def move(
    job: JobArgument,
    to: Annotated[str | None, typer.Option(metavar="first|last|earlier|later", help="Among those of its priority.")] = None,
    priority: Annotated[int | None, typer.Option(help="Higher ones start first.")] = None,
    json: Json = False,
) -> None:
    """Change when a waiting job starts."""
    _asked(job, "move", json, to=to, priority=priority)


def delete(job: JobArgument, json: Json = False) -> None:
    """Put an ended run into the trash; `restore` takes it back."""
    from core.jobs import requests
    from core.runs import store, trash

    run = store.find(job)
    requests.delete(run)
    emit({"run_id": run.id, "status": "deleted"}, json, f"{run.id} is in the trash for {trash.RETENTION_DAYS} days.")


def restore(job: Annotated[str, typer.Argument(metavar="JOB", help="The id of a deleted run.")], json: Json = False) -> None:
    """Take a deleted run back."""
    from core.runs import trash

    run = trash.restore(job)
    emit(_row(run), json, f"{run.id} is back.")


def _asked(job: str, what: str, json: bool, **settings: Any) -> None:
    from core.jobs import requests
    from core.runs import store

    run = store.find(job)
    getattr(requests, what)(run, **settings)
    row = _row(run)
    emit(row, json, f"{run.id}: {row['status']}{', ' + row['asked'] if row['asked'] else ''}. {row['message']}".strip())


def _row(run: Run) -> dict[str, Any]:
    status = run.status()
    asked = "asked to stop" if run.cancel_requested() else "asked to pause" if run.pause_requested() else ""
    return {
        "run_id": run.id,
        "status": status.state,
        "asked": asked,
        "message": status.message,
        "submitted": wording.moment(status.created),
        "folder": str(run.folder),
    }
