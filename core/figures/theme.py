"""What all figures share: colours, frame, axes. Text and background stay the page's own, so that both of its themes are legible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.words import with_words

Line = tuple[Sequence[float], Sequence[float]]
"""x and y of one line, equally long; NaN is a gap."""

TRAINING, VALIDATION, BEST = "#7a8ca3", "#0b7285", "#d9480f"
PARTS = {"train": "#0b7285", "validation": "#66a5b3", "test": "#d9480f"}
REFERENCE = "#8a97a1"
"""Of what is no result: diagonals, base lines, margins; seen on white and on black."""

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#775533", "#555555")
"""Of classes: Okabe & Ito's colours, told apart by colour-blind people; brown for yellow, which is not seen on white, and which darkened
is vermilion to those who see no red."""

RUNS = ("#9555ea", "#aaaa00", "#00806a", "#aa5500", "#d49580", "#954040", "#55aaaa", "#aa0095", "#9595ea", "#d45580")
"""Of runs: searched for the largest least difference (CIEDE2000) with normal, protanopic and deuteranopic sight (Machado et al. 2009),
away from the classes' colours, and seen on white and on black. The first ones differ most."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
DASH = {colour: DASHES[number % len(DASHES)] for palette in (PALETTE, RUNS) for number, colour in enumerate(palette)}
"""Of a line in each of these colours: colours that few people can tell apart have different dashes."""

PERCENT = {"range": [0, 1], "tickformat": ".0%"}
"""An axis of shares."""

LEGEND = {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "title": None}
"""One line below the plot, more where the page is narrow."""


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """A colour a class; the same classes always get the same colours."""
    return {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(sorted(classes))}


def run_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour a run, none of them a class's; in the order given, so the first run keeps its colour when others are added.

    From the eleventh run on they start over.
    """
    return {name: RUNS[index % len(RUNS)] for index, name in enumerate(dict.fromkeys(names))}


def stroke(colour: str, width: float = 2.5) -> dict[str, Any]:
    """A line in a colour and with the dash that goes with it, the same wherever the colour stands; others are solid."""
    return {"color": colour, "width": width, "dash": DASH.get(colour, "solid")}


def framed(figure: go.Figure, height: int, words: str, **layout: Any) -> go.Figure:
    """The frame that every figure has; `height` in pixels, the width is the page's; `words`: what it says to those who do not see it."""
    for name, value in {"height": height, "margin": {"l": 10, "r": 10, "t": 30, "b": 10}, **layout}.items():
        figure.layout[name] = value  # update_layout takes several times as long, and every page draws figures
    return with_words(figure, words)


def interval(values: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str | None = None) -> dict[str, Any]:
    """Error bars from bounds; none where a bound is NaN. Each [points]"""
    middle = np.asarray(values, dtype=float)
    above, below = np.asarray(high, dtype=float) - middle, middle - np.asarray(low, dtype=float)
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5, "width": 4, "color": colour}


def log_axis(values: Iterable[float | None]) -> dict[str, Any]:
    """A logarithmic axis for `values`, each tick with its full number; Plotly's own labels leave the power of ten to be guessed."""
    numbers = np.array(list(values), dtype=float)
    numbers = numbers[np.isfinite(numbers) & (numbers > 0)]
    if not len(numbers):
        return {"type": "log"}
    low, high = np.floor(np.log10(numbers.min())), np.ceil(np.log10(numbers.max()))
    decades = 10 ** np.arange(low - 1, high + 1)
    for steps in ([1.0], [1.0, 3.0], [1.0, 2.0, 5.0], *(np.arange(1, 10, step) for step in (1, 0.5, 0.2, 0.1, 0.05, 0.02))):
        ticks = np.outer(decades, steps).ravel()
        if ((ticks >= numbers.min()) & (ticks <= numbers.max())).sum() >= 3 or numbers.min() == numbers.max():
            break
    ticks = ticks[(ticks > numbers.min() / 2) & (ticks < numbers.max() * 2)]
    return {"type": "log", "tickvals": ticks, "tickformat": "~s" if numbers.max() >= 1e4 else "~g"}


def epoch_axis(epochs: float) -> dict[str, Any]:
    """An axis up to `epochs` with few, whole ticks, which a narrow page can hold too."""
    steps = (step * 10**power for power in range(7) for step in (1, 2, 5))
    return {"title": "epoch", "tickangle": 0, "dtick": next(step for step in steps if step >= epochs / 6)}
