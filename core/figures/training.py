"""Curves over the epochs: of one run, of several runs over each other, and the learning rate of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import words
from core.figures.theme import BEST, LEGEND, PERCENT, TRAINING, VALIDATION, Line, epoch_axis, framed, log_axis, stroke

MEASURED = (("train", "training", TRAINING, 1.5), ("validation", "validation", VALIDATION, 3.0))
MOST_MARKERS = 60  # epochs; with more their points lie over each other and hide the line
PALE = 0.35  # opacity of what was measured, under what was smoothed
ACCURACY = PERCENT | {"range": [0, 1.02]}  # so that a line at 100 % is seen


@dataclass(frozen=True)
class Series:
    """One run's line in `overlay`; x in epochs, None or NaN is a gap."""

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float | None]  # as measured
    smoothed: Sequence[float | None] | None = None  # at the same x
    best: tuple[float, float] | None = None  # the best epoch and its value


def curves(
    rows: Sequence[Mapping[str, Any]],
    epochs: int,
    *,
    log: bool = False,
    smoothed: Mapping[str, Line] | None = None,
    rates: bool = False,
) -> go.Figure:
    """Loss and accuracy over the epochs: training thin, validation thick, the best epoch marked.

    Args:
        rows: of a run's metrics, kinds "step" and "epoch".
        epochs: planned, so that the axis does not move while points come in.
        log: the loss on a logarithmic axis.
        smoothed: lines to be drawn over the measured ones, which turn pale; by the name that the values have in `rows`
            ("train_loss", "validation_accuracy" …).
        rates: the learning rate as a third panel, below.
    """
    steps, done = ([row for row in rows if row["kind"] == kind] for kind in ("step", "epoch"))
    smoothed = smoothed or {}
    figure = _panels(rates)
    at = [row["epoch"] - 1 + row["step"] / row["steps"] for row in steps]
    figure.add_scatter(
        x=at, y=[row["loss"] for row in steps], mode="lines", name="training, single batches", line={"color": TRAINING, "width": 1},
        opacity=PALE, row=1, col=1,
    )  # fmt: skip
    for column, name in ((1, "loss"), (2, "accuracy")):
        for part, label, colour, width in MEASURED:
            measured = ([row["epoch"] for row in done], [row[f"{part}_{name}"] for row in done])
            _line(figure, column, measured, smoothed.get(f"{part}_{name}"), label, colour, width)
        best = [row for row in done if row["best"]][-1:]
        figure.add_scatter(
            x=[row["epoch"] for row in best], y=[row[f"validation_{name}"] for row in best], mode="markers", row=1, col=column,
            name="best epoch", legendgroup="best epoch", showlegend=column == 1, marker={"color": BEST, "size": 13, "symbol": "star"},
        )  # fmt: skip
    if rates:
        source = (at, [row["lr"] for row in steps]) if steps else ([row["epoch"] for row in done], [row["lr"] for row in done])
        figure.add_scatter(
            x=source[0], y=source[1], mode="lines", name="learning rate", showlegend=False, line={"color": TRAINING, "width": 2},
            row=2, col=1,
        )  # fmt: skip
        figure.update_yaxes(rangemode="tozero", tickformat="~g", row=2, col=1)
    figure.update_xaxes(epoch_axis(epochs) | {"title": None}, range=[0, epochs + 0.2])
    figure.update_xaxes(title="epoch", row=2 if rates else 1)
    figure.update_yaxes(_loss_axis(figure, log), row=1, col=1)
    figure.update_yaxes(ACCURACY, row=1, col=2)
    return framed(figure, 560 if rates else 380, _in_words(done, epochs), legend=LEGEND, uirevision="curves")


def overlay(series: Sequence[Series], log: bool = False, *, title: str = "Loss (cross entropy)", percent: bool = False) -> go.Figure:
    """Several runs over each other: measured values thin and pale under smoothed ones, each run's best epoch a star.

    Args:
        series: a line a run; one without smoothed values is drawn thick as measured.
        log: a logarithmic axis.
        title: of the vertical axis.
        percent: values are shares.
    """
    figure = go.Figure()
    for each in series:
        common = {"legendgroup": each.name, "name": each.name}
        thick = {"mode": "lines", "line": stroke(each.colour)}
        if each.smoothed is None:
            figure.add_scatter(x=each.x, y=each.y, **thick, **common)
        else:
            pale = {"opacity": PALE, "showlegend": False, "hoverinfo": "skip"}
            figure.add_scatter(x=each.x, y=each.y, mode="lines", line={"color": each.colour, "width": 1}, **pale, **common)
            figure.add_scatter(x=each.x, y=each.smoothed, **thick, **common)
    for each in series:  # above every line
        if each.best is not None:
            star = {"color": each.colour, "size": 14, "symbol": "star", "line": {"color": BEST, "width": 1.5}}
            figure.add_scatter(
                x=[each.best[0]], y=[each.best[1]], mode="markers", marker=star, showlegend=False,
                legendgroup=each.name, name=f"{each.name}, best epoch",
            )  # fmt: skip
    figure.update_xaxes(epoch_axis(max((max(each.x, default=1) for each in series), default=1)), rangemode="tozero")
    figure.update_yaxes(ACCURACY if percent and not log else _loss_axis(figure, log), title=title)
    text = words.percent if percent else words.number
    said = [
        f"{each.name} {words.course(each.x, each.y, text)}{f', best {text(each.best[1])} at epoch {each.best[0]:g}' if each.best else ''}"
        for each in series
    ]
    return framed(figure, 440, f"{title} of {words.count(len(series), 'run')}. {words.listed(said)}.", legend=LEGEND, uirevision="overlay")


def learning_rate(rates: np.ndarray, steps: int) -> go.Figure:
    """The learning rate of every step, over epochs of `steps`."""
    keep = np.unique(np.linspace(0, len(rates) - 1, 400).astype(int))
    figure = go.Figure(go.Scatter(x=(keep + 1) / steps, y=rates[keep], mode="lines", line={"color": VALIDATION, "width": 2}))
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(rangemode="tozero", tickformat="~g")
    highest = int(np.argmax(rates))
    text = (
        f"Learning rate over {words.count(round(len(rates) / steps), 'epoch')}: {words.number(rates[0])} at first, highest "
        f"{words.number(rates[highest])} in epoch {highest // steps + 1}, {words.number(rates[-1])} at last."
    )
    return framed(figure, 200, text)


def _in_words(done: Sequence[Mapping[str, Any]], epochs: int) -> str:
    """How loss and accuracy went, and which epoch is the best so far. `done`: rows of finished epochs"""
    at = [row["epoch"] for row in done]
    said = []
    for name, text in (("loss", words.number), ("accuracy", words.percent)):
        for part, label, _, _ in MEASURED:
            said.append(f"{label} {name} {words.course(at, [row[f'{part}_{name}'] for row in done], text)}")
    best = next((row for row in reversed(done) if row["best"]), None)
    chosen = f" Best epoch: {best['epoch']}, validation accuracy {_share(best['validation_accuracy'])}." if best else ""
    return f"Curves over {len(done):,} of {words.count(epochs, 'epoch')}: {'; '.join(said)}.{chosen}"


def _share(value: float | None) -> str:
    return words.percent(np.nan if value is None else value)


def _panels(rates: bool) -> go.Figure:
    """Loss and accuracy beside each other; the learning rate below them, as wide as both."""
    titles = ("Loss (cross entropy)", "Accuracy", "Learning rate")
    if not rates:
        figure = make_subplots(rows=1, cols=2, subplot_titles=titles[:2], horizontal_spacing=0.1)
    else:
        specs = [[{}, {}], [{"colspan": 2}, None]]
        figure = make_subplots(
            rows=2, cols=2, specs=specs, subplot_titles=titles, row_heights=[0.7, 0.3], horizontal_spacing=0.1, vertical_spacing=0.16
        )
    return figure.update_annotations(font_size=14)


def _line(figure: go.Figure, column: int, measured: Line, smoothed: Line | None, name: str, colour: str, width: float) -> None:
    """What was measured, and over it what was smoothed of it, where there is that."""
    common = {"row": 1, "col": column, "legendgroup": name}
    bare = smoothed or len(measured[0]) > MOST_MARKERS
    markers = {"mode": "lines"} if bare else {"mode": "lines+markers", "marker": {"size": 4 + width}}
    figure.add_scatter(
        x=measured[0], y=measured[1], name=name, line={"color": colour, "width": 1 if smoothed else width},
        opacity=PALE if smoothed else 1, showlegend=column == 1 and not smoothed, **markers, **common,
    )  # fmt: skip
    if smoothed:
        figure.add_scatter(
            x=smoothed[0], y=smoothed[1], name=f"{name}, smoothed", mode="lines", line={"color": colour, "width": width},
            showlegend=column == 1, **common,
        )  # fmt: skip


def _loss_axis(figure: go.Figure, log: bool) -> dict[str, Any]:
    """For the traces of the first panel."""
    return log_axis(y for trace in figure.select_traces({"yaxis": "y"}) for y in trace.y) if log else {"rangemode": "tozero"}
