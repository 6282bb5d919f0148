"""Verbs of experiments: what was submitted under one name, as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import warmup, wording
from core.cli.output import Json, Progress, emit, table
from core.errors import UsageError

if TYPE_CHECKING:
    from core.evaluation.experiments import Experiment, Variation
    from core.jobs.sweeps import Plan
    from core.runs.store import Run

app = typer.Typer(help="Runs that were submitted under one name.", no_args_is_help=True)

_SHOWN = ("accuracy", "balanced_accuracy", "roc_auc", "loss")


@app.command("list")
def list_experiments(json: Json = False) -> None:
    """All experiments, the newest first, with their jobs by state."""
    from core.evaluation import experiments
    from core.runs import index

    found = experiments.summaries(index.rows())
    rows = [(one.name, ", ".join(one.data), one.variations, one.states_text) for one in found]
    text = (
        table(rows, ("experiment", "data", "variations", "runs")) if rows else "No experiment yet. Start with: python -m core submit --name"
    )
    emit([one.to_json() for one in found], json, text)


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="The experiment's name.")], json: Json = False) -> None:
    """One experiment: its jobs by state, and mean, standard deviation and interval of each of its variations."""
    from core.evaluation import experiments
    from core.runs import index

    found = experiments.open_experiment(name, index.rows())
    emit(found.to_json(), json, _text(found))


def planned(data: str | None, settings: dict[str, Any]) -> Plan:
    """The runs that options ask for, fitted to the data."""
    from core.data import library
    from core.jobs import sweeps
    from core.recipes import fitting

    if data is None or not (settings["recipes"] or settings["models"]):
        received = f"--data {data}, --recipe {settings['recipes'] or None}, --model {settings['models'] or None}".replace("None", "missing")
        rule = "Training needs --data, and --recipe or --model at least once."
        raise UsageError(rule, received, "For example: --data phantom --model resnet18")
    sweep = sweeps.Sweep(**settings | {"name": settings["name"] or sweeps.default_name()})
    if sweep.count == 1:
        sweep = replace(sweep, name=settings["name"])
    preparations = {fitting.whole_set_as(draft) for draft in sweeps.drafts(sweep)}
    also = preparations.pop() if len(preparations) == 1 else None
    return sweeps.plan(sweep, library.open_dataset(data, warmup.beside(Progress().counted("reading images")), also=also))


def announce(plan: Plan, json: bool) -> None:
    """Count and estimate; kinds of runs that nothing is known of are timed, where nothing trains."""
    from core.jobs import forecast

    found = forecast.forecast(plan, measure=True, progress=Progress().counted("timing a few steps"))
    emit(_document(plan, found.seconds, []), json, found.sentence)


def report(plan: Plan, started: list[Run], json: bool) -> None:
    """What several runs that were queued come to."""
    from core.jobs import forecast

    found = forecast.forecast(plan)
    text = f"{plan.sweep.name}: {found.sentence} They wait. See: python -m core experiments show {plan.sweep.name!r}"
    emit(_document(plan, found.seconds, started), json, text)


def cancel(name: str, json: bool) -> None:
    """Cancel all that waits or is active of an experiment."""
    from core.jobs import sweeps

    found = sweeps.cancel(name)
    text = f"{name}: {wording.count(len(found), 'job')} cancelled, or asked to stop."
    emit({"experiment": name, "count": len(found), "runs": [run.id for run in found]}, json, text)


def _document(plan: Plan, seconds: float | None, started: list[Run]) -> dict[str, Any]:
    return {"experiment": plan.sweep.name, "count": len(plan.runs), "seconds": seconds, "runs": [run.id for run in started]}


def _text(found: Experiment) -> str:
    lines = [f"{found.name}: {found.states_text}"]
    for variation in found.variations:
        lines += ["", f"{variation.title}: {variation.states_text}", *_figures(variation), variation.sentence]
    return "\n".join(lines)


def _figures(variation: Variation) -> list[str]:
    rows = [
        (wording.METRICS[name], variation.spread_text(name), variation.interval_text(name)) for name in _SHOWN if name in variation.spread
    ]
    return [table(rows, ("", "mean ± sd", "95 % interval"))] if rows else []
