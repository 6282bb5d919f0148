"""Curves of probabilities: arrays as given, areas with their intervals, the point at which a network works."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from core import figures

CURVES = {"covid": ([0, 0.2, 1], [0, 0.9, 1]), "normal": ([0, 0.5, 1], [0, 0.5, 1])}


def named(figure: go.Figure, start: str) -> Any:
    (found,) = [trace for trace in figure.data if (trace.name or "").startswith(start)]
    return found


def test_a_roc_curve_has_its_area_with_the_interval_in_the_legend() -> None:
    figure = figures.roc(CURVES, areas={"covid": (0.95, 0.912, 0.98), "normal": 0.5})
    assert named(figure, "covid").name == "covid · AUC 0.950 (0.912–0.980)"
    assert named(figure, "normal").name == "normal · AUC 0.500"
    assert (named(figure, "covid").x, named(figure, "covid").y) == ((0, 0.2, 1), (0, 0.9, 1))
    assert named(figure, "chance").line.dash == "dash"


@pytest.mark.parametrize("area", [np.nan, (np.nan, np.nan, np.nan)])
def test_an_undefined_area_is_left_away(area: Any) -> None:
    assert named(figures.roc(CURVES, areas={"covid": area}), "covid").name == "covid"
    assert named(figures.roc(CURVES, areas={"covid": (0.9, np.nan, np.nan)}), "covid").name == "covid · AUC 0.900"


def test_the_point_at_which_a_network_works_is_marked_in_its_colour() -> None:
    figure = figures.roc(CURVES, points={"covid": (0.2, 0.9)})
    point = named(figure, "covid, at its threshold")
    assert ((point.x, point.y), point.mode) == (((0.2,), (0.9,)), "markers")
    assert point.marker.color == figures.class_colours(list(CURVES))["covid"]
    assert point.legendgroup == "covid"


def test_colours_may_be_those_of_runs() -> None:
    colours = figures.run_colours(list(CURVES))
    for draw in (figures.roc, figures.precision_recall):
        figure = draw(CURVES, colours=colours)
        assert {name: named(figure, name).line.color for name in CURVES} == colours


def test_precision_is_drawn_in_steps_above_the_prevalence() -> None:
    figure = figures.precision_recall(CURVES, areas={"covid": 0.7}, prevalence={"covid": 0.08})
    line, base = named(figure, "covid"), named(figure, "prevalence of covid")
    assert (line.name, line.line.shape) == ("covid · AP 0.700", "hv")
    assert (base.y, base.line.color) == ((0.08, 0.08), line.line.color)
    assert base.showlegend is False


def test_both_axes_run_from_0_to_100_percent_at_one_scale() -> None:
    for figure in (figures.roc(CURVES), figures.precision_recall(CURVES)):
        assert figure.layout.xaxis.tickformat == figure.layout.yaxis.tickformat == ".0%"
        assert figure.layout.yaxis.scaleanchor == "x"
        assert figure.layout.xaxis.range[0] < 0 < 1 < figure.layout.xaxis.range[1]


def reliability() -> go.Figure:
    nothing = np.nan
    return figures.reliability(
        [nothing, 0.3, 0.6, 0.9], [nothing, 0.2, 0.65, 0.8], [nothing, 0.1, 0.5, 0.7], [nothing, 0.4, 0.7, 0.95], [0, 5, 8, 20], 0.0625
    )


def test_calibration_shows_every_bin_with_its_interval() -> None:
    observed = named(reliability(), "observed")
    np.testing.assert_allclose(observed.error_y.array[1:], [0.2, 0.05, 0.15])
    np.testing.assert_allclose(observed.error_y.arrayminus[1:], [0.1, 0.15, 0.1])
    np.testing.assert_array_equal(observed.x, [np.nan, 0.3, 0.6, 0.9])
    assert observed.name == "observed (calibration error 6.2 %)"


def test_calibration_counts_the_images_of_each_bin_below_it() -> None:
    bars = named(reliability(), "images")
    assert (list(bars.x), list(bars.y), bars.xaxis) == ([0.125, 0.375, 0.625, 0.875], [0, 5, 8, 20], "x2")
    assert bars.width < 0.25


@pytest.mark.parametrize(("chosen", "side"), [(0.2, "left"), (0.9, "right")])
def test_the_chosen_threshold_is_marked_and_said(chosen: float, side: str) -> None:
    figure = figures.threshold([0, 0.5, 1], [1, 0.9, 0], [0, 0.8, 1], [0.1, 0.4, np.nan], [np.nan, 0.9, 0.8], chosen)
    assert [trace.name for trace in figure.data] == ["sensitivity", "specificity", "PPV (precision)", "NPV"]
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == chosen
    (note,) = figure.layout.annotations
    assert (note.text, note.xanchor) == (f"chosen: {chosen:.2f}", side)  # within the plot
