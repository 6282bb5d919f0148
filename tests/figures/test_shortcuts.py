"""The bars of the shortcut lab: each condition with its interval, chance beside them."""

from core import figures


def test_every_condition_has_a_bar_with_its_interval_and_chance_is_named():
    figure = figures.collapse({"with": [(1.0, 0.9, 1.0), (0.5, 0.4, 0.6)], "without": [(0.8, 0.7, 0.9)] * 2}, ["planted", "absent"], 0.5)
    assert [trace.name for trace in figure.data] == ["with", "without"]
    assert list(figure.data[0].x) == ["planted", "absent"]
    assert list(figure.data[0].text) == ["100.0 %", "50.0 %"]
    assert abs(figure.data[0].error_y.arrayminus[1] - 0.1) < 1e-9
    assert figure.layout.shapes[0].y0 == 0.5
    assert figure.layout.shapes[0].name == "chance 50 %"
