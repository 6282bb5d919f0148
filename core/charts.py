"""From runs and their evaluations to figures: which arrays stand in a figure. Counting is core.evaluation's, drawing core.figures'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import figures
from core.evaluation import calibration, history, operating, overview
from core.evaluation.metrics import Evaluation, answers_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go

    from core.runs.index import Row

THRESHOLDS = 201  # from 0 to 1


def curves(rows: history.Rows, epochs: int, smoothing: float = 0.0, log: bool = False, rates: bool = False) -> go.Figure:
    """One run's curves; `smoothing` in [0, 1) draws smoothed lines over the measured ones."""
    smoothed = history.smoothed(rows, smoothing) if smoothing else None
    return figures.curves(history.thinned(rows), epochs, log=log, smoothed=smoothed, rates=rates)


def overlay(
    runs: Mapping[str, history.Rows],
    quantity: history.Quantity,
    part: history.Part,
    by: history.By,
    smoothing: float = 0.0,
    log: bool = False,
) -> go.Figure:
    """Several runs' curves of one quantity over each other, by the name given to each."""
    colours, lines = figures.run_colours(list(runs)), []
    for name, rows in runs.items():
        curve = history.curve(rows, quantity, part, by, smoothing)
        lines.append(figures.Series(name, colours[name], curve.x, curve.y, curve.smoothed, curve.best))
    title = {"loss": f"Loss (cross entropy), {part}", "accuracy": f"Accuracy, {part}"}.get(quantity, "Learning rate")
    return figures.overlay(lines, log, title=title, percent=quantity == "accuracy")


def roc(predictions: pd.DataFrame, classes: tuple[str, ...], evaluation: Evaluation, thresholds: Mapping[str, float]) -> go.Figure:
    """A ROC curve a class against the rest, with the point at each class's threshold."""
    found, points = {}, {}
    for name, labels, scores in _one_against_rest(predictions, classes):
        curve, point = operating.roc(labels, scores), operating.operating_point(labels, scores, thresholds[name])
        if curve.defined:
            found[name] = (curve.x, curve.y)
            points[name] = (1 - point.specificity.value, point.sensitivity.value)
    return figures.roc(found, points, _areas(evaluation, "roc_auc", found))


def precision_recall(
    predictions: pd.DataFrame, classes: tuple[str, ...], evaluation: Evaluation, thresholds: Mapping[str, float]
) -> go.Figure:
    """A precision-recall curve a class, above its prevalence, with the point at its threshold."""
    found, points, prevalence = {}, {}, {}
    for name, labels, scores in _one_against_rest(predictions, classes):
        curve, point = operating.precision_recall(labels, scores), operating.operating_point(labels, scores, thresholds[name])
        if curve.defined:
            found[name] = (curve.x, curve.y)
            points[name] = (point.sensitivity.value, point.ppv.value)
            prevalence[name] = float(labels.mean())
    return figures.precision_recall(found, points, _areas(evaluation, "average_precision", found), prevalence)


def reliability(found: calibration.Reliability) -> go.Figure:
    return figures.reliability(found.confidence, found.accuracy, found.low, found.high, found.count, found.ece)


@dataclass(frozen=True)
class Threshold:
    """What one class's threshold does: on the images, and at another prevalence. `figure` shows all thresholds."""

    point: operating.OperatingPoint
    ppv: float  # at the prevalence asked for
    npv: float
    figure: go.Figure


def threshold(predictions: pd.DataFrame, classes: tuple[str, ...], name: str, chosen: float, prevalence: float) -> Threshold:
    """Sensitivity and specificity over the threshold of class `name`, and predictive values at `prevalence` (a share)."""
    import numpy as np

    labels, scores = next((labels, scores) for other, labels, scores in _one_against_rest(predictions, classes) if other == name)
    grid = np.linspace(0, 1, THRESHOLDS)
    called = scores[np.newaxis] >= grid[:, np.newaxis]
    sensitivity, specificity = called[:, labels].mean(axis=1), 1 - called[:, ~labels].mean(axis=1)
    ppv, npv = np.transpose([operating.at_prevalence(*pair, prevalence) for pair in zip(sensitivity, specificity, strict=True)])
    point = operating.operating_point(labels, scores, chosen)
    now = operating.at_prevalence(point.sensitivity.value, point.specificity.value, prevalence)
    return Threshold(point, *now, figures.threshold(grid, sensitivity, specificity, ppv, npv, chosen))


def thresholds(predictions: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, float]:
    """Each class's threshold, chosen on the validation part alone."""
    labels, probabilities, _ = answers_of(predictions, classes, "validation")
    return operating.thresholds(labels, probabilities, classes)


def cost(lines: Sequence[overview.Line], column: str) -> go.Figure:
    """Accuracy against one of `overview.COSTS`, with the Pareto front; lines whose cost is unknown are left out."""
    known = [line for line in lines if line.value(column)]
    front = overview.front([(line.value(column), line.value("accuracy")) for line in known])
    points = [
        figures.CostPoint(line.name, line.value(column), *vars(line.metrics["accuracy"]).values(), on)
        for line, on in zip(known, front, strict=True)
    ]
    return figures.cost(points, title=overview.COSTS[column].title)


def spread_of_repeats(rows: Sequence[Row]) -> go.Figure | None:
    """Runs of one experiment, which differ in seed or fold alone, as dots of accuracy with their mean as a bar; None where none repeats."""
    repeated = [line for line in overview.lines(rows, "experiment") if len(line.rows) > 1]
    return figures.spread({line.name: [row.metrics["accuracy"] for row in line.rows] for line in repeated}) if repeated else None


def _one_against_rest(
    predictions: pd.DataFrame, classes: tuple[str, ...], split: str | None = None
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(class, whether an image is of it: bool [images], its probability: float [images]) for every class."""
    labels, probabilities, _ = answers_of(predictions, classes, split)
    for number, name in enumerate(classes):
        yield name, labels == number, probabilities[:, number]


def _areas(evaluation: Evaluation, metric: str, names: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    found = {name: evaluation.per_class[name][metric] for name in names}
    return {name: (area.value, area.low, area.high) for name, area in found.items()}
