"""What stored predictions say: figures with their intervals, from labels and probabilities alone. The network is not run again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import wording
from core.evaluation.intervals import Estimate, bootstrap_weights, percentile_interval, wilson
from core.runs.store import PROBABILITY


@dataclass(frozen=True)
class Evaluation:
    """Figures of one set of images.

    `metrics`: accuracy, balanced_accuracy, macro_f1, loss. `per_class`: precision, sensitivity, specificity, f1 of each class.
    `confusion`: images, rows are true classes, columns predicted ones. int [classes, classes]
    """

    classes: tuple[str, ...]
    metrics: dict[str, Estimate]
    per_class: dict[str, dict[str, Estimate]]
    confusion: np.ndarray
    images: int
    patients: int | None  # None: unknown, and the intervals are drawn by image

    @property
    def interval_kind(self) -> str:
        unit = "image (patients unknown)" if self.patients is None else f"patient ({self.patients:,})"
        return f"95 % intervals: bootstrap by {unit}; per class Wilson"

    def support(self) -> dict[str, int]:
        """True images of each class."""
        return {name: int(count) for name, count in zip(self.classes, self.confusion.sum(axis=1), strict=True)}

    def table(self) -> pd.DataFrame:
        """A row a class: n, and precision, sensitivity, specificity and F1 with their bounds, as numbers."""
        rows = []
        for name in self.classes:
            row: dict[str, Any] = {"class": name, "n": self.support()[name]}
            for metric, estimate in self.per_class[name].items():
                row |= {metric: estimate.value, f"{metric}_low": estimate.low, f"{metric}_high": estimate.high}
            rows.append(row)
        return pd.DataFrame(rows)

    def text_table(self) -> pd.DataFrame:
        """A row a class for people to read: figures as percentages with their intervals."""
        rows = []
        for name in self.classes:
            row: dict[str, Any] = {"class": name, "n": self.support()[name]}
            for metric, estimate in self.per_class[name].items():
                bounds = "" if np.isnan(estimate.low) else f" ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})"
                row[wording.METRICS[metric]] = wording.figure(metric, estimate.value) + bounds
            rows.append(row)
        return pd.DataFrame(rows)

    def to_json(self) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "images": self.images,
            "patients": self.patients,
            "intervals": self.interval_kind,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
            "per_class": {
                name: {"n": self.support()[name]} | {metric: estimate.to_json() for metric, estimate in figures.items()}
                for name, figures in self.per_class.items()
            },
            "confusion_matrix": self.confusion.tolist(),
        }


def evaluate_predictions(predictions: pd.DataFrame, classes: tuple[str, ...], split: str | None = None) -> Evaluation:
    """Evaluate the rows of a run's predictions, of one split where `split` names it."""
    rows = predictions if split is None else predictions[predictions["split"] == split]
    index = {name: number for number, name in enumerate(classes)}
    return evaluate(
        rows["label"].map(index).to_numpy(dtype=np.int64),
        rows[[PROBABILITY + name for name in classes]].to_numpy(dtype=np.float64),
        classes,
        rows["patient_id"].to_numpy(dtype=str),
    )


def evaluate(labels: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...], patients: np.ndarray | None = None) -> Evaluation:
    """All figures of one model on one set of images.

    Args:
        labels: true class index. int [images], at least one
        probabilities: float [images, classes], rows add up to 1
        patients: who each image shows, "" where unknown; None where nothing is known. str [images]
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, recall_score

    predicted = probabilities.argmax(axis=1)
    numbers = list(range(len(classes)))
    matrix = confusion_matrix(labels, predicted, labels=numbers)
    present = sorted(set(labels.tolist()))
    values = {
        "accuracy": accuracy_score(labels, predicted),
        "balanced_accuracy": recall_score(labels, predicted, labels=present, average="macro", zero_division=0),
        "macro_f1": f1_score(labels, predicted, labels=present, average="macro", zero_division=0),
        "loss": log_loss(labels, probabilities, labels=numbers),
    }
    groups, known = _groups(patients, len(labels))
    resampled = _resample(labels, predicted, probabilities, len(classes), groups)
    return Evaluation(
        classes=classes,
        metrics={name: percentile_interval(value, resampled[name]) for name, value in values.items()},
        per_class=_per_class(labels, predicted, matrix, classes),
        confusion=matrix,
        images=len(labels),
        patients=known,
    )


def _per_class(labels: np.ndarray, predicted: np.ndarray, matrix: np.ndarray, classes: tuple[str, ...]) -> dict[str, dict[str, Estimate]]:
    from sklearn.metrics import precision_recall_fscore_support

    f1 = precision_recall_fscore_support(labels, predicted, labels=list(range(len(classes))), zero_division=np.nan)[2]
    result = {}
    for number, name in enumerate(classes):
        true_positive = int(matrix[number, number])
        called, real = int(matrix[:, number].sum()), int(matrix[number].sum())
        others = int(matrix.sum()) - real
        result[name] = {
            "precision": wilson(true_positive, called),
            "sensitivity": wilson(true_positive, real),
            "specificity": wilson(others - (called - true_positive), others),
            "f1": Estimate(float(f1[number]), np.nan, np.nan),
        }
    return result


def _groups(patients: np.ndarray | None, images: int) -> tuple[np.ndarray, int | None]:
    """A group number an image, and the number of known patients; an image of an unknown patient is a group of its own."""
    if patients is None or not (patients != "").any():
        return np.arange(images), None
    names = np.where(patients == "", np.char.add("image ", np.arange(images).astype(str)), np.char.add("patient ", patients))
    return np.unique(names, return_inverse=True)[1], len(set(patients.tolist()) - {""})


def _resample(
    labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, classes: int, groups: np.ndarray
) -> dict[str, np.ndarray]:
    """Each figure in every resample, float [RESAMPLES]. All follow from sums over groups, so one matrix product does the work."""
    count = int(groups.max()) + 1
    cells = np.zeros((count, classes * classes))
    np.add.at(cells, (groups, labels * classes + predicted), 1)
    likelihood = probabilities[np.arange(len(labels)), labels].clip(np.finfo(float).eps)
    losses = np.bincount(groups, weights=-np.log(likelihood), minlength=count)
    weights = bootstrap_weights(groups)
    matrices = (weights @ cells).reshape(-1, classes, classes)
    images = matrices.sum(axis=(1, 2))
    hits, real, called = np.diagonal(matrices, axis1=1, axis2=2), matrices.sum(axis=2), matrices.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, f1 = hits / real, 2 * hits / (real + called)
    return {
        "accuracy": hits.sum(axis=1) / images,
        "balanced_accuracy": _mean_of_present(sensitivity, real),
        "macro_f1": _mean_of_present(f1, real),
        "loss": weights @ losses / images,
    }


def _mean_of_present(values: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Mean over the classes that a resample holds. [RESAMPLES]"""
    return np.where(real > 0, values, 0).sum(axis=1) / (real > 0).sum(axis=1)
