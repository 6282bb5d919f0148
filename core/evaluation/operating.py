"""One class against the rest: curves over all thresholds, the counts at one threshold, and what they mean at another prevalence.

Scores are the class's probability; an image is called where its score reaches the threshold. Choose a threshold on validation images and
read its figures on test images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InvalidSpec
from core.evaluation.intervals import Estimate, wilson


@dataclass(frozen=True)
class Curve:
    """Points by falling threshold, x rising. Undefined (no points, area NaN) where all images are of the class, or none is."""

    x: np.ndarray  # float64 [points]
    y: np.ndarray
    thresholds: np.ndarray  # infinite at the first point, where nothing is called
    area: float

    @property
    def defined(self) -> bool:
        return len(self.x) > 0


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does to one set of images. Wilson intervals, by image; NaN where nothing is counted."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate  # at the share of positives in this set: `at_prevalence` for another
    npv: Estimate


def roc(labels: np.ndarray, scores: np.ndarray) -> Curve:
    """x: 1 − specificity, y: sensitivity. Points on a straight line between others are left out.

    Args:
        labels: whether an image is of the class. bool [images]
        scores: float [images]
    """
    from sklearn.metrics import auc, roc_curve

    if not _both(labels):
        return _undefined()
    x, y, thresholds = roc_curve(labels, scores)
    return Curve(x, y, thresholds, float(auc(x, y)))


def precision_recall(labels: np.ndarray, scores: np.ndarray) -> Curve:
    """x: recall (sensitivity), y: precision (ppv); the area is average precision, which does not interpolate. Arguments as in `roc`.

    The first point, recall 0 and precision 1, is a convention.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    if not _both(labels):
        return _undefined()
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    falling = np.append(thresholds, np.inf)[::-1]
    return Curve(recall[::-1], precision[::-1], falling, float(average_precision_score(labels, scores)))


def operating_point(labels: np.ndarray, scores: np.ndarray, threshold: float) -> OperatingPoint:
    """Counts and shares where images with a score of at least `threshold` are called. Arguments as in `roc`."""
    positive, called = labels.astype(bool), scores >= threshold
    tp, fp = int((positive & called).sum()), int((~positive & called).sum())
    fn, tn = int((positive & ~called).sum()), int((~positive & ~called).sum())
    return OperatingPoint(
        threshold=float(threshold),
        true_positives=tp,
        false_positives=fp,
        false_negatives=fn,
        true_negatives=tn,
        sensitivity=wilson(tp, tp + fn),
        specificity=wilson(tn, tn + fp),
        ppv=wilson(tp, tp + fp),
        npv=wilson(tn, tn + fn),
    )


def at_prevalence(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """Positive and negative predictive value where a share `prevalence` has the disease: Bayes' rule (Altman & Bland, BMJ 1994;309:102).

    It holds as far as sensitivity and specificity carry over to those patients. NaN where nobody would be called (or spared).

    Raises:
        InvalidSpec: one of the three is no share in [0, 1].
    """
    for name, share in (("sensitivity", sensitivity), ("specificity", specificity), ("prevalence", prevalence)):
        if not 0 <= share <= 1:
            raise InvalidSpec(f"A {name} is a share between 0 and 1.", share, "Give a percentage divided by 100.")
    ill, healthy = prevalence, 1 - prevalence
    return (
        _share(sensitivity * ill, (1 - specificity) * healthy),
        _share(specificity * healthy, (1 - sensitivity) * ill),
    )


def youden_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The score with the largest sensitivity + specificity − 1 (Youden 1950), the highest of several; NaN where `roc` is undefined.

    Arguments as in `roc`. Chosen on validation images: on the images that chose it, its figures are too good.
    """
    from sklearn.metrics import roc_curve

    if not _both(labels):
        return float("nan")
    # Every score is a candidate, also those on a straight line; the first point has no threshold that is a score.
    x, y, thresholds = (values[1:] for values in roc_curve(labels, scores, drop_intermediate=False))
    return float(thresholds[np.argmax(np.round(y - x, 9))])  # rounded, or noise in the last digit would choose between equals


def thresholds(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Each class's `youden_threshold` against the rest; 0.5 where it is undefined, since only one kind of image is there.

    Args:
        labels: true class index. int [images]
        probabilities: float [images, classes]
    """
    found = {name: youden_threshold(labels == number, probabilities[:, number]) for number, name in enumerate(classes)}
    return {name: 0.5 if value != value else value for name, value in found.items()}


def _share(right: float, wrong: float) -> float:
    return right / (right + wrong) if right + wrong else float("nan")


def _both(labels: np.ndarray) -> bool:
    return bool(labels.any() and not labels.all())


def _undefined() -> Curve:
    return Curve(np.empty(0), np.empty(0), np.empty(0), float("nan"))
