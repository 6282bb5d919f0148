"""The verb that looks a data set over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import wording
from core.cli.output import Json, Progress, emit, table

if TYPE_CHECKING:
    from core.evaluation.metrics import Evaluation


def audit(
    data: Annotated[str, typer.Argument(help="A registered name or a folder.", metavar="DATA")],
    probes: Annotated[bool, typer.Option("--probes", help="Train the shortcut probes as well.")] = False,
    run: Annotated[str | None, typer.Option(help="Look at the split of this run, too; the data is the run's.")] = None,
    json: Json = False,
) -> None:
    """Look a data set over: duplicates, patients and sources that betray the label, files that differ by class."""
    from core.data import audit as auditing
    from core.data import library
    from core.evaluation import probes as probing
    from core.evaluation.metrics import evaluate_predictions
    from core.runs import store

    progress = Progress()
    manifest = library.open_dataset(data, progress.counted("reading images"))
    parts = probing.parts_of(store.find(run), manifest) if run else None
    found = auditing.audit(manifest, library.describe(manifest.name).dropped, progress.counted("looking at images"), parts=parts)
    content: dict[str, Any] = found.to_json()
    lines = [found.text]
    if probes:
        answers = probing.for_data(manifest, progress=progress.counted("reading images for the probes"))
        figures = {name: evaluate_predictions(one.table, one.classes) for name, one in answers.items()}
        content["probes"] = [_content(name, one) for name, one in figures.items()]
        lines.append(_text(figures))
    emit(content, json, "\n\n".join(lines))


def _content(name: str, figures: Evaluation) -> dict[str, Any]:
    from core.evaluation.probes import PROBES

    return {
        "probe": name,
        "sees": PROBES[name].sees,
        "images": figures.images,
        "accuracy": figures.metrics["accuracy"].to_json(),
        "roc_auc": {label: figures.per_class[label]["roc_auc"].to_json() for label in figures.classes},
    }


def _text(figures: dict[str, Evaluation]) -> str:
    rows = [
        (
            name,
            wording.estimate("accuracy", **vars(one.metrics["accuracy"])),
            *(wording.estimate("roc_auc", **vars(one.per_class[label]["roc_auc"])) for label in one.classes),
        )
        for name, one in figures.items()
    ]
    classes = next(iter(figures.values())).classes
    return table(rows, ("probe", "accuracy", *(f"AUC {label}" for label in classes)))
