"""Deletion and insertion drawn over random orders."""

from __future__ import annotations

from core.figures.removal import removal

LINE = ([0.0, 0.5, 1.0], [0.9, 0.4, 0.1])


def test_each_order_is_a_line_and_random_ones_share_a_name_in_the_legend() -> None:
    figure = removal(LINE, (LINE[0], LINE[1][::-1]), [LINE, LINE], [LINE], "COVID-19")
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == [
        "random, away", "random, back", "hottest taken away first", "hottest given back first",
    ]  # fmt: skip
    assert len(figure.data) == 5
    assert list(figure.data[-1].y) == [0.1, 0.4, 0.9]
    assert figure.layout.yaxis.title.text == "probability of COVID-19"
