"""How long the whole evaluation of a set takes, with all bootstrap intervals, and how long a plain loop over scikit-learn would.

    OMP_NUM_THREADS=1 python -m benchmarks.evaluation

Both are timed in this one run, on the same labels and probabilities. The loop takes a few resamples and is extrapolated to all; it leaves
out the calibration error, which scikit-learn does not have. The larger set has as many images as the COVID-19 Radiography Database.
"""

from __future__ import annotations

import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.evaluation import metrics
from core.evaluation.intervals import RESAMPLES, weight_chunks, wilson

CLASSES = ("COVID-19", "Lung Opacity", "Normal", "Viral Pneumonia")
SMALL, LARGE = 5_000, 21_165
LOOPED = 5


def main() -> None:
    wilson(1, 2)  # loads SciPy
    before = _peak()
    large = _seconds_of_evaluation(LARGE)
    memory = _peak() - before
    small = _seconds_of_evaluation(SMALL)
    loop = _seconds_of_loop(SMALL)
    _say(f"{len(CLASSES)} classes, {RESAMPLES:,} resamples by image, every figure")
    _say(f"{SMALL:6,} images: {small:6.2f} s; scikit-learn ({LOOPED} resamples, extrapolated): {loop:.0f} s, {loop / small:.0f} times that")
    _say(f"{LARGE:6,} images: {large:6.2f} s; peak memory {memory:.0f} MB above the {before:.0f} MB of the interpreter and its libraries")


def _answers(images: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a model that is right about four times in five."""
    rng = np.random.default_rng(0)
    labels = rng.choice(len(CLASSES), size=images, p=[0.17, 0.28, 0.48, 0.07])
    shares = np.exp(rng.normal(0, 1, (images, len(CLASSES))) + 2 * np.eye(len(CLASSES))[labels])
    return labels, shares / shares.sum(axis=1, keepdims=True)


def _seconds_of_evaluation(images: int) -> float:
    labels, shares = _answers(images)
    start = time.perf_counter()
    metrics.evaluate(labels, shares, CLASSES)
    return time.perf_counter() - start


def _seconds_of_loop(images: int) -> float:
    labels, shares = _answers(images)
    weights = next(weight_chunks(np.arange(images)))[:LOOPED]
    _one_by_one(labels, shares)  # loads what is loaded at the first call
    start = time.perf_counter()
    for repeats in weights:
        rows = np.repeat(np.arange(images), repeats)
        _one_by_one(labels[rows], shares[rows])
    return (time.perf_counter() - start) / LOOPED * RESAMPLES


def _one_by_one(labels: np.ndarray, shares: np.ndarray) -> None:
    """The same figures, a scikit-learn call each."""
    from sklearn import metrics as reference

    predicted, numbers = shares.argmax(axis=1), list(range(len(CLASSES)))
    with warnings.catch_warnings(action="ignore"):
        for name in ("accuracy_score", "balanced_accuracy_score", "matthews_corrcoef", "cohen_kappa_score"):
            getattr(reference, name)(labels, predicted)
        for average in ("macro", "weighted", "micro", None):
            reference.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
        reference.multilabel_confusion_matrix(labels, predicted)  # specificities
        reference.log_loss(labels, shares, labels=numbers)
        reference.brier_score_loss(labels, shares, labels=numbers, scale_by_half=False)
        for number in numbers:
            reference.roc_auc_score(labels == number, shares[:, number])
            reference.average_precision_score(labels == number, shares[:, number])


def _peak() -> float:
    """Largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
