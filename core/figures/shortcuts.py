"""How accuracy falls when a planted marker goes: bars of each condition, beside chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.figures import words
from core.figures.theme import LEGEND, PERCENT, REFERENCE, framed, interval, run_colours
from core.figures.words import percent


def collapse(groups: Mapping[str, Sequence[tuple[float, float, float]]], conditions: Sequence[str], chance: float) -> go.Figure:
    """A bar with its interval for each condition and group.

    Args:
        groups: name → (accuracy, low, high) of each condition, shares in [0, 1].
        conditions: where the marker stands, in words.
        chance: accuracy of a network that knows nothing, drawn as a line.
    """
    figure, colours = go.Figure(), run_colours(list(groups))
    for name, points in groups.items():
        values, low, high = zip(*points, strict=True)
        figure.add_bar(
            x=list(conditions), y=values, name=name, marker_color=colours[name], error_y=interval(values, low, high, REFERENCE),
            text=[percent(value) for value in values], textposition="auto", insidetextanchor="start", textangle=0,
            customdata=[f"{percent(value)} ({percent(below)} to {percent(above)})" for value, below, above in points],
            hovertemplate=f"{name}<br>marker %{{x}}: %{{customdata}}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(chance, line={"color": REFERENCE, "dash": "dash"}, showlegend=True, name=f"chance {percent(chance, 0)}")
    figure.update_xaxes(title="marker")
    figure.update_yaxes(PERCENT | {"range": [0, 1.06], "title": "accuracy"})
    said = [
        f"{name}: {', '.join(f'{condition} {percent(point[0])}' for condition, point in zip(conditions, points, strict=True))}"
        for name, points in groups.items()
    ]
    text = f"Accuracy by where the marker stands. {words.listed(said)}. Chance is {percent(chance)}."
    return framed(figure, 380, text, barmode="group", legend=LEGEND)
