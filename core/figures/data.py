"""Bars: images a class and part, and one image's probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from core.figures.theme import LEGEND, PARTS, PERCENT, class_colours, framed


def class_counts(counts: Mapping[str, int]) -> go.Figure:
    """Images a class."""
    colours = class_colours(list(counts))
    bars = go.Bar(
        y=list(counts),
        x=list(counts.values()),
        orientation="h",
        text=list(counts.values()),
        marker_color=[colours[name] for name in counts],
    )
    figure = go.Figure(bars)
    figure.update_xaxes(title="images")
    figure.update_yaxes(autorange="reversed")
    return framed(figure, 80 + 42 * len(counts))


def part_counts(counts: pd.DataFrame) -> go.Figure:
    """Images a class, stacked by part. `counts`: rows classes, columns parts"""
    figure = go.Figure()
    for part in counts.columns:
        figure.add_bar(
            y=list(counts.index), x=counts[part].tolist(), name=part, orientation="h", marker_color=PARTS[part], text=counts[part].tolist()
        )
    figure.update_xaxes(title="images")
    figure.update_yaxes(autorange="reversed")
    return framed(figure, 130 + 42 * len(counts), barmode="stack", legend=LEGEND | {"traceorder": "normal"})


def shares(probabilities: Mapping[str, float]) -> go.Figure:
    """One bar a class, with its probability."""
    names, colours = list(probabilities), class_colours(list(probabilities))
    values = [probabilities[name] for name in names]
    figure = go.Figure(
        go.Bar(
            y=names, x=values, orientation="h", marker_color=[colours[name] for name in names],
            text=[f"{100 * value:.1f} %" for value in values], textposition="auto", cliponaxis=False,
        )
    )  # fmt: skip
    figure.update_xaxes(PERCENT)
    figure.update_yaxes(autorange="reversed")
    return framed(figure, 80 + 40 * len(names))
