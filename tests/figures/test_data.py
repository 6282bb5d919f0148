"""Bars show the numbers that they were given, in their order and colours."""

from __future__ import annotations

import numpy as np
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


SIZES = pd.DataFrame({"width": [384, 384, 300], "height": [384, 384, 200], "label": ["a", "b", "a"], "images": [100, 25, 1]})


def test_the_area_of_a_mark_grows_with_the_images_of_that_size() -> None:
    first, second = figures.sizes(SIZES, ["a", "b"]).data
    assert (first.name, tuple(first.x), tuple(first.y)) == ("a", (384, 300), (384, 200))
    assert first.marker.size[0] == 2 * second.marker.size[0]
    assert first.marker.size[1] >= 6
    assert first.marker.symbol != second.marker.symbol
    assert first.marker.color == figures.class_colours(["a", "b"])["a"]


def test_sizes_stack_to_the_whole_of_a_class_in_no_class_colour() -> None:
    shares = pd.DataFrame({"9×9": [0.75, 0.5], "other sizes": [0.25, 0.5]}, index=["a", "b"])
    bars = figures.size_shares(shares).data
    assert [(bar.name, tuple(bar.x)) for bar in bars] == [("9×9", (0.75, 0.5)), ("other sizes", (0.25, 0.5))]
    assert not {bar.marker.color for bar in bars} & set(figures.PALETTE)


def test_greys_stand_at_the_middle_of_their_bins() -> None:
    (line,) = figures.greys(np.array([[0.25, 0.75]]), ["a"]).data
    assert (tuple(line.x), tuple(line.y)) == ((64, 192), (0.25, 0.75))


def test_no_difference_is_the_middle_of_the_colours() -> None:
    (cells,) = figures.grey_difference(np.zeros((2, 2)), 30).data
    assert (cells.zmin, cells.zmax, cells.reversescale) == (-30, 30, True)
