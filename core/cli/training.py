"""Verbs that train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import warmup, wording
from core.cli import options
from core.cli.output import Json, Progress, emit, table
from core.errors import UsageError

if TYPE_CHECKING:
    from core.recipes.recipe import Recipe
    from core.runs.status import Status
    from core.runs.store import Run


def train(
    data: options.Data = None,
    recipe: Annotated[str | None, typer.Option(help="A named recipe or a recipe.json.")] = None,
    model: Annotated[str | None, typer.Option(help="A model by its name, under the default recipe.")] = None,
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
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a run that was interrupted or never started.")] = None,
    more: options.More = None,
    json: Json = False,
) -> None:
    """Train one run in the foreground, or go on with an interrupted one."""
    from core.runs import store

    changes = options.changes(epochs, image_size, batch_size, lr, seed, fold, reference, weights, set_)
    if resume is not None:
        if data or recipe or model or changes or more:
            raise UsageError("--resume goes on with a run as its recipe has it.", "further options", "Leave them out, or start a new run.")
        run = store.find(resume)
        _refuse_unresumable(run)
    else:
        wanted = further(more, epochs, data, recipe, model, changes) if more else recipe_from(data, recipe, model, changes)
        run = store.create(wanted, trained_here=True)
    status = _work(run, device)
    emit(_outcome(run, status), json, _summary(run, status))


def demo(json: Json = False) -> None:
    """Synthetic data → train → evaluate → Grad-CAM: offline, in under two minutes on two cores."""
    from core import demo as demonstration
    from core.runs import store

    run = store.create(demonstration.recipe(Progress().counted("drawing synthetic images")), trained_here=True)
    status = _work(run, device=None)
    if status.result is None:
        emit(_outcome(run, status), json, _summary(run, status))
        return
    picture, label = demonstration.draw_heat_map(run)
    text = f"{_summary(run, status)}\nGrad-CAM of a synthetic test image, answered “{label}”: {picture}"
    emit(_outcome(run, status) | {"picture": str(picture)}, json, text)


def models(json: Json = False) -> None:
    """What can be trained."""
    from core.models import registry

    found = [
        {
            "name": entry.name,
            "title": entry.title,
            "papers": list(entry.papers),
            "image_size": entry.image_size,
            "parameters": registry.parameters(entry.name, 3, entry.image_size),
        }
        for entry in map(registry.get, registry.names())
    ]
    rows = [(item["name"], item["title"], item["image_size"], f"{item['parameters']:,}") for item in found]
    emit(found, json, table(rows, ("name", "", "image size", "parameters (3 classes)")))


def recipe_from(data: str | None, recipe: str | None, model: str | None, changes: dict[str, Any]) -> Recipe:
    """The recipe that options ask for, fitted to the data."""
    from core.data import library
    from core.recipes import fitting

    if data is None or (recipe is None) == (model is None):
        received = f"--data {data}, --recipe {recipe}, --model {model}".replace("None", "missing")
        raise UsageError("Training needs --data and one of --recipe and --model.", received, "For example: --data phantom --model resnet18")
    draft = fitting.draft(recipe=recipe, model=model, **changes)
    manifest = library.open_dataset(data, warmup.beside(Progress().counted("reading images")), also=fitting.whole_set_as(draft))
    return fitting.fit(draft, manifest)[0]


def further(run: str, epochs: int | None, *others: Any) -> Recipe:
    """The recipe of a run that is done, for more epochs; `others` are what may not be given beside it."""
    from core.runs import continuation, store

    *rest, changes = others
    if epochs is None or any(rest) or changes != {"epochs": epochs}:
        raise UsageError("--more goes on as the run's recipe has it.", "no --epochs, or further options", "Give --epochs and nothing else.")
    return continuation.continued(store.find(run), epochs)


def _refuse_unresumable(run: Run) -> None:
    status = run.status()
    if status.state == "done":
        raise UsageError("Only a run that has not ended well can go on.", f"{run.id}, which is done", "Start a new run with more epochs.")
    if status.state == "running":
        raise UsageError("One trainer works on a run.", f"{run.id}, which is {status.state}", "Wait for it, or cancel it.")


def _work(run: Run, device: str | None) -> Status:
    from core.training import worker

    return worker.run(run, device, Progress().status)


def _outcome(run: Run, status: Status) -> dict[str, Any]:
    parts = run.split()["split"].value_counts() if run.has_split() else {}
    return {
        "run_id": run.id,
        "status": status.state,
        "metrics": status.result,
        "best_epoch": status.best_epoch,
        "images": {part: int(count) for part, count in parts.items()},
        "split": run.split_kind() if run.has_split() else "",
        "folder": str(run.folder),
    }


def _summary(run: Run, status: Status) -> str:
    if status.result is None:
        return f"{run.id}: {status.state}. {status.message}"
    result = status.result
    accuracy = wording.percent_interval(result["accuracy"], result["accuracy_low"], result["accuracy_high"])
    return f"{run.id}: {status.state}; test accuracy {accuracy}, loss {result['loss']:.4f}, {wording.count(int(result['images']), 'image')}"
