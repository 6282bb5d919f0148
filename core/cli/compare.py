"""The verb that compares runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import wording
from core.cli.output import Json, emit, table

if TYPE_CHECKING:
    from core.evaluation.metrics import Evaluation


def compare(
    runs: Annotated[list[str], typer.Argument(help="Ids of 2 to 10 runs, or prefixes that no other has.", metavar="RUN…")],
    json: Json = False,
) -> None:
    """Runs side by side: figures, differences in their recipes, and for each pair whether one is better on the same test images."""
    from core.evaluation import comparison, predicted
    from core.evaluation.metrics import evaluate_predictions
    from core.runs import index, store

    found = [store.find(run) for run in runs]
    answers = [predicted.of_run(run) for run in found]
    compared = comparison.compare(answers)
    differences = comparison.differing_fields({run.id: run.recipe() for run in found})
    listed = {row.run_id: row.to_json() for row in index.rows()}
    rows = [listed[answer.name] | _figures(evaluate_predictions(answer.table, answer.classes)) for answer in answers]
    content = {
        "runs": rows,
        "differences": [{"field": field, "values": values} for field, values in differences],
        "pairs": compared.to_json(),
        "caution": comparison.CAUTION,
    }
    emit(content, json, "\n\n".join([_runs_text(rows), _differences_text(differences), *compared.sentences, comparison.CAUTION]))


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    """What of an evaluation stands beside those of other runs."""
    content = evaluation.to_json()
    return {name: content[name] for name in ("images", "patients", "intervals", "metrics", "notes")}


def _runs_text(rows: list[dict[str, Any]]) -> str:
    shown = ("accuracy", "balanced_accuracy", "roc_auc")
    lines = [
        (row["run_id"], row["model"], row["data"], row["images"], *(_figure(name, row["metrics"][name]) for name in shown)) for row in rows
    ]
    return table(lines, ("run", "model", "data", "n", *(wording.METRICS[name] for name in shown)))


def _figure(name: str, estimate: dict[str, float | None]) -> str:
    from core.evaluation.intervals import Estimate

    return wording.estimate(name, *vars(Estimate.from_json(estimate)).values())


def _differences_text(differences: list[tuple[str, dict[str, Any]]]) -> str:
    if not differences:
        return "The recipes are the same."
    return table([(field, *values.values()) for field, values in differences], ("field", *differences[0][1]))
