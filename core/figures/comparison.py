"""Several runs beside each other: how far repetitions lie apart, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.figures import words
from core.figures.theme import BEST, LEGEND, REFERENCE, VALIDATION, framed, interval, log_axis, run_colours
from core.figures.words import percent

TICKS = {"nticks": 7}
SHARES = TICKS | {"tickformat": ".1~%", "minallowed": 0, "maxallowed": 1}
"""An axis of shares that lie near each other: it shows their range, not all of 0 to 100 %."""


@dataclass(frozen=True)
class CostPoint:
    """One network's accuracy (or another metric), with its interval, and what it costs."""

    name: str
    cost: float
    accuracy: float
    low: float
    high: float
    on_front: bool  # no other is both cheaper and better


def spread(
    groups: Mapping[str, Sequence[float]],
    low: Mapping[str, float] | None = None,
    high: Mapping[str, float] | None = None,
    colours: Mapping[str, str] | None = None,
    *,
    metric: str = "accuracy",
    shares: bool = True,
) -> go.Figure:
    """Accuracies (or another metric) of repeated runs: each seed or fold a dot, their mean a bar, its interval a line.

    Args:
        groups: values, a sequence a group.
        low, high: bounds of each group's mean, where there are any.
        colours: of each group; without them, those of runs.
        metric: what the values are, for the axis.
        shares: they are in [0, 1] and read as percentages.
    """
    form = ".1%" if shares else ".3f"
    figure, palette = go.Figure(), colours or run_colours(list(groups))
    for place, (name, values) in enumerate(groups.items()):
        # Dots that would lie upon each other are set apart, always alike.
        aside = 0.12 * ((np.arange(len(values)) % 3) - 1) if len(values) > 1 else [0.0]
        figure.add_scatter(
            x=list(values), y=[place + each for each in aside], mode="markers", name=name, showlegend=False,
            marker={"color": palette[name], "size": 9, "opacity": 0.75}, hovertemplate=f"{name}: %{{x:{form}}}<extra></extra>",
        )  # fmt: skip
        if len(values):
            mean, bounds = [float(np.mean(values))], ([(given or {}).get(name, np.nan)] for given in (low, high))
            figure.add_scatter(
                x=mean, y=[place], mode="markers", name=name, showlegend=False, error_x=interval(mean, *bounds, palette[name]),
                marker={"symbol": "line-ns", "size": 30, "line": {"color": palette[name], "width": 4}},
                hovertemplate=f"{name}: mean %{{x:{form}}} of {len(values)}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(SHARES if shares else TICKS, title=metric)
    labels = [f"{name}<br>{len(values)} run{'' if len(values) == 1 else 's'}" for name, values in groups.items()]
    figure.update_yaxes(tickvals=list(range(len(groups))), ticktext=labels, range=[len(groups) - 0.5, -0.5], zeroline=False, showgrid=False)
    text = "{:.1%}".format if shares else words.number
    said = [
        f"{name} {words.bounds(values, text)} in {words.count(len(values), 'run')}, mean {text(float(np.mean(values)))}"
        for name, values in groups.items()
        if len(values)
    ]
    return framed(figure, 90 + 56 * len(groups), f"Spread of {metric} over repeated runs. {words.listed(said)}.")


def cost(points: Sequence[CostPoint], log: bool = True, *, title: str = "cost", metric: str = "accuracy", shares: bool = True) -> go.Figure:
    """Accuracy (or another metric) over cost, with the Pareto front.

    Those that nothing beats in both are joined by steps and named, the others are named under the pointer.

    Args:
        log: a logarithmic axis of cost.
        title: what is paid, with its unit ("training time (s)").
        metric, shares: as in `spread`.
    """
    text = percent if shares else "{:.3f}".format
    figure = go.Figure()
    front = sorted((point for point in points if point.on_front), key=lambda point: point.cost)
    figure.add_scatter(
        x=[point.cost for point in front], y=[point.accuracy for point in front], mode="lines", hoverinfo="skip", name="Pareto front",
        line={"color": BEST, "width": 2, "shape": "hv"}, showlegend=False,
    )  # fmt: skip
    middle = np.sqrt(min((p.cost for p in points), default=1) * max((p.cost for p in points), default=1))
    others = [point for point in points if not point.on_front]
    for some, name, colour, mode in ((others, "beaten in both", REFERENCE, "markers"), (front, "Pareto front", VALIDATION, "markers+text")):
        values = [point.accuracy for point in some]
        figure.add_scatter(
            x=[point.cost for point in some], y=values, mode=mode, name=name, marker={"color": colour, "size": 10},
            text=[point.name for point in some], cliponaxis=False,
            textposition=["top left" if point.cost > middle else "top right" for point in some],
            error_y=interval(values, [point.low for point in some], [point.high for point in some], colour),
            customdata=[f"{text(point.accuracy)} ({text(point.low)} to {text(point.high)})" for point in some],
            hovertemplate="%{text}<br>%{customdata}<br>" + f"{title}: %{{x:.4~g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(log_axis(point.cost for point in points) if log else {}, title=title)
    figure.update_yaxes(SHARES if shares else TICKS, title=metric)
    said = [f"{point.name} {text(point.accuracy)} at {words.number(point.cost)}" for point in front]
    beaten = f" {words.count(len(others), 'network')} beaten in both." if others else ""
    text_of_all = (
        f"{metric} over {title}: {words.count(len(points), 'network')}, {words.bounds([p.accuracy for p in points], text)}, "
        f"at {words.bounds([p.cost for p in points])}. Pareto front: {words.listed(said)}.{beaten}"
    )
    return framed(figure, 440, text_of_all, legend=LEGEND)
