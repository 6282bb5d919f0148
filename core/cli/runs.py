"""Verbs that look back at runs and use them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import wording
from core.cli.output import Json, Progress, emit, table
from core.errors import UnreadableImage

if TYPE_CHECKING:
    from core.evaluation.metrics import Evaluation
    from core.explain.heatmap import HeatMap
    from core.inference import Answer
    from core.report.answer import AnswerRecord
    from core.runs.index import Row

app = typer.Typer(help="Look back at runs.", no_args_is_help=True)

RunOption = Annotated[str, typer.Option("--run", help="A run's id, or a prefix that no other has.")]


@app.command("list")
def list_runs(json: Json = False) -> None:
    """All runs, newest first."""
    from core.runs import index

    found = index.rows()
    lines = [(row.run_id, row.state, row.model, row.data, f"{row.epoch}/{row.epochs}", _accuracy(row)) for row in found]
    header = ("run", "state", "model", "data", "epoch", "test accuracy")
    emit([row.to_json() for row in found], json, table(lines, header) if lines else "No run yet. Start with: python -m core demo")


@app.command("show")
def show(run: Annotated[str, typer.Argument(help="A run's id, or a prefix that no other has.")], json: Json = False) -> None:
    """One run: status, recipe, environment, history and, when it is done, its evaluation."""
    from core.evaluation.metrics import evaluate_predictions
    from core.runs import store

    found = store.find(run)
    recipe, status = found.recipe(), found.status()
    history = [row for row in found.metrics() if row["kind"] == "epoch"]
    evaluation = evaluate_predictions(found.predictions(), recipe.data.classes, "test") if found.has_predictions() else None
    content: dict[str, Any] = {
        "run_id": found.id,
        "folder": str(found.folder),
        "status": status.model_dump(mode="json"),
        "recipe": recipe.model_dump(mode="json"),
        "environment": found.environment(),
        "history": history,
        "evaluation": evaluation.to_json() if evaluation else None,
    }
    lines = [f"{found.id}: {status.state} {status.message}".strip(), f"{recipe.model} on {recipe.data.name}, recipe {recipe.id}"]
    lines += [_epoch_line(row) for row in history]
    emit(content, json, "\n".join(lines + (["", _evaluation_text(evaluation)] if evaluation else [])))


def evaluate(run: RunOption, data: Annotated[str, typer.Option(help="A registered data set or a folder.")], json: Json = False) -> None:
    """Evaluate a trained model on a data set with the same classes; images that it was trained on are left out."""
    from core import assessment
    from core.data import library
    from core.evaluation.metrics import evaluate_predictions
    from core.runs import store

    found, progress = store.find(run), Progress()
    manifest = library.open_dataset(data, progress.counted("reading images"))
    external = assessment.of_data(found, manifest, progress=progress.counted("predicting"))
    evaluation = evaluate_predictions(external.predictions, found.recipe().data.classes)
    content = (
        {"run_id": found.id, "data": manifest.name, "excluded_as_seen": external.seen}
        | {"excluded_classes": list(external.other_classes)}
        | evaluation.to_json()
    )
    seen = (
        f"\n{wording.count(external.seen, 'image')} left out: the run was trained or its epoch was chosen on them." if external.seen else ""
    )
    emit(content, json, _evaluation_text(evaluation) + seen)


def predict(
    run: RunOption,
    images: Annotated[list[Path], typer.Argument(help="Image files, and zip archives of them.", metavar="IMAGE…")],
    cam: Annotated[str | None, typer.Option(metavar="METHOD", help="Draw a heat map of the answer: gradcam, hirescam, layercam …")] = None,
    layer: Annotated[str, typer.Option(help="The layer that it is read from; the network's own by default.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where heat maps go; artifacts/predictions/RUN by default.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answers as a table.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answers as a page, HTML or PDF by its name.")] = None,
    json: Json = False,
) -> None:
    """Classify files and show where the network looked. A bad file is reported and never stops the rest (exit status 1 at the end).

    An image that is no chest X-ray like those that the network knows is answered too, with the doubts beside it.
    """
    from core import answers
    from core.data import uploads
    from core.errors import Problem
    from core.explain import cam as methods
    from core.inference import Predictor
    from core.runs import store
    from core.settings import artifacts_dir

    if cam:
        methods.refuse_unknown(cam)
    found = store.find(run)
    predictor = Predictor(found)
    folder = out or artifacts_dir() / "predictions" / predictor.run_id
    progress, rows, records = Progress(), [], []
    for number, (upload, outcome) in enumerate(predictor.answers(uploads.of_paths(images)), start=1):
        if isinstance(outcome, Problem):
            rows.append({"image": upload.name, "error": str(UnreadableImage.of([outcome]))})
        else:
            heat = predictor.heat_map(outcome.prepared, outcome.label, cam, layer) if cam else None
            rows.append(_answer(upload.name, outcome, heat, folder))
            if csv or report:
                records.append(answers.record(found, predictor, upload.read(), outcome, heat))
        progress.say(f"answered {number:,}")
    _take_away(records, csv, report)
    emit(rows, json, "\n".join([*map(_answer_line, rows), wording.MEDICAL_NOTE]))
    if any("error" in row for row in rows):
        raise typer.Exit(1)


def export(
    run: Annotated[str, typer.Argument(help="A run's id, or a prefix that no other has.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="RUN.onnx by default.")] = None,
    json: Json = False,
) -> None:
    """Write a run's network as one ONNX file with its preprocessing, checked against the original."""
    from core.export import onnx
    from core.runs import store

    found = store.find(run)
    exported = onnx.export(found, out or Path(f"{found.id}.onnx"))
    content = {
        "run_id": found.id,
        "file": str(exported.path),
        "input": onnx.INPUTS[exported.input],
        "largest_difference": exported.largest_difference,
        "compared_on": exported.compared_on,
    }
    images = wording.count(exported.compared_on, "image")
    text = f"{exported.path}: no probability differs by more than {exported.largest_difference:.2g} on {images}."
    emit(content, json, text)


def _answer(name: str, answer: Answer, heat: HeatMap | None, folder: Path) -> dict[str, Any]:
    from core.explain import overlay

    return {
        "image": name,
        "label": answer.label,
        "probabilities": answer.probabilities,
        "calibrated": answer.calibrated,
        "cam": None if heat is None else str(overlay.save(answer.prepared, heat, folder, Path(name).name)),
        "doubts": list(answer.doubts),
        "warnings": [*answer.warnings, *(heat.warnings() if heat is not None else ())],
        "nearest": [vars(neighbour) for neighbour in answer.neighbours],
    }


def _take_away(records: list[AnswerRecord], csv: Path | None, report: Path | None) -> None:
    from core.files import replacing, write_text
    from core.report import answer as page
    from core.report import tables

    if not records:
        return
    if csv:
        write_text(csv, tables.csv(tables.Table(page.table(records))))
    if report and report.suffix.lower() == ".pdf":
        with replacing(report) as temporary:
            temporary.write_bytes(page.pdf(page.page(records)))
    elif report:
        write_text(report, page.page(records))


def _answer_line(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['image']}: {row['error']}"
    shares = ", ".join(f"{label} {wording.percent(share)}" for label, share in row["probabilities"].items())
    rest = [*([row["cam"]] if row["cam"] else []), *(f"Doubtful: {doubt}" for doubt in row["doubts"]), *row["warnings"]]
    return "\n  ".join([f"{row['image']}: {row['label']} ({shares})", *rest])


def _accuracy(row: Row) -> str:
    return f"{row.accuracy_text}, n = {row.test_images}" if row.accuracy_text else ""


def _epoch_line(row: dict[str, Any]) -> str:
    accuracy = wording.percent(row["validation_accuracy"])
    return f"  epoch {row['epoch']}: validation accuracy {accuracy}{'  best so far' if row['best'] else ''}"


def _evaluation_text(evaluation: Evaluation) -> str:
    lines = [f"{wording.count(evaluation.images, 'image')}. {evaluation.interval_kind}"]
    for frame in (evaluation.metrics_table(), evaluation.text_table(), evaluation.averages_table()):
        lines += ["", table(frame.itertuples(index=False), list(frame))]
    lines += ["", *evaluation.notes] if evaluation.notes else []
    counts = [(name, *row) for name, row in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)]
    return "\n".join([*lines, "", "Confusion matrix (rows: true, columns: predicted)", table(counts, ("", *evaluation.classes))])
