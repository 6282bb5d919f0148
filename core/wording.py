"""Numbers as people read them. One place, so that the pages, the command line and the log say the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

MEDICAL_NOTE = "Not a medical device: for teaching and research. It must not be used to diagnose anybody."
SYNTHETIC_NOTE = "Trained on synthetic images: what it finds says nothing about real X-rays."

RECORDED = " (recorded)"
"""Ends the name of what came with the project: runs, their data, and experiments of such runs."""
METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "F1, mean of classes",
    "mcc": "Matthews correlation",
    "kappa": "Cohen’s kappa",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "loss": "Loss (cross entropy)",
    "brier": "Brier score",
    "calibration_error": "Calibration error",
    "precision": "Precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
}
"""One name a metric, everywhere."""
PLAIN = frozenset({"mcc", "kappa", "roc_auc", "average_precision", "loss", "brier", "calibration_error"})
"""Metrics that are no shares of images, and so no percentages."""
AVERAGES = {"macro": "Mean of classes", "weighted": "Mean by class size", "micro": "All decisions pooled"}
"""One name a kind of average over classes."""


def duration(seconds: float | None) -> str:
    """`seconds` as "about 4 min"; an unknown time is "unknown"."""
    if seconds is None:
        return "unknown"
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"about {round(seconds)} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"about {seconds / 3600:.1f} h"
    return f"about {seconds / 86400:.1f} days"


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def percent_interval(share: float, low: float, high: float) -> str:
    """A share with its interval: "87.0 % (82.1–91.2)"."""
    return estimate("accuracy", share, low, high)


def data_set(name: str, synthetic: bool) -> str:
    """A data set's name; synthetic data is called so wherever it is named."""
    return f"{name} (synthetic)" if synthetic else name


def part_of(data: str, part: str) -> str:
    """A data set's name with the part of it that is meant; `part` is empty for the whole."""
    return f"{data} · {part}" if part else data


def figure(name: str, value: float) -> str:
    """A metric's value: shares as percentages, all else as it is, "undefined" where it is."""
    if value != value:
        return "undefined"
    return f"{value:.3f}" if name in PLAIN else percent(value)


def unknown(number: int | None) -> str:
    """A count, or "unknown"."""
    return "unknown" if number is None else f"{number:,}"


def count(number: int, thing: str, things: str | None = None) -> str:
    """ "1 image", "1,124 images"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def size(number: int) -> str:
    """Bytes as text: "12.3 GB", "15 MB", "3 kB"."""
    for unit, name, digits in ((1e9, "GB", 1), (1e6, "MB", 0)):
        if number >= unit:
            return f"{number / unit:,.{digits}f} {name}"
    return f"{-(-number // 1000)} kB"


def listed(things: Sequence[str], most: int = 3) -> str:
    """ "a; b; c; and 4 more"."""
    return "; ".join([*things[:most], *([f"and {len(things) - most:,} more"] if len(things) > most else [])])


def short(number: float) -> str:
    """A large number in three digits: "62.3 k", "11.2 M", "1.82 G"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def moment(timestamp: float | None) -> str:
    """A Unix time in the machine's own time zone, to the minute; empty where there is none."""
    return datetime.fromtimestamp(timestamp).strftime("%d %b %Y %H:%M") if timestamp else ""


def day(timestamp: float) -> str:
    """The day of a Unix time in UTC, alike on every machine: "25 Nov 2026"."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%d %b %Y")


def estimate(name: str, value: float, low: float, high: float) -> str:
    """A metric with its interval: "84.1 % (79.0–88.6)", "0.512 (0.401–0.633)"; without one where it is unknown."""
    interval = bounds(name, low, high)
    return f"{figure(name, value)} ({interval})" if interval else figure(name, value)


def bounds(name: str, low: float, high: float) -> str:
    """A metric's interval: "79.0–88.6", "0.401–0.633"; empty where it is unknown."""
    return "" if low != low else f"{_bare(name, low)}–{_bare(name, high)}"


def spread(name: str, mean: float, deviation: float | None, runs: int) -> str:
    """A metric over several runs: "84.1 % ± 1.2 (5 runs)"."""
    around = "" if deviation is None else f" ± {_bare(name, deviation)}"
    return f"{figure(name, mean)}{around} ({count(runs, 'run')})"


def _bare(name: str, value: float) -> str:
    return figure(name, value).removesuffix(" %")
