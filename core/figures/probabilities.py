"""What probabilities are worth: ROC and precision-recall curves, calibration, the choice of a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import words
from core.figures.theme import BEST, LEGEND, PALETTE, PERCENT, REFERENCE, VALIDATION, Line, class_colours, framed, interval, stroke
from core.figures.words import percent

Area = float | tuple[float, float, float]
"""An area, or one with its interval: (value, low, high)."""

SQUARE = {"scaleanchor": "x", "constrain": "domain"}  # both axes are shares, so the plot is as high as wide
CENTRED = LEGEND | {"x": 0.5, "xanchor": "center"}
EDGE = [-0.02, 1.02]  # so that lines along an axis are seen
NOWHERE = (None, None)  # the point of a curve without one


def roc(
    curves: Mapping[str, Line],
    points: Mapping[str, tuple[float, float]] | None = None,
    areas: Mapping[str, Area] | None = None,
    colours: Mapping[str, str] | None = None,
) -> go.Figure:
    """Receiver operating characteristic, a line a name.

    Args:
        curves: x is 1 − specificity, y sensitivity.
        points: where each works at its threshold, on the same axes.
        areas: under each curve, said in the legend.
        colours: of each name; without them, those of classes.
    """
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": REFERENCE, "dash": "dash"}, name="chance", hoverinfo="skip")
    hover = "%{fullData.name}<br>1 − specificity %{x:.1%}<br>sensitivity %{y:.1%}<extra></extra>"
    _add_curves(figure, curves, points or {}, _named(curves, areas, "AUC"), colours, hover)
    figure.update_xaxes(PERCENT | {"range": EDGE}, title="1 − specificity", constrain="domain")
    figure.update_yaxes(PERCENT | {"range": EDGE}, title="sensitivity", **SQUARE)
    said = [
        name + (f", at its threshold sensitivity {percent(y)}, specificity {percent(1 - x)}" if (x, y) != NOWHERE else "")
        for name, (x, y) in _at_thresholds(_named(curves, areas, "AUC"), points)
    ]
    return framed(figure, 440 + 22 * max(0, len(curves) - 2), f"ROC curves. {words.listed(said)}.", legend=CENTRED)


def precision_recall(
    curves: Mapping[str, Line],
    points: Mapping[str, tuple[float, float]] | None = None,
    areas: Mapping[str, Area] | None = None,
    prevalence: Mapping[str, float] | None = None,
    colours: Mapping[str, str] | None = None,
) -> go.Figure:
    """Precision over recall, a line a name, each above the precision that guessing has: the class's prevalence, dotted.

    Args:
        curves: x is recall (sensitivity), falling; y precision (positive predictive value).
        points, areas, colours: as in `roc`.
        prevalence: of each name's class among the images.
    """
    figure, palette = go.Figure(), colours or class_colours(list(curves))
    for name, share in (prevalence or {}).items():
        figure.add_scatter(
            x=[0, 1], y=[share, share], mode="lines", line={"color": palette[name], "dash": "dot", "width": 1.5}, showlegend=False,
            legendgroup=name, name=f"prevalence of {name}", hovertemplate=f"prevalence of {name}: {percent(share)}<extra></extra>",
        )  # fmt: skip
    hover = "%{fullData.name}<br>recall %{x:.1%}<br>precision %{y:.1%}<extra></extra>"
    _add_curves(figure, curves, points or {}, _named(curves, areas, "AP"), palette, hover, shape="hv")
    figure.update_xaxes(PERCENT | {"range": EDGE}, title="recall (sensitivity)", constrain="domain")
    figure.update_yaxes(PERCENT | {"range": EDGE}, title="precision", **SQUARE)
    said = [
        name + (f", at its threshold recall {percent(x)}, precision {percent(y)}" if (x, y) != NOWHERE else "")
        for name, (x, y) in _at_thresholds(_named(curves, areas, "AP"), points)
    ]
    guessing = f" Guessing has the precision {words.counted(prevalence, percent)}." if prevalence else ""
    text = f"Precision-recall curves. {words.listed(said)}.{guessing}"
    return framed(figure, 440 + 22 * max(0, len(curves) - 2), text, legend=CENTRED)


def reliability(
    confidence: Sequence[float],
    observed: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    counts: Sequence[int],
    ece: float,
) -> go.Figure:
    """Observed accuracy over mean confidence, a point a bin with its interval, and below it how many images each bin holds.

    Bins are equally wide from 0 to 1 and all given; an empty one has NaN for its values and 0 for its count. Each [bins]

    Args:
        ece: the expected calibration error, a share.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.05)
    diagonal = {"color": REFERENCE, "dash": "dash"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=diagonal, name="perfectly calibrated", hoverinfo="skip", row=1, col=1)
    figure.add_scatter(
        x=confidence, y=observed, mode="lines+markers", name=f"observed (calibration error {percent(ece)})",
        line={"color": VALIDATION, "width": 1.5}, marker={"size": 8}, error_y=interval(observed, low, high, VALIDATION), customdata=counts,
        hovertemplate="confidence %{x:.1%}<br>right %{y:.1%}<br>%{customdata} images<extra></extra>", row=1, col=1,
    )  # fmt: skip
    width = 1 / len(counts)
    figure.add_bar(
        x=(np.arange(len(counts)) + 0.5) * width, y=counts, width=0.92 * width, marker_color=VALIDATION, opacity=0.8, showlegend=False,
        name="images", hovertemplate="%{y} images<extra></extra>", row=2, col=1,
    )  # fmt: skip
    figure.update_xaxes(PERCENT | {"range": EDGE})
    figure.update_xaxes(title="mean confidence", row=2)
    figure.update_yaxes(PERCENT | {"range": EDGE}, title="observed accuracy", row=1)
    figure.update_yaxes(title="images", rangemode="tozero", nticks=4, row=2)
    filled = [(sure, right) for sure, right, images in zip(confidence, observed, counts, strict=True) if images]
    said = [f"of {percent(sure)} sure {percent(right)} are right" for sure, right in filled]
    text = f"Reliability of {words.count(sum(counts), 'image')}, calibration error {percent(ece)}. {words.listed(said, len(counts))}."
    return framed(figure, 460, text, legend=LEGEND)


def threshold(
    thresholds: Sequence[float],
    sensitivity: Sequence[float],
    specificity: Sequence[float],
    ppv: Sequence[float],
    npv: Sequence[float],
    chosen: float,
) -> go.Figure:
    """What each threshold would give for one class, and where the chosen one lies. Each [thresholds], NaN where undefined."""
    lines = {"sensitivity": sensitivity, "specificity": specificity, "PPV (precision)": ppv, "NPV": npv}
    figure = go.Figure()
    for (name, values), colour, dash in zip(lines.items(), PALETTE, ("solid", "solid", "dash", "dash"), strict=False):
        figure.add_scatter(
            x=thresholds, y=values, mode="lines", name=name, line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate="%{y:.1%}",
        )  # fmt: skip
    left = chosen > 0.5
    figure.add_vline(
        x=chosen, line={"color": BEST, "width": 2}, annotation_text=f"chosen: {chosen:.2f}",
        annotation_position="bottom left" if left else "bottom right",
    )  # fmt: skip
    figure.update_xaxes(title="threshold on the probability", range=[0, 1], hoverformat=".2f")
    figure.update_yaxes(PERCENT | {"range": EDGE})
    nearest = int(np.argmin(np.abs(np.asarray(thresholds) - chosen)))
    now = {name: values[nearest] for name, values in lines.items()}
    return framed(
        figure, 400, f"What a threshold from 0 to 1 gives. At the chosen {chosen:.2f}: {words.counted(now, percent)}.",
        legend=LEGEND, hovermode="x unified",
    )  # fmt: skip


def _named(curves: Mapping[str, Line], areas: Mapping[str, Area] | None, kind: str) -> dict[str, str]:
    """Each name with its area: "COVID-19 · AUC 0.970 (0.951–0.984)"."""
    found = {}
    for name in curves:
        value, low, high = np.broadcast_to((areas or {}).get(name, np.nan), 3).tolist()
        bounds = f" ({low:.3f}–{high:.3f})" if low < high else ""
        found[name] = name if np.isnan(value) else f"{name} · {kind} {value:.3f}{bounds}"
    return found


def _at_thresholds(labels: Mapping[str, str], points: Mapping[str, tuple[float, float]] | None) -> list[tuple[str, tuple]]:
    """Each curve's label with its point at the threshold, or `NOWHERE`."""
    return [(label, (points or {}).get(name, NOWHERE)) for name, label in labels.items()]


def _add_curves(
    figure: go.Figure,
    curves: Mapping[str, Line],
    points: Mapping[str, tuple[float, float]],
    labels: Mapping[str, str],
    colours: Mapping[str, str] | None,
    hover: str,
    **line: Any,
) -> None:
    colours = colours or class_colours(list(curves))
    for name, (x, y) in curves.items():
        figure.add_scatter(
            x=x, y=y, mode="lines", name=labels[name], legendgroup=name, line=stroke(colours[name]) | line,
            hovertemplate=hover,
        )  # fmt: skip
    for name, (x, y) in points.items():
        marker = {"color": colours[name], "size": 13, "symbol": "circle-open", "line": {"width": 3}}
        figure.add_scatter(
            x=[x], y=[y], mode="markers", name=f"{name}, at its threshold", legendgroup=name, showlegend=False, marker=marker,
            hovertemplate=hover,
        )  # fmt: skip
