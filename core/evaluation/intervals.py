"""Intervals for figures that rest on few images: bootstrap by group for whole tables, Wilson for single proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2_000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; NaN where it is undefined (a mean over no images)."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """With None for what is undefined: NaN is no JSON."""
        return {name: None if np.isnan(number) else float(number) for name, number in vars(self).items()}


def wilson(successes: int, trials: int) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927); undefined for no trials."""
    from scipy.stats import binomtest

    if trials == 0:
        return Estimate(np.nan, np.nan, np.nan)
    interval = binomtest(successes, trials).proportion_ci(LEVEL, method="wilson")
    return Estimate(successes / trials, interval.low, interval.high)


def bootstrap_weights(groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """How often each group is drawn in each resample, int64 [RESAMPLES, groups]: whole patients are drawn, with replacement.

    `groups` numbers every image's group from 0. int [images]
    """
    count = int(groups.max()) + 1
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)


def percentile_interval(value: float, resampled: np.ndarray) -> Estimate:
    """`value` with the percentiles of `resampled` (float [RESAMPLES]); resamples in which the figure is undefined are left out."""
    defined = resampled[~np.isnan(resampled)]
    if not len(defined) or np.isnan(value):
        return Estimate(float(value), np.nan, np.nan)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))
