"""The small figures of the glossary."""

import numpy as np

from core import figures


def test_lines_have_their_names_and_one_line_needs_no_legend():
    both = figures.lines({"a": ([0, 1], [0, 1]), "b": ([0, 1], [1, 0])}, "x", "y", "xy")
    assert [trace.name for trace in both.data] == ["a", "b"]
    assert both.layout.showlegend
    assert both.layout.xaxis.tickformat == both.layout.yaxis.tickformat == ".0%"
    assert not figures.lines({"a": ([0, 1], [0, 1])}, "x", "y").layout.showlegend


def test_bars_say_their_share():
    assert list(figures.bars({"a": 0.5, "b": 1.0}, "accuracy").data[0].text) == ["50 %", "100 %"]


def test_groups_are_counted_in_the_same_bins():
    figure = figures.groups({"a": [0.0, 1.0, 1.0], "b": [0.5]}, 0.4, "x", "limit")
    assert [sum(trace.y) for trace in figure.data] == [3, 1]
    assert list(figure.data[0].x) == list(figure.data[1].x)
    assert figure.layout.shapes[0].x0 == 0.4


def test_an_interval_that_misses_the_truth_stands_out():
    figure = figures.intervals([0.5, 0.9], [0.4, 0.8], [0.6, 1.0], 0.55)
    held, missed = figure.data
    assert (list(held.x), list(missed.x)) == ([1], [2])
    assert held.marker.color != missed.marker.color


def test_pictures_are_grey_or_hot_and_stand_upright():
    figure = figures.pictures({"image": np.eye(3), "map": np.zeros((3, 3))}, hot=("map",))
    assert figure.data[0].colorscale != figure.data[1].colorscale
    assert figure.layout.yaxis.autorange == figure.layout.yaxis2.autorange == "reversed"
    assert figure.data[1].zmax > figure.data[1].zmin
