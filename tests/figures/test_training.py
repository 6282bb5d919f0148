"""Curves show every value where it belongs, and the best epoch always."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from core import figures


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


def test_points_of_epochs_are_left_away_where_they_would_hide_their_line() -> None:
    few, many = (figures.curves(metrics([False] * epochs, 1), epochs=100) for epochs in (60, 61))
    assert [{trace.mode for trace in traces(figure, "validation")} for figure in (few, many)] == [{"lines+markers"}, {"lines"}]


@pytest.mark.parametrize("best", [[], [True], [True, True, False]])
@pytest.mark.parametrize("rates", [False, True])
def test_the_axis_of_epochs_does_not_move_while_points_come_in(best: list[bool], rates: bool) -> None:
    figure = figures.curves(metrics(best), epochs=20, rates=rates)
    assert {axis.range for axis in figure.select_xaxes()} == {(0, 20.2)}
    assert figure.layout.uirevision == "curves"
    assert figure.layout.yaxis2.range == (0, 1.02)


def test_curves_have_a_gap_where_a_loss_was_no_number() -> None:
    rows = metrics([True, False])
    rows[-1]["validation_loss"] = rows[0]["loss"] = None
    for log in (False, True):
        assert list(traces(figures.curves(rows, epochs=2, log=log), "validation")[0].y) == [pytest.approx(0.1), None]


def test_only_the_loss_can_be_logarithmic() -> None:
    figure = figures.curves(metrics([True, False]), epochs=2, log=True, rates=True)
    assert [axis.type for axis in figure.select_yaxes()] == ["log", None, None]


def test_a_smoothed_line_is_drawn_thick_over_the_measured_one_that_turns_pale() -> None:
    smoothed = {"validation_loss": ([1, 2], np.array([0.5, np.nan]))}
    figure = figures.curves(metrics([True, True]), epochs=2, smoothed=smoothed)
    (raw, other), (over,) = traces(figure, "validation"), traces(figure, "validation, smoothed")
    assert (list(raw.y), list(over.y)) == ([pytest.approx(0.1), pytest.approx(0.2)], [0.5, pytest.approx(np.nan, nan_ok=True)])
    assert raw.opacity < 1
    assert raw.line.width < over.line.width
    assert figure.data.index(raw) < figure.data.index(over)
    assert (raw.showlegend, over.showlegend, other.opacity) == (False, True, 1)  # accuracy was given none


def test_the_learning_rate_of_every_step_is_the_third_panel() -> None:
    rows = metrics([True, False])
    (rate,) = traces(figures.curves(rows, epochs=2, rates=True), "learning rate")
    assert (len(rate.x), set(rate.y), rate.yaxis) == (8, {0.1}, "y3")
    epochs_only = [row for row in rows if row["kind"] == "epoch"]
    assert list(traces(figures.curves(epochs_only, epochs=2, rates=True), "learning rate")[0].x) == [1, 2]
    assert not traces(figures.curves(rows, epochs=2), "learning rate")


def test_runs_over_each_other_keep_their_colours_and_stars() -> None:
    x = [1, 2, 3]
    one = figures.Series("one", "#111111", x, [3.0, None, 1.0], [3.0, np.nan, 2.0], best=(3, 1.0))
    two = figures.Series("two", "#222222", x, [2.0, 2.0, 2.0])
    figure = figures.overlay([one, two])
    pale, thick, plain, star = figure.data
    assert [trace.line.color for trace in (pale, thick, plain)] == ["#111111", "#111111", "#222222"]
    assert pale.opacity < 1
    assert pale.line.width < thick.line.width == plain.line.width
    assert [trace.showlegend for trace in figure.data] == [False, None, None, False]  # a run stands once in the legend
    assert (star.x, star.y, star.marker.symbol, star.marker.color, star.legendgroup) == ((3,), (1.0,), "star", "#111111", "one")


def test_overlaid_shares_have_an_axis_of_percentages_and_losses_may_have_a_logarithmic_one() -> None:
    series = [figures.Series("one", "#111111", [1, 2], [0.01, 1.0])]
    shares = figures.overlay(series, title="Accuracy", percent=True).layout.yaxis
    assert (shares.title.text, shares.range, shares.tickformat) == ("Accuracy", (0, 1.02), ".0%")
    assert figures.overlay(series, log=True).layout.yaxis.type == "log"


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (3, 5), (50, 100)])
def test_the_learning_rate_is_shown_from_its_first_to_its_last_step(epochs: int, steps: int) -> None:
    rates = np.linspace(1, 0, epochs * steps)
    (line,) = figures.learning_rate(rates, steps).data
    assert (line.x[0], line.x[-1]) == (pytest.approx(1 / steps), pytest.approx(epochs))
    assert (line.y[0], line.y[-1]) == (rates[0], rates[-1])
    assert len(line.x) <= 400
