"""What probes found, for people: a row a probe beside chance, a light, and the sentence that says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core import wording
from core.evaluation.metrics import Evaluation, evaluate_predictions
from core.evaluation.predicted import Predicted
from core.evaluation.probes import PROBES

TELLS = 0.9
"""AUC from whose lower bound on a probe is said to give a class away."""


@dataclass(frozen=True)
class Reading:
    """`rows`: for each probe what it sees, its accuracy beside chance, its AUC of each class, all as texts with 95 % intervals."""

    rows: list[dict[str, str]]
    light: Literal["green", "amber", "red"]
    sentence: str


def read(answers: Mapping[str, Predicted]) -> Reading:
    """The answers of probes, by name, on the same images. Chance is always to answer the most frequent class, an AUC of 0.5."""
    found = {name: evaluate_predictions(one.table, one.classes) for name, one in answers.items()}
    best = max(
        ((each["roc_auc"], name, label) for name, evaluation in found.items() for label, each in evaluation.per_class.items()),
        key=lambda item: item[0].low if item[0].low == item[0].low else 0.0,
    )
    estimate, name, label = best
    said = (
        f"A probe that sees only {PROBES[name].sees} tells {label} from the rest with an AUC of "
        f"{wording.estimate('roc_auc', estimate.value, estimate.low, estimate.high)}; 0.5 is chance."
    )
    if estimate.low >= TELLS:
        return Reading(_rows(found), "red", f"{said} Nothing there can show the disease: a network may live on the same shortcut.")
    if estimate.low > 0.5:
        return Reading(_rows(found), "amber", f"{said} A network’s figure is worth what it has beyond this.")
    return Reading(_rows(found), "green", "No probe is surely better than chance. That proves no shortcut absent: others were not tried.")


def _rows(found: Mapping[str, Evaluation]) -> list[dict[str, str]]:
    rows = []
    for name, evaluation in found.items():
        accuracy = evaluation.metrics["accuracy"]
        row = {
            "probe": name,
            "sees only": PROBES[name].sees,
            "accuracy": wording.estimate("accuracy", accuracy.value, accuracy.low, accuracy.high),
            "chance": wording.percent(max(evaluation.support().values()) / evaluation.images),
            "n": f"{evaluation.images:,}",
        }
        for label, figures in evaluation.per_class.items():
            auc = figures["roc_auc"]
            row[f"AUC {label}"] = wording.estimate("roc_auc", auc.value, auc.low, auc.high)
        rows.append(row)
    return rows
