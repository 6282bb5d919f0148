"""Repetitions as dots with their mean; accuracy over cost with its front."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from core import figures
from core.figures import CostPoint


def test_every_repetition_is_a_dot_and_the_mean_a_bar() -> None:
    figure = figures.spread({"a": [0.9, 0.8, 0.7], "b": [0.5]}, {"a": 0.75}, {"a": 0.86})
    dots, mean, single, other = figure.data
    assert (dots.x, single.x) == ((0.9, 0.8, 0.7), (0.5,))
    assert (mean.x, mean.y, mean.marker.symbol) == ((pytest.approx(0.8),), (0,), "line-ns")
    assert (mean.error_x.array[0], mean.error_x.arrayminus[0]) == (pytest.approx(0.06), pytest.approx(0.05))
    assert np.isnan(other.error_x.array[0])
    assert figure.layout.yaxis.ticktext == ("a<br>3 runs", "b<br>1 run")


def test_dots_stay_beside_their_group_and_are_placed_alike_each_time() -> None:
    values = {"a": [0.9] * 7, "b": [0.9] * 7}
    first, second = figures.spread(values), figures.spread(values)
    assert first == second
    for place, trace in enumerate(trace for trace in first.data if len(trace.x) > 1):
        assert max(abs(np.array(trace.y) - place)) < 0.3
        assert len(set(trace.y)) > 1


def test_a_group_without_runs_is_named_but_empty() -> None:
    figure = figures.spread({"a": [], "b": [0.5]})
    assert figure.layout.yaxis.ticktext[0] == "a<br>0 runs"
    assert [len(trace.x) for trace in figure.data] == [0, 1, 1]


POINTS = [
    CostPoint("large", 400, 0.95, 0.93, 0.97, True),
    CostPoint("waste", 300, 0.85, 0.80, 0.90, False),
    CostPoint("small", 10, 0.90, 0.88, 0.92, True),
]


def cost_traces(log: bool = True) -> tuple[go.Scatter, ...]:
    return figures.cost(POINTS, log, title="training time (s)").data


def test_the_front_is_a_step_line_in_order_of_cost() -> None:
    front = cost_traces()[0]
    assert (front.x, front.y, front.line.shape) == ((10, 400), (0.90, 0.95), "hv")


def test_networks_on_the_front_are_named_and_all_have_their_interval() -> None:
    _, others, front = cost_traces()
    assert (others.mode, front.mode) == ("markers", "markers+text")
    assert (others.text, front.text) == (("waste",), ("small", "large"))
    assert front.textposition == ("top right", "top left")  # towards the middle, so within the plot
    np.testing.assert_allclose(front.error_y.array, [0.02, 0.02])
    assert others.customdata[0] == "85.0 % (80.0 % to 90.0 %)"


def test_the_axis_of_cost_may_be_logarithmic() -> None:
    assert figures.cost(POINTS, title="t").layout.xaxis.type == "log"
    assert figures.cost(POINTS, log=False, title="t").layout.xaxis.type is None


def test_another_metric_than_a_share_has_a_plain_axis_and_its_own_name() -> None:
    axes = (
        figures.spread({"a": [1.5, 2.5]}, metric="loss", shares=False).layout.xaxis,
        figures.cost(POINTS, metric="MCC", shares=False).layout.yaxis,
    )
    assert [(axis.title.text, axis.tickformat, axis.maxallowed) for axis in axes] == [("loss", None, None), ("MCC", None, None)]
    assert figures.cost(POINTS, metric="MCC", shares=False).data[1].customdata[0] == "0.850 (0.800 to 0.900)"
    assert figures.cost(POINTS).layout.yaxis.tickformat == ".1~%"


def test_no_network_and_one_network_give_a_valid_figure() -> None:
    for points in ([], POINTS[:1]):
        for log in (True, False):
            assert figures.cost(points, log).layout.height > 0
