"""Terms about data: how images are divided, and how a data set gives its labels away."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core import figures
from core.evaluation import operating
from core.evaluation.intervals import wilson
from core.teaching.entry import Term

IMAGES, PATIENTS = 400, 400  # of the simulated sets
CLASSES = ("marked", "other")


def _parts() -> go.Figure:
    counts = pd.DataFrame({"train": [128, 128], "validation": [32, 32], "test": [40, 40]}, index=["Normal", "Pneumonia"])
    return figures.part_counts(counts)


def _leakage() -> go.Figure:
    """A nearest-neighbour classifier on patients whose labels are coin tosses: only recognising a patient can help it."""
    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(PATIENTS), 4)
    labels = generator.integers(0, 2, PATIENTS)[patients]
    looks = generator.normal(size=(PATIENTS, 8))[patients] + 0.3 * generator.normal(size=(len(patients), 8))
    apart = np.isin(patients, generator.permutation(PATIENTS)[: PATIENTS // 4])
    mixed = generator.permutation(len(patients)) < apart.sum()
    return figures.bars(
        {"images drawn singly": _nearest(looks, labels, mixed), "patients kept together": _nearest(looks, labels, apart)}, "test accuracy"
    )


def _nearest(looks: np.ndarray, labels: np.ndarray, test: np.ndarray) -> float:
    """Accuracy on `test` (bool [images]) when each image gets the label of the training image nearest to it."""
    distances = ((looks[test][:, np.newaxis] - looks[~test][np.newaxis]) ** 2).sum(axis=2)
    return float((labels[~test][distances.argmin(axis=1)] == labels[test]).mean())


@cache
def _marked() -> dict[str, tuple[int, ...]]:
    """Right answers of `IMAGES` with the marker as planted, absent and swapped, by what the linear classifier was given to see.

    Every image has a weak sign of disease, and those of one class a marker.
    """
    generator = np.random.default_rng(0)
    labels = np.repeat([1.0, -1.0], IMAGES // 2)
    signs = [0.5 * labels + generator.normal(size=IMAGES) for _ in range(2)]
    markers = (labels + 1) / 2
    found = {}
    for name, seen in (("marker and lungs", (1, 1)), ("lungs alone", (1, 0)), ("marker alone", (0, 1))):
        table = _seen(signs[0], markers, seen)
        weights = np.linalg.lstsq(table, labels, rcond=None)[0]
        tests = [_seen(signs[1], marker, seen) for marker in (markers, 0 * markers, 1 - markers)]
        found[name] = tuple(int(((test @ weights > 0) == (labels > 0)).sum()) for test in tests)
    return found


def _seen(sign: np.ndarray, marker: np.ndarray, seen: tuple[int, int]) -> np.ndarray:
    return np.stack([sign * seen[0], (marker - 0.5) * seen[1], np.ones_like(sign)], axis=1)


def _shortcut() -> go.Figure:
    groups = {}
    for name in ("marker and lungs", "lungs alone"):
        estimates = [wilson(right, IMAGES) for right in _marked()[name]]
        groups[f"sees {name}"] = [(each.value, each.low, each.high) for each in estimates]
    return figures.collapse(groups, ("as planted", "absent", "swapped"), 0.5)


def _probe() -> go.Figure:
    return figures.bars({f"sees {name}": right[0] / IMAGES for name, right in _marked().items()}, "test accuracy")


def _prevalence() -> go.Figure:
    shares = np.linspace(0.001, 0.999, 200)
    values = np.transpose([operating.at_prevalence(0.9, 0.9, share) for share in shares])
    curves = {"PPV": (shares, values[0]), "NPV": (shares, values[1])}
    return figures.lines(curves, "prevalence", "predictive value", "xy")


ENTRIES = (
    Term(
        "split",
        "Training, validation, test",
        "A network learns from the training part. The validation part chooses the epoch and the thresholds, so figures on it are a little "
        "too good. Only the test part, which nothing has looked at, says what the network is worth on new images.",
        _parts,
        "A usual division of 400 images: about two thirds, a sixth, a fifth.",
    ),
    Term(
        "leakage",
        "Leakage",
        "Something of the test part was seen in training: a second image of the same patient, a copy, a crop. The network then recognises "
        "the patient rather than the disease, and the test figure is worth nothing. Keeping patients together prevents it.",
        _leakage,
        f"Simulated: {PATIENTS} patients with 4 images each whose labels are coin tosses, so that nothing can be learnt. "
        "Recognising patients gives a high figure all the same when their images are drawn singly.",
    ),
    Term(
        "shortcut",
        "Shortcut",
        "Anything that tells the classes apart in the data and has nothing to do with disease: a letter, a border, an image size, a "
        "hospital. A network takes it because it is easier than the lungs. The test part has the same shortcut, so its figure gives no "
        "warning.",
        _shortcut,
        "Simulated: a linear classifier on images with a weak sign of disease and a marker on one class. Its figure collapses when the "
        "marker goes, and falls below chance when the other class carries it.",
    ),
    Term(
        "probe",
        "Probe",
        "A simple classifier that is allowed to see only what no diagnosis could rest on: the image's size, its border, 16×16 pixels. "
        "What it reaches can be reached without medicine. A network that is hardly better may live on the same shortcut.",
        _probe,
        "Simulated as for the shortcut: what sees the marker alone is as good as what sees everything.",
    ),
    Term(
        "prevalence",
        "Prevalence",
        "The share of people examined who have the disease. Sensitivity and specificity do not depend on it, but what an answer means "
        "does: where the disease is rare, most positive answers are false alarms, however good the network is.",
        _prevalence,
        "By Bayes' formula, for a network with 90 % sensitivity and 90 % specificity.",
    ),
)
