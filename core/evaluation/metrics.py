"""What stored predictions say: figures with their intervals, from labels and probabilities alone. The network is not run again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core import wording
from core.errors import UnusableData, UnusableRun
from core.evaluation.intervals import Estimate, groups_of, percentile_interval, wilson
from core.evaluation.resampling import AVERAGE_FIGURES, AVERAGED, AVERAGES, CLASS_FIGURES, FIGURES, figures, resampled
from core.runs.store import PROBABILITY

if TYPE_CHECKING:
    import pandas as pd

_DRAWN = tuple(dict.fromkeys(FIGURES + AVERAGE_FIGURES + CLASS_FIGURES))
_SUM_TOLERANCE = 1e-3  # probabilities may have been computed in half precision


@dataclass(frozen=True)
class Evaluation:
    """Figures of one set of images. `core.evaluation.resampling.figures` defines those that have a bootstrap interval.

    `metrics`: accuracy, balanced_accuracy, macro_f1, mcc, kappa, roc_auc, average_precision, loss, brier, calibration_error.
    `averages`: macro, weighted and micro averages of precision, sensitivity, specificity, f1; metrics["macro_f1"] is one of them.
    `per_class`: precision, sensitivity, specificity, f1, roc_auc, average_precision of each class.
    `confusion`: images, rows are true classes, columns predicted ones. int [classes, classes]
    `notes`: sentences that must stand beside the figures: what a mean leaves out, what is undefined and why.
    """

    classes: tuple[str, ...]
    metrics: dict[str, Estimate]
    averages: dict[str, dict[str, Estimate]]
    per_class: dict[str, dict[str, Estimate]]
    confusion: np.ndarray
    images: int
    patients: int | None  # None: unknown, and the intervals are drawn by image
    notes: tuple[str, ...]

    @property
    def interval_kind(self) -> str:
        unit = "image (patients unknown)" if self.patients is None else f"patient ({self.patients:,})"
        return f"95 % intervals: bootstrap by {unit}; precision, sensitivity and specificity of a class: Wilson, by image"

    def support(self) -> dict[str, int]:
        """True images of each class."""
        return {name: int(count) for name, count in zip(self.classes, self.confusion.sum(axis=1), strict=True)}

    def table(self) -> pd.DataFrame:
        """A row a class: n, and each figure of `per_class` with its bounds, as numbers."""
        import pandas as pd

        rows = []
        for name in self.classes:
            row: dict[str, Any] = {"class": name, "n": self.support()[name]}
            for metric, estimate in self.per_class[name].items():
                row |= {metric: estimate.value, f"{metric}_low": estimate.low, f"{metric}_high": estimate.high}
            rows.append(row)
        return pd.DataFrame(rows)

    def text_table(self) -> pd.DataFrame:
        """A row a class for people to read: figures with their intervals."""
        import pandas as pd

        support = self.support()
        return pd.DataFrame([{"class": name, "n": support[name]} | _texts(self.per_class[name]) for name in self.classes])

    def metrics_table(self) -> pd.DataFrame:
        """A row a metric for people to read: the figure with its interval."""
        import pandas as pd

        texts = _texts(self.metrics)
        return pd.DataFrame({"metric": list(texts), "value (95 %)": list(texts.values())})

    def averages_table(self) -> pd.DataFrame:
        """A row a kind of average for people to read: figures with their intervals."""
        import pandas as pd

        return pd.DataFrame([{"average": wording.AVERAGES[name]} | _texts(self.averages[name]) for name in self.averages])

    def to_json(self) -> dict[str, Any]:
        """Everything, with None for what is undefined."""
        return {
            "classes": list(self.classes),
            "images": self.images,
            "patients": self.patients,
            "intervals": self.interval_kind,
            "metrics": _numbers(self.metrics),
            "averages": {name: _numbers(estimates) for name, estimates in self.averages.items()},
            "per_class": {name: {"n": self.support()[name]} | _numbers(estimates) for name, estimates in self.per_class.items()},
            "confusion_matrix": self.confusion.tolist(),
            "notes": list(self.notes),
        }


def answers_of(predictions: pd.DataFrame, classes: tuple[str, ...], split: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of a run's predictions as arrays, of one split where `split` names it; rows keep their order.

    Returns:
        true class index, int64 [images]; probabilities, float64 [images, classes]; patients, "" where unknown, str [images].

    Raises:
        UnusableData: there is no image.
        UnusableRun: a column is missing, a label is none of the classes, or probabilities are damaged.
    """
    needed = {"label", "patient_id", *(PROBABILITY + name for name in classes), *(("split",) if split else ())}
    missing = sorted(needed - set(predictions.columns))
    if missing:
        raise UnusableRun(
            "Predictions hold a label, a patient, a part and one probability a class for every image.",
            f"a table without {', '.join(missing)}",
            "Restore the run's folder, or test the run again.",
        )
    rows = predictions if split is None else predictions[predictions["split"] == split]
    if rows.empty:
        raise UnusableData(
            "Figures need at least one image.",
            "predictions without any" + (f" of the {split} part" if split else ""),
            "Choose a part or a data set with images.",
        )
    index = {name: number for number, name in enumerate(classes)}
    numbers = rows["label"].map(index)
    if numbers.isna().any():
        strange = sorted(set(rows.loc[numbers.isna(), "label"].astype(str)))
        raise UnusableRun(
            f"Each label is one of the run's classes: {', '.join(classes)}.",
            f"{', '.join(map(repr, strange[:5]))} ({wording.count(int(numbers.isna().sum()), 'image')})",
            "Restore the run's folder, or test the run again.",
        )
    labels, probabilities = numbers.to_numpy(dtype=np.int64), rows[[PROBABILITY + name for name in classes]].to_numpy(dtype=np.float64)
    _refuse_damaged(probabilities)
    return labels, probabilities, rows["patient_id"].fillna("").to_numpy(dtype=str)


def evaluate_predictions(predictions: pd.DataFrame, classes: tuple[str, ...], split: str | None = None) -> Evaluation:
    """Evaluate the rows of a run's predictions, of one split where `split` names it. Raises as `answers_of` does."""
    labels, probabilities, patients = answers_of(predictions, classes, split)
    return evaluate(labels, probabilities, classes, patients)


def evaluate(labels: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...], patients: np.ndarray | None = None) -> Evaluation:
    """All figures of one model on one set of images.

    Args:
        labels: true class index. int [images], at least one
        probabilities: float [images, classes], rows add up to 1
        patients: who each image shows, "" where unknown; None where nothing is known. str [images]

    Raises:
        UnusableData: there is no image.
        UnusableRun: probabilities are damaged.
    """
    if not len(labels):
        raise UnusableData("Figures need at least one image.", "none", "Choose a part or a data set with images.")
    _refuse_damaged(probabilities)
    groups, known = groups_of(patients, len(labels))
    values = figures(labels, probabilities, np.ones((1, len(labels)), dtype=np.int64), _DRAWN)
    drawn = resampled(labels, probabilities, groups, _DRAWN)
    whole = {name: percentile_interval(values[name][0], drawn[name]) for name in FIGURES + AVERAGE_FIGURES}
    matrix = np.bincount(labels * len(classes) + probabilities.argmax(axis=1), minlength=len(classes) ** 2).reshape(len(classes), -1)
    of_class = [
        {name.removeprefix("class_"): percentile_interval(values[name][0, number], drawn[name][:, number]) for name in CLASS_FIGURES}
        for number in range(len(classes))
    ]
    return Evaluation(
        classes=classes,
        metrics={name: whole[name] for name in FIGURES},
        averages={average: {metric: whole[f"{average}_{metric}"] for metric in AVERAGED} for average in AVERAGES},
        per_class={name: _proportions(matrix, number) | of_class[number] for number, name in enumerate(classes)},
        confusion=matrix,
        images=len(labels),
        patients=known,
        notes=tuple(_notes(matrix, classes, int(groups.max()) + 1)),
    )


def _proportions(matrix: np.ndarray, number: int) -> dict[str, Estimate]:
    hits, called, real = int(matrix[number, number]), int(matrix[:, number].sum()), int(matrix[number].sum())
    others = int(matrix.sum()) - real
    return {
        "precision": wilson(hits, called),
        "sensitivity": wilson(hits, real),
        "specificity": wilson(others - (called - hits), others),
    }


def _notes(matrix: np.ndarray, classes: tuple[str, ...], groups: int) -> Iterator[str]:
    real, called, images = matrix.sum(axis=1), matrix.sum(axis=0), int(matrix.sum())
    present = [name for name, count in zip(classes, real, strict=True) if count]
    absent, single = _named(classes, real == 0), _named(classes, real == 1)
    silent = _named(classes, (real > 0) & (called == 0))
    if absent:
        yield f"Mean over {len(present)} of {len(classes)} classes: no image of {absent} in this set."
    if len(present) == 1:
        yield f"Every image is of {present[0]}: ROC AUC and average precision compare classes and are undefined."
    if silent:
        yield f"Never answered: {silent}. Precision is undefined there and counts as 0 in the means."
    if len(present) == 1 or (called > 0).sum() == 1:
        yield "Matthews correlation needs two classes among the images and among the answers; without them it counts as 0."
    if single:
        yield f"One image only of {single}: its figures rest on it alone, and resamples without it are left out of their intervals."
    if groups == 1:
        yield "Everything comes from one patient or image: the bootstrap intervals have no width and say nothing."
    elif np.trace(matrix) == images:
        low = wilson(images, images).low
        yield f"Every answer is right, so no resample can be worse: by Wilson's interval the accuracy is at least {wording.percent(low)}."


def _named(classes: tuple[str, ...], chosen: np.ndarray) -> str:
    return ", ".join(name for name, taken in zip(classes, chosen, strict=True) if taken)


def _texts(estimates: dict[str, Estimate]) -> dict[str, str]:
    return {wording.METRICS[metric]: wording.estimate(metric, *vars(estimate).values()) for metric, estimate in estimates.items()}


def _numbers(estimates: dict[str, Estimate]) -> dict[str, dict[str, float | None]]:
    return {name: estimate.to_json() for name, estimate in estimates.items()}


def _refuse_damaged(probabilities: np.ndarray) -> None:
    faults = {
        "no number": ~np.isfinite(probabilities).all(axis=1),
        "a negative probability": (probabilities < 0).any(axis=1),
        "a sum other than 1": ~np.isclose(probabilities.sum(axis=1, dtype=np.float64), 1, rtol=0, atol=_SUM_TOLERANCE),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise UnusableRun(
                "The probabilities of an image are finite, not negative, and add up to 1.",
                f"{fault} in {wording.count(int(rows.sum()), 'row')} of {len(rows):,}, the first {probabilities[rows.argmax()].tolist()}",
                "Restore the run's folder, or test the run again.",
            )
