"""Small figures that explain a term: lines, two groups and a limit between them, repeated intervals, pictures side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import words
from core.figures.theme import BEST, LEGEND, PALETTE, PERCENT, REFERENCE, VALIDATION, Line, framed, interval, stroke
from core.figures.words import percent

HEIGHT = 280  # pixels: they stand in a small window
BLACK_TO_WHITE = [[0, "#000000"], [1, "#ffffff"]]


def lines(curves: Mapping[str, Line], x: str, y: str, shares: Literal["", "y", "xy"] = "") -> go.Figure:
    """Lines by their names.

    Args:
        x, y: titles of the axes.
        shares: the axes whose values are shares in [0, 1].
    """
    figure = go.Figure()
    for (name, (xs, ys)), colour in zip(curves.items(), PALETTE, strict=False):
        figure.add_scatter(x=xs, y=ys, mode="lines", name=name, line=stroke(colour))
    figure.update_xaxes(PERCENT if shares == "xy" else {}, title=x)
    figure.update_yaxes(PERCENT | {"range": [0, 1.03]} if shares else {"rangemode": "tozero"}, title=y)
    said = [f"{name} {words.course(*line, percent if 'y' in shares else words.number)}" for name, line in curves.items()]
    over = words.bounds([value for xs, _ in curves.values() for value in xs], percent if shares == "xy" else words.number)
    text = f"{y} over {x}, {over}. {words.listed(said)}."
    return framed(figure, HEIGHT, text, legend=LEGEND, showlegend=len(curves) > 1)


def bars(values: Mapping[str, float], y: str) -> go.Figure:
    """A bar a name. `values`: shares in [0, 1]"""
    figure = go.Figure(
        go.Bar(x=list(values), y=list(values.values()), text=[percent(value, 0) for value in values.values()], marker_color=VALIDATION)
    )
    figure.update_yaxes(PERCENT | {"range": [0, 1.03]}, title=y)
    return framed(figure, HEIGHT, f"{y}: {words.counted(values, percent)}.")


def groups(values: Mapping[str, Sequence[float]], limit: float, x: str, limit_name: str) -> go.Figure:
    """How often each value occurs in each of some groups, over each other, and a limit."""
    figure = go.Figure()
    everything = np.concatenate([np.asarray(each, dtype=float) for each in values.values()])
    edges = np.linspace(everything.min(), everything.max(), 31)
    for (name, each), colour in zip(values.items(), PALETTE, strict=False):
        counts, _ = np.histogram(each, edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts, width=edges[1] - edges[0], name=name, marker_color=colour, opacity=0.6,
            marker_line_width=0,
        )  # fmt: skip
    figure.add_vline(x=limit, line={"color": BEST, "width": 2.5}, annotation_text=limit_name, annotation_position="top right")
    figure.update_xaxes(title=x)
    figure.update_yaxes(title="images")
    above = {name: np.mean(np.asarray(each) > limit) for name, each in values.items() if len(each)}
    text = f"How often each {x} occurs. Above the {limit_name}, {words.number(limit)}: {words.counted(above, percent)}."
    return framed(figure, HEIGHT, text, barmode="overlay", legend=LEGEND)


def intervals(values: Sequence[float], low: Sequence[float], high: Sequence[float], truth: float) -> go.Figure:
    """Repeated estimates of one share with their intervals; those that miss the truth stand out. Each [repeats]"""
    values, low, high = (np.asarray(each, dtype=float) for each in (values, low, high))
    figure = go.Figure()
    missed = (low > truth) | (high < truth)
    for name, chosen, colour in (("interval holds the truth", ~missed, VALIDATION), ("misses it", missed, BEST)):
        figure.add_scatter(
            x=np.flatnonzero(chosen) + 1, y=values[chosen], mode="markers", name=name, marker={"color": colour, "size": 7},
            error_y=interval(values[chosen], low[chosen], high[chosen], colour),
        )  # fmt: skip
    figure.add_hline(y=truth, line={"color": REFERENCE, "dash": "dash"})
    figure.update_xaxes(title="repeat", tickangle=0)
    figure.update_yaxes(tickformat=".0%")
    missing = f"{missed.sum()} of their intervals miss the truth, {percent(truth)}"
    text = f"{words.count(len(values), 'repeated estimate')}, {words.bounds(values, percent)}. {missing}."
    return framed(figure, HEIGHT, text, legend=LEGEND)


def pictures(panels: Mapping[str, np.ndarray], hot: Sequence[str] = ()) -> go.Figure:
    """Arrays side by side, each under its name and over its own range. float or uint8 [height, width]

    Args:
        hot: names of those that are drawn in the colours of heat maps; the others are grey.
    """
    figure = make_subplots(rows=1, cols=len(panels), subplot_titles=list(panels), horizontal_spacing=0.03)
    for column, (name, values) in enumerate(panels.items(), start=1):
        values = np.asarray(values, dtype=float)
        colours = "Inferno" if name in hot else BLACK_TO_WHITE
        figure.add_heatmap(
            z=values, zmin=values.min(), zmax=max(values.max(), values.min() + 1e-9), colorscale=colours, showscale=False,
            hoverinfo="skip", row=1, col=column,
        )  # fmt: skip
        figure.update_xaxes(visible=False, constrain="domain", row=1, col=column)
        anchor = f"x{column if column > 1 else ''}"
        figure.update_yaxes(visible=False, autorange="reversed", scaleanchor=anchor, constrain="domain", row=1, col=column)
    said = [f"{name}{' as a heat map' if name in hot else ''}" for name in panels]
    return framed(figure.update_annotations(font_size=12), 200, f"Pictures side by side: {words.listed(said)}.")
