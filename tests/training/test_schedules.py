"""The learning rate of every step: as long as the training, never above its peak, and as worked out by hand."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.recipes.specs import ScheduleSpec
from core.training.schedules import rates

NAMES = get_args(ScheduleSpec.model_fields["name"].annotation)


def schedule(name: str, peak: float = 1.0, *, epochs: int, steps: int, **changes: Any) -> np.ndarray:
    return rates(ScheduleSpec(name=name, **changes), peak, epochs, steps)


@given(
    name=st.sampled_from(NAMES),
    peak=st.floats(1e-6, 10),
    epochs=st.integers(1, 30),
    steps=st.integers(1, 40),
    warmup=st.one_of(st.just(0.0), st.floats(0, 40)),
    drop_every=st.integers(1, 10),
    drop_factor=st.floats(0.01, 1),
)
@settings(max_examples=200, deadline=None)
def test_every_rate_is_finite_not_negative_and_at_most_the_peak(
    name: str, peak: float, epochs: int, steps: int, warmup: float, drop_every: int, drop_factor: float
) -> None:
    spec = ScheduleSpec(name=name, warmup_epochs=warmup, drop_every=drop_every, drop_factor=drop_factor)
    found = rates(spec, peak, epochs, steps)
    assert found.shape == (epochs * steps,)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= peak * (1 + 1e-12)).all()
    assert found.max() > 0  # something is learnt


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_shares_of_the_peak(name: str) -> None:
    np.testing.assert_allclose(schedule(name, 0.3, epochs=6, steps=5), 0.3 * schedule(name, epochs=6, steps=5))


def test_constant_is_constant() -> None:
    assert schedule("constant", 0.01, epochs=3, steps=2).tolist() == [0.01] * 6


def test_step_drops_after_every_so_many_whole_epochs() -> None:
    found = schedule("step", epochs=20, steps=7, drop_every=5, drop_factor=0.2)
    np.testing.assert_allclose(found, np.repeat([1, 0.2, 0.04, 0.008], 35))


def test_stages_hold_their_share_from_so_many_completed_epochs() -> None:
    found = schedule("stages", 4e-4, epochs=10, steps=7, stages=((3, 0.5), (6, 0.25)))
    np.testing.assert_allclose(found, np.repeat([4e-4, 2e-4, 1e-4], [21, 21, 28]))


def test_stages_from_the_start_or_after_the_end_and_none() -> None:
    np.testing.assert_allclose(schedule("stages", epochs=3, steps=2, stages=((0, 0.5), (9, 0.1))), [0.5] * 6)
    np.testing.assert_allclose(schedule("stages", epochs=3, steps=2), [1] * 6)


def test_stages_follow_a_warm_up() -> None:
    found = schedule("stages", epochs=4, steps=4, warmup_epochs=1, stages=((2, 0.5),))
    np.testing.assert_allclose(found, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, *[0.5] * 8])


def test_a_warm_up_that_lasts_into_a_stage_does_not_pass_it() -> None:
    found = schedule("stages", epochs=4, steps=4, warmup_epochs=2, stages=((1, 0.5),))
    assert found[4:].max() == 0.5


def test_cosine_falls_from_the_peak_through_a_half_to_nearly_nothing() -> None:
    found = schedule("cosine", epochs=10, steps=10)
    assert found[0] == 1
    assert found[50] == pytest.approx(0.5)
    assert found[25] == pytest.approx(0.5 + 0.5**1.5)  # cos 45°
    assert 0 < found[-1] < 0.001
    assert (np.diff(found) < 0).all()


@pytest.mark.parametrize("name", ["constant", "step", "stages", "cosine"])
def test_a_warm_up_rises_in_equal_steps_to_the_peak(name: str) -> None:
    found = schedule(name, epochs=6, steps=4, warmup_epochs=2)
    np.testing.assert_allclose(found[:8], np.arange(1, 9) / 8)
    assert found[8] == pytest.approx(1)


def test_after_a_warm_up_the_cosine_takes_the_rest() -> None:
    np.testing.assert_allclose(schedule("cosine", epochs=8, steps=4, warmup_epochs=2)[8:], schedule("cosine", epochs=6, steps=4))


@pytest.mark.parametrize("warmup", [0.1, 0.5, 1.3, 2.5])
def test_a_warm_up_of_part_of_an_epoch_never_passes_the_peak(warmup: float) -> None:
    found = schedule("constant", epochs=4, steps=3, warmup_epochs=warmup)
    assert found.max() == 1
    assert (np.diff(found) >= 0).all()


def test_one_cycle_starts_at_a_25th_and_ends_at_a_250_000th() -> None:
    found = schedule("one-cycle", epochs=10, steps=10)
    assert found[0] == pytest.approx(1 / 25)
    assert found[-1] == pytest.approx(1 / 250_000)
    assert found.max() == pytest.approx(1, abs=1e-3)
    top = int(found.argmax())
    assert top in (29, 30)
    assert (np.diff(found[: top + 1]) > 0).all()
    assert (np.diff(found[top:]) < 0).all()


@pytest.mark.parametrize("steps", [50, 1000])
def test_one_cycle_is_torchs_to_within_a_step(steps: int) -> None:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    torchs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=1.0, total_steps=steps, pct_start=0.3, anneal_strategy="cos", div_factor=25, final_div_factor=1e4
    )
    expected = []
    for _ in range(steps):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        torchs.step() if len(expected) < steps else None
    # torch puts its peak one step before 30 % of the steps, this at 30 % of the way: at the steepest that is π/2 of a step's share
    np.testing.assert_allclose(schedule("one-cycle", epochs=steps // 10, steps=10), expected, atol=np.pi / 2 / (0.3 * steps - 1))


def test_one_cycle_has_its_own_warm_up() -> None:
    np.testing.assert_array_equal(
        schedule("one-cycle", epochs=3, steps=4, warmup_epochs=2), schedule("one-cycle", epochs=3, steps=4, warmup_epochs=0)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_single_step_has_a_rate(name: str) -> None:
    (rate,) = schedule(name, epochs=1, steps=1)
    assert 0 < rate <= 1
