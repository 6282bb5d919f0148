"""The table over all runs: one line a run, or a line for several (repeats of an experiment, a model, a recipe), figures with bounds.

It reads the index alone. Runs in one group share their data, since a mean over different test images means nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from statistics import mean
from typing import TYPE_CHECKING, Any, Literal

from core import wording
from core.evaluation.intervals import Estimate, Spread
from core.runs.index import Row

if TYPE_CHECKING:
    import pandas as pd

Group = Literal["run", "experiment", "model", "recipe", "data"]
GROUPS: dict[Group, str] = {
    "run": "each run",
    "experiment": "repeats (other seeds or folds)",
    "model": "model",
    "recipe": "recipe",
    "data": "data set",
}
METRICS = (
    *("accuracy", "balanced_accuracy", "macro_f1", "mcc", "kappa", "roc_auc", "average_precision", "loss", "brier", "calibration_error"),
)
LOWER_IS_BETTER = frozenset(("loss", "brier", "calibration_error"))
PROBE = "probe"
"""Stands as the model of a line that no network is behind."""


@dataclass(frozen=True)
class Cost:
    """What a column of costs is called, in which unit it is given, and how it is read off a run."""

    title: str
    of: Callable[[Row], float | None]


COSTS: dict[str, Cost] = {
    "parameters": Cost("Parameters (million)", lambda row: _scaled(row, "parameters", 1e-6)),
    "multiply_adds": Cost("Multiply-adds (G)", lambda row: _scaled(row, "multiply_adds", 1e-9)),
    "images_per_second": Cost("Training (images/s)", lambda row: _scaled(row, "images_per_second", 1.0)),
    "milliseconds_an_image": Cost("Answer (ms an image)", lambda row: _scaled(row, "milliseconds_an_image", 1.0)),
    "peak_memory": Cost("Peak memory (GB)", lambda row: _scaled(row, "peak_memory", 1e-9)),
    "minutes": Cost("Time (min)", lambda row: None if row.seconds is None else row.seconds / 60),
}


@dataclass(frozen=True)
class Line:
    """One line of the table. `metrics` hold the run's own interval, or the mean of several runs without bounds."""

    name: str
    model: str
    data: str  # which images, for people: the set, and the part of it
    rows: tuple[Row, ...]  # newest first; none behind a probe
    metrics: Mapping[str, Estimate]
    spread: Mapping[str, Spread]  # of several runs
    images: int | None  # of the test part; None where runs differ

    def text(self, metric: str) -> str:
        """The metric for a table of texts: "84.1 % (79.0–88.6)", or "84.1 % ± 1.2 (5 runs)"; empty where there is none."""
        if metric in self.spread:
            return wording.spread(metric, self.spread[metric].mean, self.spread[metric].deviation, self.spread[metric].runs)
        estimate = self.metrics.get(metric)
        return wording.estimate(metric, estimate.value, estimate.low, estimate.high) if estimate else ""

    def value(self, column: str) -> float | None:
        """A metric, or a cost as the mean of the line's runs; None where unknown."""
        if column in COSTS:
            found = [value for value in map(COSTS[column].of, self.rows) if value is not None]
            return mean(found) if found else None
        return self.metrics[column].value if column in self.metrics else None


def lines(rows: Sequence[Row], by: Group = "run") -> list[Line]:
    """A line for each run that has been tested, or for each group of them, in the order of `rows` (newest first)."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.accuracy is not None:
            groups.setdefault(_key(row, by), []).append(row)
    return [_line(group, by) for group in groups.values()]


def probe_line(name: str, data: str, metrics: Mapping[str, Estimate], images: int) -> Line:
    """The line of a shortcut probe: a simple classifier that should find nothing, were the data clean."""
    return Line(f"{PROBE}: {name}", PROBE, data, (), metrics, {}, images)


def pooled(found: Sequence[Line]) -> list[Line]:
    """Lines of one probe on several splits of the same data as one line, a mean with its spread."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        groups.setdefault((line.name, line.data), []).append(line)
    return [_pooled(group) if len(group) > 1 else group[0] for group in groups.values()]


def ranked(found: Sequence[Line], column: str) -> list[Line]:
    """By one metric or cost, the best first, within the lines of the same data, where those that lack it come last.

    Over different images ranks mean nothing: of the data sets, the one with most runs comes first.
    """
    sign = -1 if column in METRICS and column not in LOWER_IS_BETTER else 1
    runs: Counter[str] = Counter()
    for line in found:
        runs[line.data] += len(line.rows)
    return sorted(found, key=lambda line: (-runs[line.data], line.data, line.value(column) is None, sign * (line.value(column) or 0)))


def best(found: Sequence[Line], column: str) -> set[int]:
    """Numbers of the lines that stand best in a metric among several on the same data, ties included.

    That others are worse is not shown by it: see core.evaluation.comparison.
    """
    sign = -1 if column in LOWER_IS_BETTER else 1
    values: dict[str, dict[int, float]] = {}
    for number, line in enumerate(found):
        value = line.value(column)
        if value is not None and value == value:
            values.setdefault(line.data, {})[number] = sign * value
    several = [rivals for rivals in values.values() if len(rivals) > 1]
    return {number for rivals in several for number, value in rivals.items() if value == max(rivals.values())}


def table(found: Sequence[Line], columns: Sequence[str]) -> pd.DataFrame:
    """Numbers, a row a line: metrics with their bounds beside them, costs in the units of `COSTS`. For sorting, and for CSV."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for line in found:
        row: dict[str, Any] = {"run": line.name, "model": line.model, "data": line.data, "runs": len(line.rows) or None, "n": line.images}
        for column in columns:
            row[column] = line.value(column)
            if column in line.metrics and not line.spread:
                row |= {f"{column}_low": line.metrics[column].low, f"{column}_high": line.metrics[column].high}
            elif column in line.spread:
                row[f"{column}_deviation"] = line.spread[column].deviation
        rows.append(row)
    return pd.DataFrame(rows)


def text_table(found: Sequence[Line], columns: Sequence[str]) -> list[dict[str, str]]:
    """Texts for people and for papers; the best of each metric carries a star."""
    stars = {column: best(found, column) for column in columns if column in METRICS}
    result = []
    for number, line in enumerate(found):
        said = line.name.endswith(wording.RECORDED)
        recorded = wording.RECORDED if not said and line.rows and all(each.recorded for each in line.rows) else ""
        row = {"Run": line.name + recorded, "Model": line.model, "Data": line.data, "n": "" if line.images is None else f"{line.images:,}"}
        for column in columns:
            if column in COSTS:
                value = line.value(column)
                row[COSTS[column].title] = "" if value is None else f"{value:.3g}"
            else:
                row[wording.METRICS[column]] = line.text(column) + (" ★" if number in stars[column] else "")
        result.append(row)
    return result


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which (cost, accuracy) points no other one beats in both: the Pareto front."""
    return [not any((c <= cost and a >= accuracy) and (c < cost or a > accuracy) for c, a in points) for cost, accuracy in points]


def _key(row: Row, by: Group) -> tuple[str, ...]:
    if by == "run":
        return (row.run_id,)
    if by == "experiment":
        return (row.taken, row.experiment)
    keys = {"model": row.model, "recipe": row.recipe or f"default, {row.model}", "data": row.taken}
    return (row.taken, keys[by])


def _line(rows: list[Row], by: Group) -> Line:
    newest = rows[0]
    several = len(rows) > 1
    values = {metric: [row.metrics[metric] for row in rows if metric in row.metrics] for metric in METRICS}
    metrics, spread = _means(values) if several else ({metric: _estimate(newest, metric) for metric, found in values.items() if found}, {})
    return Line(
        name=_title(rows, by) if several else newest.run_id,
        model=newest.model if len({row.model for row in rows}) == 1 else "several",
        data=newest.taken,
        rows=tuple(rows),
        metrics=metrics,
        spread=spread,
        images=_same([row.test_images for row in rows]),
    )


def _title(rows: list[Row], by: Group) -> str:
    """Of several runs; repeats are told from others of their recipe by what they were submitted as."""
    if by != "experiment":
        return f"{_key(rows[0], by)[-1]}, {len(rows)} runs"
    submitted = {row.experiment_name for row in rows}
    of = f" of {submitted.pop()}" if len(submitted) == 1 and submitted != {""} else ""
    return f"{rows[0].recipe or rows[0].model}, {len(rows)} runs{of}"


def _pooled(group: list[Line]) -> Line:
    values = {metric: [line.metrics[metric].value for line in group if metric in line.metrics] for metric in METRICS}
    means, spread = _means(values)
    name, images = f"{group[0].name}, {len(group)} splits", _same([line.images for line in group])
    return replace(group[0], name=name, metrics=means, spread=spread, images=images)


def _means(values: Mapping[str, list[float]]) -> tuple[dict[str, Estimate], dict[str, Spread]]:
    """Of each metric that some have: the mean, without bounds, and the spread."""
    known = {metric: found for metric, found in values.items() if found}
    means = {metric: Estimate(mean(found), nan, nan) for metric, found in known.items()}
    return means, {metric: Spread.of(found) for metric, found in known.items()}


def _same(images: Sequence[int | None]) -> int | None:
    return images[0] if len(set(images)) == 1 else None


def _estimate(row: Row, metric: str) -> Estimate:
    return Estimate(row.metrics[metric], row.metrics.get(f"{metric}_low", nan), row.metrics.get(f"{metric}_high", nan))


def _scaled(row: Row, cost: str, unit: float) -> float | None:
    return row.costs[cost] * unit if cost in row.costs else None
