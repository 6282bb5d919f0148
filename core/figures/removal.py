"""What becomes of an answer while places of the image are taken away or given back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures import words
from core.figures.theme import BEST, LEGEND, PERCENT, REFERENCE, VALIDATION, Line, framed

EDGE = [-0.02, 1.02]  # so that lines and dots at an end are seen


def removal(deletion: Line, insertion: Line, random_deletions: Sequence[Line], random_insertions: Sequence[Line], label: str) -> go.Figure:
    """The probability of class `label` over the share of the image, by a map's order, and thin and grey by random orders.

    Args:
        deletion, insertion: x is the share of the image that was taken away, or given back; y the probability.
    """
    figure = go.Figure()
    for name, lines, dash in (("random, away", random_deletions, "solid"), ("random, back", random_insertions, "dot")):
        for number, (x, y) in enumerate(lines):
            figure.add_scatter(
                x=x, y=y, mode="lines", name=name, legendgroup=name, showlegend=number == 0, hoverinfo="skip",
                line={"color": REFERENCE, "width": 1, "dash": dash}, opacity=0.6,
            )  # fmt: skip
    for name, (x, y), colour in (("hottest taken away first", deletion, BEST), ("hottest given back first", insertion, VALIDATION)):
        figure.add_scatter(
            x=x, y=y, mode="lines+markers", name=name, line={"color": colour, "width": 3},
            hovertemplate="%{fullData.name}<br>%{x:.0%} of the image<br>probability %{y:.1%}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(PERCENT | {"range": EDGE}, title="share of the image taken away, or given back")
    figure.update_yaxes(PERCENT | {"range": EDGE}, title=f"probability of {label}")
    text = (
        f"Probability of {label} while places of the image are taken away, hottest first: {_stations(deletion)}. "
        f"While they are given back, hottest first: {_stations(insertion)}. In random order, at half of the image: "
        f"{words.bounds([_at(line, 0.5) for line in random_deletions], words.percent)} away, "
        f"{words.bounds([_at(line, 0.5) for line in random_insertions], words.percent)} back."
    )
    return framed(figure, 380, text, legend=LEGEND)


def _stations(line: Line) -> str:
    """A probability at the start, half-way, and at the end."""
    start, middle, end = (words.percent(_at(line, share)) for share in (0.0, 0.5, 1.0))
    return f"{start}, {middle} at half of the image, {end} at the end"


def _at(line: Line, share: float) -> float:
    return float(np.interp(share, *line))
