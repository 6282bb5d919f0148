"""Networks under two protocols beside each other: what a row has in one, what in the other, and how far these lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import plotly.graph_objects as go

from core.figures import words
from core.figures.comparison import SHARES
from core.figures.theme import BEST, LEGEND, REFERENCE, VALIDATION, framed, interval
from core.figures.words import percent

Bounds = tuple[float, float, float]
"""Value, low, high."""


@dataclass(frozen=True)
class Beside:
    """One row; None where a protocol was not run."""

    name: str
    first: Bounds | None
    second: Bounds | None


def sides(
    rows: Sequence[Beside], titles: tuple[str, str], reference: tuple[str, float] | None = None, compared: int | None = None
) -> go.Figure:
    """Accuracy of each row under two protocols: two points with their intervals, a line between them.

    Args:
        titles: of the two protocols.
        reference: name and accuracy of what rows should beat, a dashed line.
        compared: how many of them, from the first, should; None: all.
    """
    figure = go.Figure()
    for place, row in enumerate(rows):
        if row.first and row.second:
            figure.add_scatter(
                x=[row.first[0], row.second[0]], y=[place - 0.14, place + 0.14], mode="lines", line={"color": REFERENCE, "width": 1},
                hoverinfo="skip", showlegend=False,
            )  # fmt: skip
    for title, colour, shift, found in (
        (titles[0], BEST, -0.14, [row.first for row in rows]),
        (titles[1], VALIDATION, 0.14, [row.second for row in rows]),
    ):
        values, low, high = zip(*(bounds or (nan, nan, nan) for bounds in found), strict=True)
        figure.add_scatter(
            x=values, y=[place + shift for place in range(len(rows))], mode="markers", name=title, marker={"color": colour, "size": 10},
            error_x=interval(values, low, high, colour), text=[row.name for row in rows],
            customdata=[f"{percent(v)} ({percent(a)} to {percent(b)})" for v, a, b in zip(values, low, high, strict=True)],
            hovertemplate="%{text}, " + title + ": %{customdata}<extra></extra>",
        )  # fmt: skip
    if reference:
        ends = [bound for row in rows for bounds in (row.first, row.second) if bounds for bound in bounds] or [0, 1]
        away = "right" if reference[1] > (min(ends) + max(ends)) / 2 else "left"  # else a narrow page cuts it off
        end = (len(rows) if compared is None else compared) - 0.5
        figure.add_shape(type="line", x0=reference[1], x1=reference[1], y0=-0.5, y1=end, line={"color": REFERENCE, "dash": "dash"})
        figure.add_annotation(  # above the rows, where nothing else is
            text=reference[0], x=reference[1], xanchor=away, y=1, yref="paper", yanchor="bottom", showarrow=False
        )
    figure.update_xaxes(SHARES, title="accuracy")
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[row.name for row in rows], range=[len(rows) - 0.5, -0.5], zeroline=False, showgrid=False
    )
    return framed(figure, 190 + 34 * len(rows), _in_words(rows, titles, reference), legend=LEGEND)


def _in_words(rows: Sequence[Beside], titles: tuple[str, str], reference: tuple[str, float] | None) -> str:
    """Each row's accuracies, those with the largest gap first."""
    both = sorted((row for row in rows if row.first and row.second), key=lambda row: -abs(row.first[0] - row.second[0]))
    said = [f"{row.name} {percent(row.first[0])} and {percent(row.second[0])}" for row in both]
    one = len([row for row in rows if (row.first is None) != (row.second is None)])
    beat = f" {reference[0]} reaches {percent(reference[1])}." if reference else ""
    return (
        f"Accuracy with {titles[0]} and with {titles[1]}, largest gap first: {words.listed(said)}. "
        f"{words.count(one, 'row')} under one of them alone.{beat}"
    )
