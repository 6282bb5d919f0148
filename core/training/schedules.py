"""The learning rate of every step, as one array: drawn before training, followed during it, so the two cannot differ."""

from __future__ import annotations

import numpy as np

from core.recipes.specs import ScheduleSpec

ONE_CYCLE_RISE = 0.3  # share of the steps; start at peak/25, end at peak/250,000 (Smith & Topin 2018; the usual defaults)


def rates(schedule: ScheduleSpec, peak: float, epochs: int, steps: int) -> np.ndarray:
    """The learning rate of each of `epochs` × `steps` steps. float64 [epochs * steps]

    Args:
        peak: the recipe's learning rate; the others are shares of it.
        steps: batches an epoch.
    """
    position = np.arange(epochs * steps) / steps  # in epochs, at the start of each step
    if schedule.name == "one-cycle":
        return peak * _one_cycle(np.arange(epochs * steps) / max(1, epochs * steps - 1))
    if schedule.name == "step":
        factor = schedule.drop_factor ** np.floor(position / schedule.drop_every)
    elif schedule.name == "stages":
        factor = _stages(schedule.stages, position)
    elif schedule.name == "cosine":
        after = np.clip((position - schedule.warmup_epochs) / max(1e-9, epochs - schedule.warmup_epochs), 0, 1)
        factor = (1 + np.cos(np.pi * after)) / 2
    else:
        factor = np.ones_like(position)
    if schedule.warmup_epochs:
        rise = np.minimum(1, (position + 1 / steps) / schedule.warmup_epochs)
        factor = np.where(position < schedule.warmup_epochs, rise * factor, factor)
    return peak * factor


def _stages(stages: tuple[tuple[int, float], ...], position: np.ndarray) -> np.ndarray:
    """1 until the first stage begins, then each stage's share until the next."""
    begins = np.array([epoch for epoch, _ in stages], dtype=float)
    shares = np.array([1.0, *(share for _, share in stages)])
    return shares[np.searchsorted(begins, position, side="right")]


def _one_cycle(share: np.ndarray) -> np.ndarray:
    """Cosine from 1/25 up to 1 over the first part, then down to 1/250,000."""

    def between(start: float, end: float, t: np.ndarray) -> np.ndarray:
        return end + (start - end) * (1 + np.cos(np.pi * t)) / 2

    rising = between(1 / 25, 1, np.clip(share / ONE_CYCLE_RISE, 0, 1))
    falling = between(1, 1 / 250_000, np.clip((share - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE), 0, 1))
    return np.where(share < ONE_CYCLE_RISE, rising, falling)
