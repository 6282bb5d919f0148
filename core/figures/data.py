"""What a data set holds: images a class and part, their sizes and greys by class; and one image's probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import words
from core.figures.theme import LEGEND, PARTS, PERCENT, REFERENCE, RUNS, class_colours, framed, stroke

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")
"""Of classes, beside their colours."""


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
    return framed(figure, 80 + 42 * len(counts), f"Images a class: {words.counted(counts)}.")


def part_counts(counts: pd.DataFrame) -> go.Figure:
    """Images a class, stacked by part. `counts`: rows classes, columns parts"""
    figure = go.Figure()
    for part in counts.columns:
        figure.add_bar(
            y=list(counts.index), x=counts[part].tolist(), name=part, orientation="h", marker_color=PARTS[part], text=counts[part].tolist()
        )
    figure.update_xaxes(title="images")
    figure.update_yaxes(autorange="reversed")
    said = [f"{name} {', '.join(f'{images:,} {part}' for part, images in row.items())}" for name, row in counts.iterrows()]
    text = f"Images a class in each part: {words.listed(said)}."
    return framed(figure, 130 + 42 * len(counts), text, barmode="stack", legend=LEGEND | {"traceorder": "normal"})


def sizes(counts: pd.DataFrame, classes: Sequence[str]) -> go.Figure:
    """Widths and heights, a mark a size and class, its area the number of images. `counts`: columns width, height, label, images

    Marks are hollow, so that classes of one size are seen in each other.
    """
    figure, colours = go.Figure(), class_colours(classes)
    scale = 1600 / max(counts["images"].max(), 1)  # square pixels an image
    for number, name in enumerate(classes):
        of_class = counts[counts["label"] == name]
        figure.add_scatter(
            x=of_class["width"], y=of_class["height"], name=name, mode="markers", customdata=of_class["images"],
            marker={
                "symbol": f"{SYMBOLS[number % len(SYMBOLS)]}-open", "color": colours[name], "line": {"width": 2},
                "size": np.sqrt(of_class["images"] * scale).clip(lower=6),
            },
            hovertemplate="%{x} × %{y} px<br>%{customdata} images<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_xaxes(title="width (px)")
    figure.update_yaxes(title="height (px)")
    said = [
        f"{name} {words.count(int(rows['images'].sum()), 'image')}, "
        f"{words.bounds(rows['width'])} px wide, {words.bounds(rows['height'])} px high"
        for name in classes
        if len(rows := counts[counts["label"] == name])
    ]
    return framed(figure, 420, f"Widths and heights of the images. {words.listed(said)}.", legend=LEGEND | {"itemsizing": "constant"})


def size_shares(shares: pd.DataFrame) -> go.Figure:
    """Which sizes a class's images have, one bar a class: bars that differ betray the classes. `shares`: rows classes, columns sizes

    Sizes have the colours of runs: those of classes would be read as classes.
    """
    figure = go.Figure()
    for number, size in enumerate(shares.columns):
        rest = size == shares.columns[-1] and "×" not in size
        figure.add_bar(
            y=list(shares.index), x=shares[size].tolist(), name=size, orientation="h",
            marker_color=REFERENCE if rest else RUNS[number % len(RUNS)],
            hovertemplate="%{y}<br>%{x:.1%}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_xaxes(PERCENT, title="share of the class’s images")
    figure.update_yaxes(autorange="reversed")
    said = [f"{name} {row.idxmax()} ({words.percent(row.max())})" for name, row in shares.iterrows() if row.notna().any()]
    text = f"Share of each class’s images by size. Most frequent: {words.listed(said)}."
    return framed(figure, 150 + 42 * len(shares), text, barmode="stack", showlegend=True, legend=LEGEND | {"traceorder": "normal"})


def greys(histograms: np.ndarray, classes: Sequence[str]) -> go.Figure:
    """How often each grey stands in the images of a class. `histograms`: share of the pixels a bin. float [classes, bins]"""
    figure, colours = go.Figure(), class_colours(classes)
    bins = histograms.shape[1]
    middles = (np.arange(bins) + 0.5) * 256 / bins
    for name, histogram in zip(classes, histograms, strict=True):
        figure.add_scatter(x=middles, y=histogram, name=name, mode="lines", line=stroke(colours[name], 2))
    figure.update_xaxes(title="grey (0 black, 255 white)", range=[0, 256])
    figure.update_yaxes(title="share of the pixels", tickformat=".0%", rangemode="tozero")
    means = {name: (middles @ each) / max(each.sum(), 1e-9) for name, each in zip(classes, histograms, strict=True)}
    text = f"How often each grey stands in the images, by class. Mean grey of 0 to 255: {words.counted(means, '{:.0f}'.format)}."
    return framed(figure, 360, text, legend=LEGEND, hovermode="x unified")


def grey_difference(difference: np.ndarray, limit: float) -> go.Figure:
    """A picture's greys less another's: red is brighter, blue is darker, both full at `limit`. float [height, width]"""
    figure = go.Figure(
        go.Heatmap(
            z=difference, zmin=-limit, zmax=limit, colorscale="RdBu", reversescale=True, colorbar={"thickness": 10},
            hovertemplate="%{z:+.0f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    row, column = np.unravel_index(np.argmax(np.abs(difference)), difference.shape)
    down = ("upper", "middle", "lower")[3 * int(row) // difference.shape[0]]
    across = ("left", "middle", "right")[3 * int(column) // difference.shape[1]]
    place = "middle" if down == across else f"{down} {across}"
    text = (
        f"Difference of greys, place by place: {difference.min():+.0f} to {difference.max():+.0f}, largest in the {place} of the picture."
    )
    return framed(figure, 300, text)


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
    return framed(figure, 80 + 40 * len(names), f"Probability of each class: {words.counted(probabilities, words.percent)}.")
