"""A run's metrics as curves: chosen, smoothed and thinned for drawing. What is stored stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from core.errors import InvalidSpec

Rows = Sequence[Mapping[str, Any]]
"""Of `metrics.jsonl`, kinds "step" and "epoch"."""

Quantity = Literal["loss", "accuracy", "learning rate"]
Part = Literal["train", "validation"]
By = Literal["epoch", "step"]

FEWEST_POINTS = 8
"""Ends, extremes, and as many again for the shape between them."""

GAPS = 4  # at most every fourth point marks a gap


@dataclass(frozen=True)
class Curve:
    """One line to draw; x in epochs, NaN is a gap. All float [points]"""

    x: np.ndarray
    y: np.ndarray  # as measured
    smoothed: np.ndarray | None  # at the same x; None where no smoothing was asked for
    best: tuple[float, float] | None  # the best epoch and its value


def worth_drawing(rows: int) -> int:
    """How many of a growing history's rows a picture needs: a hundredth more of a curve is hardly seen, and each picture costs."""
    return rows - rows % (rows // 100 or 1)


def curve(rows: Rows, quantity: Quantity, part: Part = "train", by: By = "epoch", weight: float = 0.0, points: int = 1_000) -> Curve:
    """`series`, smoothed where `weight` is above 0 and then thinned; the best epoch is always among the points.

    Raises:
        InvalidSpec: as `series`, `smooth` and `thin`.
    """
    x, y = series(rows, quantity, part, by)
    smoothed = smooth(y, weight) if weight else None
    best = best_epoch(rows)
    marked = [] if best is None or not len(x) or x[0] > best else [int(np.searchsorted(x, best, side="right")) - 1]
    keep = thin(x, y, points, marked)
    stars = [(float(x[index]), float(y[index])) for index in marked if np.isfinite(y[index])]
    return Curve(x[keep], y[keep], None if smoothed is None else smoothed[keep], stars[0] if stars else None)


def series(rows: Rows, quantity: Quantity, part: Part = "train", by: By = "epoch") -> tuple[np.ndarray, np.ndarray]:
    """x in epochs and y of one quantity, a point an epoch or a stored step; NaN where a loss was no number. Both float [points]

    A run has one learning rate, whatever the part; an epoch's is that of its last step.

    Raises:
        InvalidSpec: steps have no such quantity: they hold training loss and learning rate.
    """
    if by == "epoch":
        chosen = [row for row in rows if row["kind"] == "epoch"]
        x, name = [row["epoch"] for row in chosen], "lr" if quantity == "learning rate" else f"{part}_{quantity}"
    elif quantity == "learning rate" or (quantity, part) == ("loss", "train"):
        chosen = [row for row in rows if row["kind"] == "step"]
        x, name = [row["epoch"] - 1 + row["step"] / row["steps"] for row in chosen], "lr" if quantity == "learning rate" else "loss"
    else:
        raise InvalidSpec("Steps have a training loss and a learning rate.", f"{part} {quantity} by step", "Choose it by epoch.")
    return np.array(x, dtype=np.float64), np.array([row[name] for row in chosen], dtype=np.float64)


def best_epoch(rows: Rows) -> int | None:
    """The epoch whose weights are kept: the last one marked best; None before the first."""
    return max((row["epoch"] for row in rows if row["kind"] == "epoch" and row["best"]), default=None)


def smooth(y: Sequence[float | None] | np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average without the bias to its start, as TensorBoard draws it. float [points]

    Values that are no number stay gaps, and the average goes on behind them.

    Args:
        weight: of what came before, in [0, 1); 0 changes nothing.

    Raises:
        InvalidSpec: a weight outside that.
    """
    import pandas as pd

    if not 0 <= weight < 1:
        raise InvalidSpec("A smoothing weight is at least 0 and below 1.", weight, "0.6 smooths a little, 0.95 a lot.")
    values = np.array(y, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    means = pd.Series(values).ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean().to_numpy()
    return np.where(np.isnan(values), np.nan, means)


def thin(x: np.ndarray, y: np.ndarray, points: int, keep: Sequence[int] = ()) -> np.ndarray:
    """Indices of at most `points` points that look like all of them, and of those in `keep`; rising. int [kept]

    MinMaxLTTB (Van Der Donckt et al. 2023); both ends, the smallest and the largest value are always among them. Gaps (NaN) stay gaps: one
    point each, the longest first where there are more than a quarter of `points`. No more points than `points`: all are kept.

    Args:
        x: rising. float [n]
        y: float [n]

    Raises:
        InvalidSpec: fewer points than a shape needs.
    """
    from tsdownsample import MinMaxLTTBDownsampler

    if points < FEWEST_POINTS:
        raise InvalidSpec(f"A curve is thinned to at least {FEWEST_POINTS} points.", points, "1,000 are enough for any screen.")
    if len(y) <= points:
        return np.arange(len(y))
    finite = np.isfinite(y)
    gaps = _gaps(finite, points // GAPS)
    numbers = np.flatnonzero(finite)
    room = points - len(gaps) - 2  # two for the extremes
    if len(numbers) > room + 2:
        x, y = np.ascontiguousarray(x[numbers], dtype=np.float64), np.ascontiguousarray(y[numbers], dtype=np.float64)
        shape = MinMaxLTTBDownsampler().downsample(x, y, n_out=room).astype(np.int64)
        numbers = numbers[np.union1d(shape, [y.argmin(), y.argmax()])]
    return np.union1d(np.concatenate([numbers, gaps]), np.array(keep, dtype=np.int64)).astype(np.int64)


def thinned(rows: Rows, points: int = 1_000) -> list[Mapping[str, Any]]:
    """`rows` with at most `points` of their steps, thinned by loss; every epoch is kept."""
    steps = [index for index, row in enumerate(rows) if row["kind"] == "step"]
    x, y = series(rows, "loss", "train", "step")
    kept = {steps[index] for index in thin(x, y, points)}
    return [row for index, row in enumerate(rows) if row["kind"] != "step" or index in kept]


def smoothed(rows: Rows, weight: float, points: int = 1_000) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Smoothed lines over the epochs by the name that their values have in `rows`, thinned: what `figures.curves` draws over them."""
    lines = {}
    names: tuple[tuple[Part, Quantity], ...] = tuple(product(("train", "validation"), ("loss", "accuracy")))
    for part, quantity in names:
        x, y = series(rows, quantity, part)
        means = smooth(y, weight)
        keep = thin(x, means, points)
        lines[f"{part}_{quantity}"] = (x[keep], means[keep])
    return lines


def _gaps(finite: np.ndarray, most: int) -> np.ndarray:
    """The first index of each run of values that are no number, of the `most` longest ones, rising. int [gaps]"""
    edges = np.diff(np.concatenate([[True], finite, [True]]).astype(np.int8))
    starts, lengths = np.flatnonzero(edges == -1), np.flatnonzero(edges == 1) - np.flatnonzero(edges == -1)
    return np.sort(starts[np.argsort(-lengths, kind="stable")[:most]])
