"""The figures of Zhong 2020, Tables 3 and 4, which are not the usual ones: an answer counts only where its probability reaches one half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core import wording
from core.evaluation.intervals import LEVEL, Estimate, wilson

if TYPE_CHECKING:
    import pandas as pd

HALF = 0.5


@dataclass(frozen=True)
class Thresholded:
    """One row of Table 3 but for its loss: `accuracy` counts every answer, the two others those that reach the threshold.

    Precision and recall are micro averages: decisions on all classes are pooled. An image whose probabilities stay below the threshold is
    not called, so recall falls short of the accuracy. Wilson intervals, by image.
    """

    images: int
    called: int  # probabilities that reach the threshold; at most one an image above one half
    right: int  # of these, those of the true class
    accuracy: Estimate
    precision: Estimate  # right / called
    recall: Estimate  # right / images


def thresholded(labels: np.ndarray, probabilities: np.ndarray, threshold: float = HALF) -> Thresholded:
    """Of all images given; a row of one class ("COVID-19 (From Test)") is made of its images alone.

    Args:
        labels: true class index. int [images]
        probabilities: float [images, classes]
    """
    reached, rows = probabilities >= threshold, np.arange(len(labels))
    images, called, right = len(labels), int(reached.sum()), int(reached[rows, labels].sum())
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    return Thresholded(images, called, right, wilson(correct, images), wilson(right, called), wilson(right, images))


def true_probability(labels: np.ndarray, probabilities: np.ndarray) -> list[Estimate]:
    """Table 4: each class's mean predicted probability of the true class, over its own images.

    The interval is the normal approximation, mean ± 1.96 standard errors: the paper names none, but prints bounds equally far from the
    mean, as this one has them. NaN bounds for a single image, all NaN for none. Arguments as in `thresholded`.
    """
    return [_mean(probabilities[labels == number, number]) for number in range(probabilities.shape[1])]


def tables(predictions: pd.DataFrame, classes: tuple[str, ...]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Both tables for people, of stored predictions: all images and each class alone; each class's mean probability."""
    from core.evaluation.metrics import answers_of

    labels, probabilities, _ = answers_of(predictions, classes)
    parts = {"all": np.ones(len(labels), dtype=bool)} | {name: labels == number for number, name in enumerate(classes)}
    rows = [
        {"images of": name, "n": f"{int(chosen.sum()):,}"}
        | {
            wording.METRICS[metric]: _said(metric, found)
            for metric, found in _row(thresholded(labels[chosen], probabilities[chosen])).items()
        }
        for name, chosen in parts.items()
        if chosen.any()
    ]
    means = [
        {"class": name, "mean probability of the true class": wording.estimate("roc_auc", *vars(mean).values())}
        for name, mean in zip(classes, true_probability(labels, probabilities), strict=True)
    ]
    return rows, means


def _row(found: Thresholded) -> dict[str, Estimate]:
    return {"accuracy": found.accuracy, "precision": found.precision, "sensitivity": found.recall}


def _said(metric: str, found: Estimate) -> str:
    return wording.estimate(metric, *vars(found).values())


def _mean(values: np.ndarray) -> Estimate:
    from scipy.stats import norm

    if not len(values):
        return Estimate(np.nan, np.nan, np.nan)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    reach = float(norm.ppf((1 + LEVEL) / 2)) * error
    return Estimate(float(values.mean()), float(values.mean() - reach), float(values.mean() + reach))
