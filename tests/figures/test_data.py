"""Bars show the numbers that they were given, in their order and colours."""

from __future__ import annotations

import pandas as pd

from core import figures


def test_bars_keep_the_order_and_the_numbers() -> None:
    (bars,) = figures.class_counts({"normal": 3, "covid": 1}).data
    assert (bars.y, bars.x) == (("normal", "covid"), (3, 1))
    (bars,) = figures.shares({"covid": 0.25, "normal": 0.75}).data
    assert (bars.y, bars.x, bars.text) == (("covid", "normal"), (0.25, 0.75), ("25.0 %", "75.0 %"))


def test_a_class_has_the_same_colour_in_counts_and_shares() -> None:
    (counts,), (shares,) = figures.class_counts({"b": 1, "a": 2}).data, figures.shares({"a": 0.5, "b": 0.5}).data
    assert dict(zip(counts.y, counts.marker.color, strict=True)) == dict(zip(shares.y, shares.marker.color, strict=True))


def test_parts_are_stacked_in_their_own_colours() -> None:
    table = pd.DataFrame({"train": [6, 7], "validation": [2, 2], "test": [2, 1]}, index=["covid", "normal"])
    figure = figures.part_counts(table)
    assert figure.layout.barmode == "stack"
    assert {bar.name: (bar.x, bar.marker.color) for bar in figure.data} == {
        part: (tuple(table[part]), figures.PARTS[part]) for part in table.columns
    }
