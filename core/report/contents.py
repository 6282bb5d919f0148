"""A run's record → the tables that a report and a card show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core import wording
from core.recipes import catalogue
from core.report.record import Record, without_folders
from core.report.record import settings as fields_of
from core.report.tables import Table

if TYPE_CHECKING:
    from core.evaluation.metrics import Evaluation

HEADLINE = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc")
"""What stands first of all figures, and in comparisons."""

ENVIRONMENT = {
    "cxr_lab": "CXR Lab",
    "git_commit": "commit",
    "device_name": "device",
    "memory_format": "memory format",
    "reason": "chosen because",
}
"""Names for people; every other field of the environment is called as it is stored."""


def metrics(record: Record) -> Table | None:
    """The test part's figures over all classes, a row each."""
    evaluation = record.evaluation
    if evaluation is None:
        return None
    rows = [{"Metric": wording.METRICS[name], "Value (95 % interval)": _estimate(evaluation, name)} for name in evaluation.metrics]
    return Table(rows, "All classes", (f"{evaluation.interval_kind}.", *evaluation.notes))


def classes(record: Record) -> Table | None:
    """The test part's figures of each class."""
    return None if record.evaluation is None else Table(record.evaluation.text_table(), "Each class")


def averages(record: Record) -> Table | None:
    """The test part's averages over classes."""
    return None if record.evaluation is None else Table(record.evaluation.averages_table(), "Averages over classes")


def confusion(record: Record) -> Table | None:
    """Images of the test part: a row a true class, a column a predicted one."""
    evaluation = record.evaluation
    if evaluation is None:
        return None
    lines = zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)
    rows = [{"true": name, **{f"predicted {other}": n for other, n in zip(evaluation.classes, row, strict=True)}} for name, row in lines]
    return Table(rows, "Confusion matrix, images")


def comparisons(record: Record) -> Table | None:
    """This run beside what the caller compares it with, a row each, by the headline figures."""
    if not record.comparisons:
        return None
    own = {} if record.evaluation is None else {"this run": record.evaluation}
    rows = [
        {"": called, "Images": evaluation.images}
        | {wording.METRICS[name]: _estimate(evaluation, name) for name in HEADLINE if name in evaluation.metrics}
        for called, evaluation in (own | dict(record.comparisons)).items()
    ]
    return Table(rows, "Other evaluations beside it")


def epochs(record: Record) -> Table | None:
    """What was measured at the end of each epoch; those whose weights were kept are marked."""
    rows = [
        {
            "epoch": f"{row['epoch']} ★" if row["best"] else str(row["epoch"]),
            "learning rate": row["lr"],
            **{f"{part} {name}": row[f"{part}_{name}"] for part in ("train", "validation") for name in ("loss", "accuracy")},
        }
        for row in record.history
        if row["kind"] == "epoch"
    ]
    return Table(rows, "Epochs", ("★ Its weights were kept, until a later star.",)) if rows else None


def images(record: Record) -> Table | None:
    """Images of each class and part as the split has them; by part alone where an older run stored no labels."""
    import pandas as pd

    from core.data.splits import PARTS

    split = record.split
    if split is None:
        return None
    parts = list(PARTS)
    if "label" in split:
        counts = pd.crosstab(split["label"].to_numpy(), split["split"].to_numpy())
        counts = counts.reindex(index=list(record.recipe.data.classes), columns=parts, fill_value=0).rename_axis("class").reset_index()
    else:
        counts = pd.DataFrame()
    total = split["split"].value_counts().reindex(parts, fill_value=0).to_dict()
    rows = [*counts.to_dict("records"), {"class": "all", **total}]
    rows = [row | {"all": sum(row[part] for part in parts)} for row in rows]
    return Table(rows, "Images", (_patients(record),))


def settings(record: Record) -> Table:
    """Every field of the recipe."""
    rows = [{"Setting": field, "Value": _said(value)} for field, value in fields_of(record.recipe).items()]
    return Table(rows, f"Recipe {record.recipe_id}")


def differences(record: Record) -> Table | None:
    """Where the recipe differs from the catalogue's entry that it was made from."""
    rows = [
        {"Setting": field, record.recipe.name: _said(theirs), "This run": _said(ours)}
        for field, theirs, ours in catalogue.differences(record.recipe)
    ]
    return Table(rows, f"Settings changed from {record.recipe.name}") if rows else None


def environment(record: Record) -> Table | None:
    """On what the run ran."""
    rows = [
        {"": ENVIRONMENT.get(name, name.replace("_", " ")), "Value": without_folders(_said(value))}
        for name, value in record.environment.items()
        if value is not None and not (name == "device" and record.environment.get("device_name"))
    ]
    return Table(rows, "Environment") if rows else None


def _estimate(evaluation: Evaluation, metric: str) -> str:
    found = evaluation.metrics[metric]
    return wording.estimate(metric, found.value, found.low, found.high)


def _patients(record: Record) -> str:
    split = record.split
    if split is None or not record.grouped:
        return f"Split {record.split_kind}."
    patients = split.loc[split["patient_id"] != "", "patient_id"].nunique()
    rest = f"; {wording.count(record.unknown_patients, 'image')} of unknown patients" if record.unknown_patients else ""
    return f"Split {record.split_kind}: {wording.count(patients, 'patient')}{rest}."


def _said(value: Any) -> str:
    """A setting's value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(item)}" for name, item in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "–"
    return "–" if value in ("", None) else f"{value:g}" if isinstance(value, float) else str(value)
