"""Numbers as people read them. One place, so that the pages, the command line and the log say the same."""

from __future__ import annotations

from datetime import datetime

METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "F1, mean of classes",
    "loss": "Loss (cross entropy)",
    "precision": "Precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
}
"""One name a metric, everywhere."""


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
    return f"{percent(share)} ({100 * low:.1f}–{100 * high:.1f})"


def data_set(name: str, synthetic: bool) -> str:
    """A data set's name; synthetic data is called so wherever it is named."""
    return f"{name} (synthetic)" if synthetic else name


def figure(name: str, value: float) -> str:
    """A metric's value: shares as percentages, losses as they are, "undefined" where it is."""
    if value != value:
        return "undefined"
    return f"{value:.3f}" if name == "loss" else percent(value)


def unknown(number: int | None) -> str:
    """A count, or "unknown"."""
    return "unknown" if number is None else f"{number:,}"


def count(number: int, thing: str, things: str | None = None) -> str:
    """ "1 image", "1,124 images"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def short(number: float) -> str:
    """A large number in three digits: "62.3 k", "11.2 M", "1.82 G"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def moment(timestamp: float | None) -> str:
    """A Unix time in the machine's own time zone, to the minute; empty where there is none."""
    return datetime.fromtimestamp(timestamp).strftime("%d %b %Y %H:%M") if timestamp else ""
