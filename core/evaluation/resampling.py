"""Every figure of a set of images under many weightings at once: the arithmetic behind the bootstrap.

A resample is a weight an image: how often it was drawn. Figures that follow from sums over images (accuracy, loss, calibration error) come
from one matrix product; areas under curves come from cumulated weights along the images sorted by score. Weights of 1 give the plain
figures. It knows nothing of tables, patients or intervals.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from core.evaluation.areas import RocAuc
from core.evaluation.intervals import RESAMPLES, weight_chunks

FIGURES = (
    "accuracy", "balanced_accuracy", "macro_f1", "mcc", "kappa", "roc_auc", "average_precision", "loss", "brier", "calibration_error",
)  # fmt: skip
"""Figures of the whole set: one number a weighting."""
AVERAGES = ("macro", "weighted", "micro")
AVERAGED = ("precision", "sensitivity", "specificity", "f1")
AVERAGE_FIGURES = tuple(f"{average}_{metric}" for average in AVERAGES for metric in AVERAGED)
"""Averages over classes: one number a weighting."""
CLASS_FIGURES = ("class_f1", "class_roc_auc", "class_average_precision")
"""One number a weighting and class."""
BINS = 15
"""Equal-width bins of confidence in the calibration error, as in Guo et al. 2017."""


def figures(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, names: Collection[str] = FIGURES) -> dict[str, np.ndarray]:
    """The figures `names` under each weighting, NaN where undefined.

    - Means over classes (balanced_accuracy, macro_*, weighted_*, roc_auc, average_precision) are over the classes that a weighting holds.
    - precision of a class that is never predicted counts as 0 in them. micro_* pool the decisions on every class.
    - mcc is 0 where it is 0/0 (all images, or all answers, of one class), as in scikit-learn; kappa is undefined where it is 0/0.
    - roc_auc and average_precision: each class against the rest by its own probability, then the mean; undefined with one class only.
    - brier: squared distance of the probabilities to the one-hot label, mean over images, in [0, 2] (Brier 1950): scikit-learn's
      `brier_score_loss(scale_by_half=False)`.
    - calibration_error: expected calibration error of the answer, `BINS` equal-width bins (Guo et al. 2017, equation 3).

    Args:
        labels: true class index. int [images], at least one
        probabilities: float [images, classes]
        weights: how often each image counts; a row without any weight is not allowed. int [weightings, images]
        names: any of FIGURES, AVERAGE_FIGURES and CLASS_FIGURES

    Returns:
        float64 [weightings]; [weightings, classes] for CLASS_FIGURES.
    """
    return Answers.prepare(labels, probabilities).figures(weights, names)


def resampled(
    labels: np.ndarray,
    probabilities: np.ndarray,
    groups: np.ndarray,
    names: Collection[str] = FIGURES,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, np.ndarray]:
    """`figures` in every bootstrap resample of the groups (`intervals.weight_chunks`), float64 [resamples] or [resamples, classes].

    Two models on the same images, groups and seed are seen in the same resamples: their figures may be subtracted pairwise.
    """
    answers = Answers.prepare(labels, probabilities)
    parts = [answers.figures(weights, names) for weights in weight_chunks(groups, seed, resamples)]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def confidence_bins(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each confidence in [0, 1], from 0: bins of equal width that hold their upper bound. int [images]"""
    return np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)


@dataclass(frozen=True)
class Answers:
    """One model's answers on one set of images, prepared once for many weightings."""

    classes: int
    columns: np.ndarray  # what an image adds to the sums: cell of the confusion matrix, loss, Brier, calibration bins. [images, columns]
    areas: tuple[RocAuc, ...]  # one a class
    rankings: tuple[_Ranking, ...]

    @classmethod
    def prepare(cls, labels: np.ndarray, probabilities: np.ndarray) -> Answers:
        """Shapes as in `figures`."""
        images, classes = probabilities.shape
        rows, predicted = np.arange(images), probabilities.argmax(axis=1)
        confidence = probabilities[rows, predicted].astype(np.float64)
        columns = np.zeros((images, classes**2 + 2 + BINS))
        columns[rows, labels * classes + predicted] = 1
        columns[:, classes**2] = -np.log(probabilities[rows, labels].astype(np.float64).clip(np.finfo(np.float64).eps))
        columns[:, classes**2 + 1] = ((probabilities - np.eye(classes)[labels]) ** 2).sum(axis=1)
        columns[rows, classes**2 + 2 + confidence_bins(confidence)] = (predicted == labels) - confidence
        against_rest = [(labels == number, probabilities[:, number]) for number in range(classes)]
        areas, rankings = (tuple(kind.of(*one) for one in against_rest) for kind in (RocAuc, _Ranking))
        return cls(classes, columns, areas, rankings)

    def figures(self, weights: np.ndarray, names: Collection[str] = FIGURES) -> dict[str, np.ndarray]:
        """As the function `figures`."""
        weights = weights.astype(np.float64)
        sums = weights @ self.columns
        matrices = sums[:, : self.classes**2].reshape(-1, self.classes, self.classes)
        images, rest = matrices.sum(axis=(1, 2)), sums[:, self.classes**2 :]
        found = _counted(matrices) | {
            "loss": rest[:, 0] / images,
            "brier": rest[:, 1] / images,
            "calibration_error": np.abs(rest[:, 2:]).sum(axis=1) / images,
        }
        present = matrices.sum(axis=2) > 0
        for name in ("roc_auc", "average_precision"):
            if {name, f"class_{name}"}.intersection(names):
                found[f"class_{name}"] = self._areas(name, weights)
                found[name] = _mean_of(found[f"class_{name}"], present)
        return {name: found[name] for name in names}

    def _areas(self, name: str, weights: np.ndarray) -> np.ndarray:
        """Under each class's ROC curve, or its average precision. float64 [weightings, classes]"""
        if name == "roc_auc":
            by_image = np.ascontiguousarray(weights.T)
            return np.stack([one.areas(by_image) for one in self.areas], axis=1)
        return np.stack([ranking.average_precision(weights) for ranking in self.rankings], axis=1)


@dataclass(frozen=True)
class _Ranking:
    """One class against the rest, sorted by score from the highest: what average precision needs.

    Thresholds are the distinct scores of the positives, descending.
    """

    positives: np.ndarray  # image numbers by descending score
    negatives: np.ndarray
    reached: np.ndarray  # index of the last positive that reaches each threshold. int [thresholds]
    reaching: np.ndarray  # negatives that score at least as high as each threshold

    @classmethod
    def of(cls, positive: np.ndarray, scores: np.ndarray) -> _Ranking:
        order = np.argsort(-scores, kind="stable")
        positives, negatives = order[positive[order]], order[~positive[order]]
        reached = np.flatnonzero(np.append(np.diff(scores[positives]) != 0, True)[: len(positives)])
        thresholds, falling = -scores[positives[reached]], -scores[negatives]
        return cls(positives, negatives, reached, np.searchsorted(falling, thresholds, side="right"))

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """NaN without positives or negatives. float64 [weightings]"""
        if not len(self.positives) or not len(self.negatives):
            return np.full(len(weights), np.nan)
        found = np.cumsum(np.take(weights, self.positives, axis=1), axis=1)
        false = np.zeros((len(weights), len(self.negatives) + 1))
        np.cumsum(np.take(weights, self.negatives, axis=1), axis=1, out=false[:, 1:])
        positives, negatives = found[:, -1], false[:, -1]
        if len(self.reached) < len(self.positives):
            found = np.take(found, self.reached, axis=1)
        gained = np.diff(found, axis=1, prepend=0)
        reaching = np.take(false, self.reaching, axis=1)
        precision = found / (found + reaching).clip(1)  # nothing reaches the threshold: no positive either, so nothing is gained
        with np.errstate(invalid="ignore"):
            defined = np.where((positives > 0) & (negatives > 0), 1, np.nan)
            return defined * np.einsum("ij,ij->i", gained, precision) / positives.clip(1)


def _counted(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """Figures that follow from confusion matrices, rows true. [weightings, classes, classes]"""
    hits, real, called = np.diagonal(matrices, axis1=1, axis2=2), matrices.sum(axis=2), matrices.sum(axis=1)
    correct, images, present = hits.sum(axis=1), real.sum(axis=1), real > 0
    others = images[:, np.newaxis] - real
    with np.errstate(invalid="ignore", divide="ignore"):
        of_class = {
            "precision": np.where(called > 0, hits / called, 0),
            "sensitivity": hits / real,
            "specificity": 1 - (called - hits) / others,
            "f1": 2 * hits / (real + called),
        }
        accuracy = correct / images
        specificity = 1 - (images - correct) / others.sum(axis=1)
        covariance = images * correct - (real * called).sum(axis=1)
        variances = (images**2 - (real**2).sum(axis=1)) * (images**2 - (called**2).sum(axis=1))
        chance = (real * called).sum(axis=1) / images**2
        kappa = np.where(chance < 1, (accuracy - chance) / (1 - chance), np.nan)
        mcc = np.where(variances > 0, covariance / np.sqrt(variances), 0)
    means = {f"macro_{name}": _mean_of(values, present) for name, values in of_class.items()}
    means |= {f"weighted_{name}": _mean_of(values, real) for name, values in of_class.items()}
    means |= {f"micro_{name}": accuracy for name in AVERAGED} | {"micro_specificity": specificity}
    whole = {"accuracy": accuracy, "balanced_accuracy": means["macro_sensitivity"], "mcc": mcc, "kappa": kappa}
    return whole | means | {"class_f1": of_class["f1"]}


def _mean_of(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean over the classes with a share, weighted by it. [weightings, classes] → [weightings]"""
    return np.where(shares > 0, values * shares, 0).sum(axis=1) / shares.sum(axis=1)
