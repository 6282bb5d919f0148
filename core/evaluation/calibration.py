"""Whether probabilities mean what they say: reliability of stored answers, and one temperature that mends their confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.evaluation.intervals import wilson
from core.evaluation.metrics import answers_of
from core.evaluation.resampling import BINS, confidence_bins, figures

if TYPE_CHECKING:
    import pandas as pd

LOWEST, HIGHEST = 0.05, 20.0
"""Bounds of a temperature: beyond them answers are certain, or all alike."""
_SMALLEST = np.finfo(np.float64).eps


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equal-width bins of confidence, the probability of the answer (Guo et al. 2017, figure 1).

    Arrays are float64 [bins], NaN where a bin holds no image; bounds are Wilson's 95 %, by image.
    """

    edges: np.ndarray  # [bins + 1], from 0 to 1; a bin holds its upper edge
    count: np.ndarray  # images, int64
    confidence: np.ndarray  # mean
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def ece(self) -> float:
        """Expected calibration error: |accuracy − confidence|, mean over images (Guo et al. 2017, equation 3); NaN without images.

        Few images a bin raise it even where nothing is wrong: compare it between equal numbers of images only.
        """
        filled = self.count > 0
        if not filled.any():
            return float("nan")
        return float(np.average(np.abs(self.accuracy - self.confidence)[filled], weights=self.count[filled]))


@dataclass(frozen=True)
class Calibration:
    """A temperature fitted on the validation part, and what it does to the test part. Answers, and so the accuracy, stay as they are.

    Where the validation part also chose the epoch, the temperature inherits that choice; the test part took no part in either.
    """

    temperature: float  # above 1: the network was too certain
    fitted_on: int  # validation images
    tested_on: int  # test images
    loss_before: float
    loss_after: float
    before: Reliability
    after: Reliability

    @property
    def ece_before(self) -> float:
        return self.before.ece

    @property
    def ece_after(self) -> float:
        return self.after.ece


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> Reliability:
    """Mean confidence and observed accuracy of the answers, bin by bin.

    Args:
        labels: true class index. int [images]
        probabilities: float [images, classes]
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    where = confidence_bins(confidence, bins)
    count, hits, sums = (np.bincount(where, weights=weights, minlength=bins) for weights in (None, correct, confidence))
    observed = [wilson(int(right), int(images)) for right, images in zip(hits, count, strict=True)]
    accuracy, low, high = (np.array([getattr(share, name) for share in observed]) for name in ("value", "low", "high"))
    mean = np.divide(sums, count, out=np.full(bins, np.nan), where=count > 0)
    return Reliability(np.linspace(0, 1, bins + 1), count, mean, accuracy, low, high)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature in [LOWEST, HIGHEST] with the least log loss on these images (temperature scaling, Guo et al. 2017, section 4.2).

    Give it validation images only: fitted on test images, it flatters them. 1 where no temperature is better than none.

    Args:
        labels: true class index. int [images], at least one
        probabilities: float [images, classes]
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows, logits = np.arange(len(labels)), _logits(probabilities)

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean())

    # convex in 1 / T, so there is one minimum; on the logarithmic scale both directions are searched alike
    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if found.fun < loss(0) else 1.0


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / temperature): the order of the classes stays, 1 changes nothing. float64 [images, classes]"""
    from scipy.special import softmax

    return softmax(_logits(probabilities) / temperature, axis=1)


def calibration(predictions: pd.DataFrame, classes: tuple[str, ...], bins: int = BINS) -> Calibration:
    """Fit on the validation rows of a run's predictions, measure on its test rows.

    Raises:
        UnusableData: one of the two parts has no image.
        UnusableRun: predictions are damaged.
    """
    known, known_probabilities, _ = answers_of(predictions, classes, "validation")
    labels, probabilities, _ = answers_of(predictions, classes, "test")
    temperature = fit_temperature(known, known_probabilities)
    scaled = with_temperature(probabilities, temperature)
    return Calibration(
        temperature=temperature,
        fitted_on=len(known),
        tested_on=len(labels),
        loss_before=_loss(labels, probabilities),
        loss_after=_loss(labels, scaled),
        before=reliability(labels, probabilities, bins),
        after=reliability(labels, scaled, bins),
    )


def _logits(probabilities: np.ndarray) -> np.ndarray:
    """Logits up to a constant an image; a probability of 0 is the smallest that a loss counts."""
    return np.log(probabilities.astype(np.float64).clip(_SMALLEST))


def _loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(figures(labels, probabilities, np.ones((1, len(labels)), dtype=np.int64), ("loss",))["loss"][0])
