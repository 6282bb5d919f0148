"""Figures show the arrays that they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import figures

CLASSES = ("covid", "normal", "viral pneumonia")


def metrics(best: list[bool], steps: int = 4) -> list[dict[str, Any]]:
    """Rows of a run's metrics, one epoch for each of `best`."""
    rows: list[dict[str, Any]] = []
    for epoch, is_best in enumerate(best, start=1):
        rows += [{"kind": "step", "epoch": epoch, "step": s, "steps": steps, "loss": 1 / epoch, "lr": 0.1} for s in range(1, steps + 1)]
        shares = {f"{part}_{name}": 0.1 * epoch for part in ("train", "validation") for name in ("loss", "accuracy")}
        rows.append({"kind": "epoch", "epoch": epoch, "lr": 0.1, "best": is_best, **shares})
    return rows


def traces(figure: go.Figure, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


def test_curves_mark_the_last_best_epoch_in_both_plots() -> None:
    stars = traces(figures.curves(metrics([True, False, True, False]), epochs=10), "best epoch")
    assert [list(star.x) for star in stars] == [[3], [3]]
    assert [list(star.y) for star in stars] == [[pytest.approx(0.3)], [pytest.approx(0.3)]]
    assert {star.marker.symbol for star in stars} == {"star"}


def test_curves_show_every_epoch_and_place_steps_between_them() -> None:
    figure = figures.curves(metrics([True, False, False]), epochs=3)
    assert [list(trace.x) for trace in traces(figure, "validation")] == [[1, 2, 3]] * 2
    assert list(traces(figure, "training, single batches")[0].x) == [step / 4 for step in range(1, 13)]


@pytest.mark.parametrize("best", [[], [True], [True, True, False]])
def test_the_axis_of_epochs_does_not_move_while_points_come_in(best: list[bool]) -> None:
    figure = figures.curves(metrics(best), epochs=20)
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range == (0, 20.2)
    assert figure.layout.uirevision == "curves"
    assert figure.layout.yaxis2.range == (0, 1.02)


def test_curves_have_a_gap_where_a_loss_was_no_number() -> None:
    rows = metrics([True, False])
    rows[-1]["validation_loss"] = rows[0]["loss"] = None
    assert list(traces(figures.curves(rows, epochs=2), "validation")[0].y) == [pytest.approx(0.1), None]


def test_a_confusion_matrix_is_coloured_by_row_and_labelled_by_count() -> None:
    (cells,) = figures.confusion(np.array([[3, 1, 0], [0, 2, 0], [1, 1, 2]]), CLASSES).data
    np.testing.assert_allclose(cells.z, [[0.75, 0.25, 0], [0, 1, 0], [0.25, 0.25, 0.5]])
    assert list(cells.text[0]) == ["3<br>75 %", "1<br>25 %", "0<br>0 %"]
    assert "n = 4" in cells.y[0]
    assert (len(set(cells.x)), len(set(cells.y))) == (3, 3)


def test_a_confusion_matrix_with_an_empty_row_has_no_undefined_cell() -> None:
    (cells,) = figures.confusion(np.array([[0, 0, 0], [1, 2, 0], [0, 0, 0]]), CLASSES).data
    assert np.isfinite(np.array(cells.z)).all()
    assert list(cells.text[0]) == ["0<br>0 %"] * 3


def test_a_confusion_matrix_reads_from_the_top() -> None:
    layout = figures.confusion(np.eye(3, dtype=int), CLASSES).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text, layout.yaxis.autorange) == ("predicted", "true", "reversed")


@given(
    st.lists(st.text("abcdef", min_size=1), unique=True, max_size=8).flatmap(
        lambda names: st.tuples(st.just(names), st.permutations(names))
    )
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_a_class_has_one_colour_in_any_order(case: tuple[list[str], list[str]]) -> None:
    names, shuffled = case
    colours = figures.class_colours(names)
    assert colours == figures.class_colours(shuffled)
    assert len(set(colours.values())) == len(names)


def test_more_classes_than_colours_start_over() -> None:
    assert set(figures.class_colours([f"{i:02}" for i in range(20)]).values()) == set(figures.PALETTE)


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


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (3, 5), (50, 100)])
def test_the_learning_rate_is_shown_from_its_first_to_its_last_step(epochs: int, steps: int) -> None:
    rates = np.linspace(1, 0, epochs * steps)
    (line,) = figures.learning_rate(rates, steps).data
    assert (line.x[0], line.x[-1]) == (pytest.approx(1 / steps), pytest.approx(epochs))
    assert (line.y[0], line.y[-1]) == (rates[0], rates[-1])
    assert len(line.x) <= 400


@pytest.mark.parametrize(
    "figure",
    [
        figures.curves([], epochs=1),
        figures.curves(metrics([True]), epochs=1),
        figures.confusion(np.zeros((2, 2), dtype=int), CLASSES[:2]),
        figures.class_counts({"covid": 0}),
        figures.part_counts(pd.DataFrame({"train": [1]}, index=["covid"])),
        figures.learning_rate(np.array([0.1]), steps=1),
        figures.shares({"covid": 1.0, "normal": 0.0}),
    ],
    ids=["no epoch", "one epoch", "no images", "no image of a class", "one part", "one step", "certain"],
)
def test_the_smallest_inputs_give_a_valid_figure(figure: go.Figure) -> None:
    assert go.Figure(figure.to_dict()).layout.height > 0
    assert "NaN" not in figure.to_json()
