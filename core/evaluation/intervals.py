"""Intervals for figures that rest on few images: bootstrap by patient for whole tables, Wilson for single proportions, spread over runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

from core import wording

RESAMPLES = 2_000
LEVEL = 0.95
CHUNK_CELLS = 2**18
"""Images × resamples handled at once: 2 MB a float64 array, so that the work stays in the processor's cache."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; NaN where it is undefined (a mean over no images)."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """With None for what is undefined: NaN is no JSON."""
        return {name: None if np.isnan(number) else float(number) for name, number in vars(self).items()}

    @classmethod
    def from_json(cls, numbers: Mapping[str, float | None]) -> Estimate:
        """What `to_json` wrote."""
        return cls(**{name: np.nan if number is None else number for name, number in numbers.items()})


@dataclass(frozen=True)
class Spread:
    """One share (an accuracy, in [0, 1]) over several runs: seeds or folds."""

    mean: float
    deviation: float | None  # standard deviation of a sample (divisor n − 1); None for a single run
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one run."""
        return cls(mean(values), stdev(values) if len(values) > 1 else None, len(values))

    @property
    def text(self) -> str:
        """ "84.1 % ± 1.2 (5 runs)"; a single run has no spread: "84.1 % (1 run)"."""
        return wording.spread("accuracy", self.mean, self.deviation, self.runs)


def wilson(successes: int, trials: int) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927); undefined for no trials."""
    from scipy.stats import binomtest

    if trials == 0:
        return Estimate(np.nan, np.nan, np.nan)
    interval = binomtest(successes, trials).proportion_ci(LEVEL, method="wilson")
    return Estimate(successes / trials, interval.low, interval.high)


def groups_of(patients: np.ndarray | None, images: int) -> tuple[np.ndarray, int | None]:
    """Each image's group, numbered from 0, and the number of known patients (None: none is known).

    An image of an unknown patient is a group of its own.

    Args:
        patients: who each image shows, "" where unknown; None where nothing is known. str [images]

    Returns:
        int [images] and the count.
    """
    if patients is None or not (patients != "").any():
        return np.arange(images), None
    names = np.where(patients == "", np.char.add("image ", np.arange(images).astype(str)), np.char.add("patient ", patients))
    return np.unique(names, return_inverse=True)[1], len(set(patients.tolist()) - {""})


def weight_chunks(groups: np.ndarray, seed: int = 0, resamples: int = RESAMPLES) -> Iterator[np.ndarray]:
    """How often each image counts in each bootstrap resample, a few resamples at a time: int64 [chunk, images].

    Whole groups (patients) are drawn with replacement, as many as there are (cluster bootstrap, Davison & Hinkley 1997, section 3.8).
    The same groups and seed give the same resamples, whatever is made of them.

    Args:
        groups: each image's group, numbered from 0 without gaps, as `groups_of` gives them. int [images]
    """
    count, generator = int(groups.max()) + 1, np.random.default_rng(seed)
    size = max(1, CHUNK_CELLS // len(groups))
    for start in range(0, resamples, size):
        chunk = min(size, resamples - start)
        draws = generator.integers(0, count, size=(chunk, count)) + count * np.arange(chunk)[:, np.newaxis]
        yield np.bincount(draws.ravel(), minlength=chunk * count).reshape(chunk, count)[:, groups]


def percentile_interval(value: float, resampled: np.ndarray) -> Estimate:
    """`value` with the percentiles of `resampled` (float [resamples]); resamples in which the figure is undefined are left out."""
    defined = resampled[~np.isnan(resampled)]
    if not len(defined) or np.isnan(value):
        return Estimate(float(value), np.nan, np.nan)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))


def student(values: Sequence[float]) -> Estimate:
    """The mean of independent draws (at least two) with Student's t interval, which takes them for about normal (Student 1908)."""
    from scipy.stats import t

    spread = Spread.of(values)
    half = float(t.ppf((1 + LEVEL) / 2, spread.runs - 1)) * (spread.deviation or 0.0) / spread.runs**0.5
    return Estimate(spread.mean, spread.mean - half, spread.mean + half)
