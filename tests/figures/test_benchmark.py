"""Rows under two protocols, beside each other."""

import math

from core import figures
from core.figures.theme import log_axis


def test_each_row_has_a_point_for_each_protocol_that_was_run_and_a_line_between_two():
    rows = [figures.Beside("both", (0.8, 0.7, 0.9), (0.7, 0.6, 0.8)), figures.Beside("one", None, (0.6, 0.5, 0.7))]
    drawn = figures.sides(rows, ("random", "by patient"), ("probe", 0.65))
    lines = [trace for trace in drawn.data if trace.mode == "lines"]
    first, second = (trace for trace in drawn.data if trace.mode == "markers")
    assert [tuple(line.x) for line in lines] == [(0.8, 0.7)]
    assert first.x[0] == 0.8
    assert math.isnan(first.x[1])
    assert tuple(second.x) == (0.7, 0.6)
    assert drawn.layout.shapes[0].x0 == 0.65


def test_the_reference_is_named_on_the_side_where_a_narrow_page_has_room_for_it():
    rows = [figures.Beside("row", (0.6, 0.4, 0.8), None)]
    assert [figures.sides(rows, ("a", "b"), ("probe", value)).layout.annotations[0].xanchor for value in (0.5, 0.7)] == ["left", "right"]


def test_a_single_cost_has_a_few_ticks_around_it():
    assert 1 <= len(log_axis([0.062])["tickvals"]) <= 3
