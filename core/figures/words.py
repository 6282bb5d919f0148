"""Figures in words, for those who hear a page instead of seeing it: what is shown, over which range, and what stands out.

The words are made with the figure, from the same arrays, and travel in it (`layout.meta`), so that no page can show one without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

MOST = 6  # things that are said one by one


def with_words(figure: go.Figure, words: str) -> go.Figure:
    """`figure` with what it says in words."""
    return figure.update_layout(meta={"words": words})


def alt_text(figure: go.Figure) -> str:
    """What `figure` says in words; every figure of this package says something."""
    return figure.layout.meta["words"]


def percent(share: float, digits: int = 1) -> str:
    """A share as people read it; "–" where there is none."""
    return f"{100 * share:.{digits}f} %" if np.isfinite(share) else "–"


def number(value: float) -> str:
    """A number in three digits; "–" where there is none."""
    return f"{value:.3g}" if np.isfinite(value) else "–"


def count(things: int, name: str) -> str:
    """ "1 image", "1,124 images"."""
    return f"{things:,} {name}{'' if things == 1 else 's'}"


def listed(items: Sequence[str], most: int = MOST) -> str:
    """ "a; b; and 3 more"; "none" where there is nothing."""
    rest = len(items) - most
    return "; ".join([*items[:most], *([f"and {rest:,} more"] if rest > 0 else [])]) or "none"


def counted(counts: Mapping[str, Any], text: Callable[[Any], str] = "{:,}".format) -> str:
    """ "covid 120; normal 1,000"."""
    return listed([f"{name} {text(value)}" for name, value in counts.items()])


def known(xs: Sequence[float | None], ys: Sequence[float | None]) -> tuple[np.ndarray, np.ndarray]:
    """The points of a line that are no gaps. Each float [points]"""
    x, y = np.asarray(list(xs), dtype=float), np.asarray(list(ys), dtype=float)
    there = np.isfinite(x) & np.isfinite(y)
    return x[there], y[there]


def course(xs: Sequence[float | None], ys: Sequence[float | None], text: Callable[[float], str] = number) -> str:
    """Where a line starts and ends: "from 1.2 to 0.31"; "no value yet" where it has no points."""
    _, y = known(xs, ys)
    if not len(y):
        return "no value yet"
    return f"from {text(y[0])} to {text(y[-1])}" if len(y) > 1 else text(y[0])


def bounds(values: Sequence[float | None], text: Callable[[float], str] = number) -> str:
    """The range of values: "0.2 to 0.9"; "no value" where there is none."""
    found, _ = known(values, values)
    if not len(found):
        return "no value"
    low, high = text(found.min()), text(found.max())
    return low if low == high else f"{low} to {high}"
