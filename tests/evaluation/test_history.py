"""Curves of a run: values where they belong, smoothing without bias, thinning that loses no extreme and no best epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import InvalidSpec
from core.evaluation import history

LAWS = settings(max_examples=40, deadline=None, derandomize=True)


def metrics(epochs: int, steps: int = 4, best: tuple[int, ...] = (1,)) -> list[dict[str, Any]]:
    """Rows of a run's metrics; every value tells where it stands."""
    rows: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        rows += [
            {"kind": "step", "epoch": epoch, "step": step, "steps": steps, "loss": epoch + step / 100, "lr": 1 / step}
            for step in range(1, steps + 1)
        ]
        values = {"train_loss": epoch + 0.1, "validation_loss": epoch + 0.2, "train_accuracy": 0.3, "validation_accuracy": 0.4}
        rows.append({"kind": "epoch", "epoch": epoch, "lr": 0.01 * epoch, "best": epoch in best, **values})
    return rows


@st.composite
def curves(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, list[int]]:
    """(x, y with gaps, points, indices to keep)"""
    count = draw(st.integers(0, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.normal(size=count).round(draw(st.integers(0, 6)))
    y[rng.random(count) < draw(st.sampled_from([0, 0.02, 0.5, 1]))] = np.nan
    keep = draw(st.lists(st.integers(0, count - 1), max_size=5)) if count else []
    return np.sort(rng.random(count)).cumsum(), y, draw(st.integers(history.FEWEST_POINTS, 60)), keep


@pytest.mark.parametrize(
    ("quantity", "part", "expected"),
    [
        ("loss", "train", [1.1, 2.1]),
        ("loss", "validation", [1.2, 2.2]),
        ("accuracy", "train", [0.3, 0.3]),
        ("accuracy", "validation", [0.4, 0.4]),
        ("learning rate", "train", [0.01, 0.02]),
    ],
)
def test_by_epoch_there_is_a_point_an_epoch(quantity: Any, part: Any, expected: list[float]) -> None:
    x, y = history.series(metrics(2), quantity, part)
    assert (x.tolist(), y.tolist()) == ([1, 2], pytest.approx(expected))


def test_by_step_points_lie_between_the_epochs() -> None:
    x, y = history.series(metrics(2, steps=2), "loss", "train", by="step")
    assert (x.tolist(), y.tolist()) == ([0.5, 1, 1.5, 2], [1.01, 1.02, 2.01, 2.02])
    assert history.series(metrics(1, steps=2), "learning rate", by="step")[1].tolist() == [1, 0.5]


@pytest.mark.parametrize(("quantity", "part"), [("accuracy", "train"), ("loss", "validation")])
def test_steps_have_no_validation_and_no_accuracy(quantity: Any, part: Any) -> None:
    with pytest.raises(InvalidSpec, match=f"{part} {quantity} by step"):
        history.series(metrics(1), quantity, part, by="step")


def test_a_loss_that_was_no_number_is_a_gap() -> None:
    rows = metrics(2)
    rows[-1]["validation_loss"] = None
    np.testing.assert_array_equal(history.series(rows, "loss", "validation")[1], [1.2, np.nan])


def test_a_run_without_rows_has_empty_curves() -> None:
    found = history.curve([], "loss", weight=0.5)
    assert (len(found.x), len(found.y), len(found.smoothed), found.best) == (0, 0, 0, None)
    assert history.best_epoch([]) is None
    assert history.thinned([]) == []


def test_the_best_epoch_is_the_last_one_marked() -> None:
    assert history.best_epoch(metrics(5, best=(1, 3))) == 3
    assert history.best_epoch(metrics(5, best=())) is None


def by_hand(y: np.ndarray, weight: float) -> list[float]:
    """TensorBoard's loop: a running mean from 0, divided by the weight that it has gathered."""
    mean, seen, found = 0.0, 0, []
    for value in y:
        if np.isfinite(value):
            mean, seen = weight * mean + (1 - weight) * value, seen + 1
        found.append(mean / (1 - weight**seen) if np.isfinite(value) else np.nan)
    return found


@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(-1e3, 1e3) | st.just(np.nan)), st.floats(0, 0.99))
@LAWS
def test_smoothing_is_tensorboard_s(y: np.ndarray, weight: float) -> None:
    np.testing.assert_allclose(history.smooth(y, weight), by_hand(y, weight), rtol=1e-6, atol=1e-6)


@given(st.floats(-1e6, 1e6), st.integers(1, 50), st.floats(0, 0.999))
@LAWS
def test_a_constant_stays_as_it_is_from_its_first_point(value: float, count: int, weight: float) -> None:
    np.testing.assert_allclose(history.smooth(np.full(count, value), weight), value, rtol=1e-9)


def test_smoothing_keeps_gaps_and_goes_on_behind_them() -> None:
    np.testing.assert_allclose(history.smooth([1.0, None, np.inf, 3.0], 0.5), [1, np.nan, np.nan, 7 / 3])


@pytest.mark.parametrize("weight", [-0.1, 1.0, np.nan])
def test_a_weight_of_one_would_never_move(weight: float) -> None:
    with pytest.raises(InvalidSpec, match="at least 0 and below 1"):
        history.smooth([1.0], weight)


@given(curves())
@LAWS
def test_thinning_keeps_order_ends_extremes_and_what_must_be_kept(case: tuple[np.ndarray, np.ndarray, int, list[int]]) -> None:
    x, y, points, keep = case
    kept = history.thin(x, y, points, keep)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= points + len(set(keep))
    assert set(keep) <= set(kept.tolist())
    numbers = np.flatnonzero(np.isfinite(y))
    if len(numbers):
        assert {numbers[0], numbers[-1]} <= set(kept.tolist())
        assert (np.nanmin(y[kept]), np.nanmax(y[kept])) == (np.nanmin(y), np.nanmax(y))


@given(curves())
@LAWS
def test_few_points_are_all_kept(case: tuple[np.ndarray, np.ndarray, int, list[int]]) -> None:
    x, y, _, keep = case
    np.testing.assert_array_equal(history.thin(x, y, max(history.FEWEST_POINTS, len(y)), keep), np.arange(len(y)))


def test_a_gap_in_a_long_curve_stays_a_gap() -> None:
    x, y = np.arange(10_000.0), np.sin(np.arange(10_000.0))
    y[4_000:4_100] = y[7_000] = np.nan
    kept = history.thin(x, y, 100)
    assert {4_000, 7_000} <= set(kept.tolist())
    assert np.isnan(y[kept]).sum() == 2


def test_of_many_gaps_the_longest_are_shown() -> None:
    y = np.zeros(1_000)
    y[::4] = np.nan
    y[500:520] = np.nan
    kept = history.thin(np.arange(1_000.0), y, 40)
    assert np.isnan(y[kept]).sum() == 10
    assert 500 in kept


def test_a_single_spike_survives_a_thousandfold_thinning() -> None:
    y = np.random.default_rng(0).normal(size=50_000)
    y[12_345], y[40_001] = 50, -50
    assert {12_345, 40_001} <= set(history.thin(np.arange(50_000.0), y, 50).tolist())


def test_a_shape_needs_some_points() -> None:
    with pytest.raises(InvalidSpec, match="at least 8 points"):
        history.thin(np.arange(3.0), np.arange(3.0), 7)


@pytest.mark.parametrize("best", [1, 57, 200])
@pytest.mark.parametrize("by", ["epoch", "step"])
def test_the_best_epoch_survives_smoothing_and_thinning(best: int, by: Any) -> None:
    found = history.curve(metrics(200, best=(best,)), "loss", "train", by=by, weight=0.9, points=10)
    assert len(found.x) == len(found.y) == len(found.smoothed) <= 11
    assert found.best == (best, pytest.approx(best + (0.1 if by == "epoch" else 0.04)))
    assert found.best in list(zip(found.x, found.y, strict=True))


def test_a_curve_is_smoothed_before_it_is_thinned() -> None:
    rows = metrics(50)
    x, y = history.series(rows, "loss", "train", "step")
    found = history.curve(rows, "loss", "train", "step", weight=0.9, points=20)
    np.testing.assert_allclose(found.smoothed, history.smooth(y, 0.9)[np.searchsorted(x, found.x)])
    assert history.curve(rows, "loss").smoothed is None


def test_a_best_epoch_whose_loss_was_no_number_has_no_star() -> None:
    rows = metrics(2, best=(2,))
    rows[-1]["validation_loss"] = None
    assert history.curve(rows, "loss", "validation").best is None
    assert history.curve(rows, "accuracy", "validation").best == (2, 0.4)


def test_thinned_rows_keep_every_epoch_and_their_order() -> None:
    rows = metrics(30, steps=20)
    rows[3]["loss"] = None
    found = history.thinned(rows, 50)
    assert sum(row["kind"] == "epoch" for row in found) == 30
    assert sum(row["kind"] == "step" for row in found) <= 50
    places = [rows.index(row) for row in found]
    assert places == sorted(places)


def test_smoothed_lines_have_the_names_of_the_rows() -> None:
    rows = metrics(100)
    found = history.smoothed(rows, 0.6, points=20)
    assert set(found) == {name for name in rows[-1] if name.startswith(("train_", "validation_"))}
    assert all(len(x) == len(y) <= 20 for x, y in found.values())


def test_a_picture_is_drawn_anew_when_a_hundredth_has_come_and_a_short_history_always():
    assert [history.worth_drawing(rows) for rows in (0, 1, 57, 199)] == [0, 1, 57, 199]
    assert {history.worth_drawing(rows) for rows in range(1000, 1010)} == {1000}
    assert all(0 <= rows - history.worth_drawing(rows) < max(1, rows / 100) for rows in range(5_000))
