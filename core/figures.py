"""Stored arrays → Plotly figures. Computes nothing but shares for colours; knows neither runs nor pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

TRAINING, VALIDATION, BEST = "#7a8ca3", "#0b7285", "#d9480f"
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c7a00", "#555555")
"""Okabe & Ito's colours, told apart by colour-blind people; yellow darkened to be seen on white."""

PARTS = {"train": "#0b7285", "validation": "#66a5b3", "test": "#d9480f"}


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """A colour a class; the same classes always get the same colours."""
    return {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(sorted(classes))}


def curves(rows: Sequence[dict[str, Any]], epochs: int) -> go.Figure:
    """Loss and accuracy over the epochs: training thin, validation thick, the best epoch marked.

    Args:
        rows: of a run's metrics, kinds "step" and "epoch".
        epochs: planned, so that the axis does not move while points come in.
    """
    steps = [row for row in rows if row["kind"] == "step"]
    done = [row for row in rows if row["kind"] == "epoch"]
    x = [row["epoch"] for row in done]
    figure = make_subplots(rows=1, cols=2, subplot_titles=("Loss (cross entropy)", "Accuracy"), horizontal_spacing=0.08)
    at = [row["epoch"] - 1 + row["step"] / row["steps"] for row in steps]
    figure.add_scatter(
        x=at,
        y=[row["loss"] for row in steps],
        mode="lines",
        name="training, single batches",
        line={"color": TRAINING, "width": 1},
        opacity=0.4,
    )
    for column, name in ((1, "loss"), (2, "accuracy")):
        for part, colour, width in (("train", TRAINING, 1.5), ("validation", VALIDATION, 3)):
            figure.add_scatter(
                x=x, y=[row[f"{part}_{name}"] for row in done], mode="lines+markers", row=1, col=column, showlegend=column == 1,
                name="training" if part == "train" else part, line={"color": colour, "width": width}, marker={"size": 4 + width},
            )  # fmt: skip
        best = [row for row in done if row["best"]][-1:]
        figure.add_scatter(
            x=[row["epoch"] for row in best], y=[row[f"validation_{name}"] for row in best], mode="markers", row=1, col=column,
            name="best epoch", showlegend=column == 1, marker={"color": BEST, "size": 13, "symbol": "star"},
        )  # fmt: skip
    figure.update_xaxes(title="epoch", range=[0, epochs + 0.2], dtick=max(1, epochs // 10))
    figure.update_yaxes(rangemode="tozero", row=1, col=1)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", row=1, col=2)
    return _framed(figure, 380).update_layout(legend={"orientation": "h", "y": -0.22}, uirevision="curves")


def confusion(matrix: np.ndarray | Sequence[Sequence[int]], classes: Sequence[str]) -> go.Figure:
    """Counts in the cells, coloured by their share of the row; rows are true classes. int [classes, classes]"""
    matrix = np.asarray(matrix)
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    text = [[f"{n}<br>{100 * part:.0f} %" for n, part in zip(row, parts, strict=True)] for row, parts in zip(matrix, share, strict=True)]
    names = [f"{name}<br>n = {total}" for name, total in zip(classes, totals[:, 0], strict=True)]
    figure = go.Figure(
        go.Heatmap(
            z=share, x=[name.replace(" ", "<br>") for name in classes], y=names, text=text, texttemplate="%{text}",
            colorscale="Blues", zmin=0, zmax=1, showscale=False,
            hovertemplate="true: %{y}<br>predicted: %{x}<br>%{text}<extra></extra>", xgap=2, ygap=2,
        )
    )  # fmt: skip
    figure.update_xaxes(title="predicted", side="bottom", tickangle=0)
    figure.update_yaxes(title="true", autorange="reversed")
    return _framed(figure, 150 + 72 * len(classes))


def class_counts(counts: dict[str, int]) -> go.Figure:
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
    return _framed(figure, 80 + 42 * len(counts))


def part_counts(counts: pd.DataFrame) -> go.Figure:
    """Images a class, stacked by part. `counts`: rows classes, columns parts"""
    figure = go.Figure()
    for part in counts.columns:
        figure.add_bar(
            y=list(counts.index), x=counts[part].tolist(), name=part, orientation="h", marker_color=PARTS[part], text=counts[part].tolist()
        )
    figure.update_xaxes(title="images")
    figure.update_yaxes(autorange="reversed")
    return _framed(figure, 110 + 42 * len(counts)).update_layout(
        barmode="stack", legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "traceorder": "normal"}
    )


def learning_rate(rates: np.ndarray, steps: int) -> go.Figure:
    """The learning rate of every step, over epochs of `steps`."""
    keep = np.unique(np.linspace(0, len(rates) - 1, 400).astype(int))
    figure = go.Figure(go.Scatter(x=(keep + 1) / steps, y=rates[keep], mode="lines", line={"color": VALIDATION, "width": 2}))
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(rangemode="tozero", tickformat="~g")
    return _framed(figure, 200)


def shares(probabilities: dict[str, float]) -> go.Figure:
    """One bar a class, with its probability."""
    names, colours = list(probabilities), class_colours(list(probabilities))
    values = [probabilities[name] for name in names]
    figure = go.Figure(
        go.Bar(
            y=names, x=values, orientation="h", marker_color=[colours[name] for name in names],
            text=[f"{100 * value:.1f} %" for value in values], textposition="auto", cliponaxis=False,
        )
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return _framed(figure, 80 + 40 * len(names))


def _framed(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10})
