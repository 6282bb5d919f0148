"""Samples → figures: how long page changes took, how memory moved, what training lost. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.load.samples import Sample
from benchmarks.load.visitors import Change

WARM_UP = 300.0  # seconds of browsing that the memory's slope leaves out
BLOCK = 30.0  # seconds of training that are drawn together: epochs that follow each other are alike
RESAMPLES = 2_000
LEVEL = 0.95


@dataclass(frozen=True)
class Times:
    """Page changes, in seconds."""

    n: int
    median: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Memory:
    """Bytes that belong to the app alone. `slope` in bytes per ten minutes, with its 95 % interval, after the warm-up."""

    start: int
    warm: int
    end: int
    highest: int
    slope: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratio:
    """Seconds an epoch with visitors ÷ without, with its 95 % interval; above 1, visitors slow training down."""

    alone: float  # seconds an epoch, mean
    visited: float
    ratio: float
    low: float
    high: float


Stretch = tuple[float, float]
"""From when until when, as time.time has it."""


def times(seconds: Sequence[float]) -> Times | None:
    """None where there was no page change."""
    if not seconds:
        return None
    median, p95, p99 = (float(each) for each in np.percentile(seconds, (50, 95, 99)))
    return Times(len(seconds), median, p95, p99, max(seconds))


def by_page(changes: Iterable[Change]) -> dict[str, Times]:
    """Page, and "predict, upload" for what an answer took → its times; the slowest page first."""
    found: dict[str, list[float]] = {}
    for change in changes:
        name = change.page or "home"
        found.setdefault(f"{name}, upload" if change.kind == "uploaded" else name, []).append(change.seconds)
    made = {name: timed for name, seconds in found.items() if (timed := times(seconds))}
    return dict(sorted(made.items(), key=lambda item: -item[1].p95))


def memory(samples: Sequence[Sample], warm_up: float = WARM_UP) -> Memory | None:
    """By Theil and Sen, whose line one large sample does not turn; None where fewer than three samples follow the warm-up."""
    from scipy import stats

    later = [sample for sample in samples if sample.at - samples[0].at >= warm_up]
    if len(later) < 3:
        return None
    found = stats.theilslopes([sample.memory for sample in later], [(sample.at - later[0].at) / 600 for sample in later], LEVEL)
    sizes = [sample.memory for sample in samples]
    return Memory(
        sizes[0], later[0].memory, sizes[-1], max(sizes), float(found.slope), float(found.low_slope), float(found.high_slope)
    )  # fmt: skip


def busy(samples: Sequence[Sample]) -> dict[str, float]:
    """Process → cores that it kept busy on average, from the first sample to the last."""
    if len(samples) < 2:
        return {}
    first, last = samples[0], samples[-1]
    return {name: (seconds - first.cpu.get(name, 0.0)) / (last.at - first.at) for name, seconds in last.cpu.items()}


def epochs(ends: Sequence[float], stretches: Iterable[Stretch]) -> list[list[float]]:
    """Blocks of about `BLOCK` seconds: how long each epoch took that lies in one of `stretches` with all of its time.

    Args:
        ends: when each epoch ended, in order.
    """
    blocks: list[list[float]] = []
    for begin, end in stretches:
        whole = [(last, now) for last, now in pairwise(ends) if begin <= last and now <= end]
        found: dict[int, list[float]] = {}
        for last, now in whole:
            found.setdefault(int((last - begin) / BLOCK), []).append(now - last)
        blocks += found.values()
    return blocks


def ratio(alone: Sequence[Sequence[float]], visited: Sequence[Sequence[float]], seed: int = 0) -> Ratio | None:
    """Of mean epochs, by drawing whole blocks anew on each side; None where a side has fewer than two blocks."""
    if min(len(alone), len(visited)) < 2:
        return None
    draw = np.random.default_rng(seed)
    drawn = _means(visited, draw) / _means(alone, draw)
    low, high = np.percentile(drawn, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    means = [sum(map(sum, blocks)) / sum(map(len, blocks)) for blocks in (alone, visited)]
    return Ratio(means[0], means[1], means[1] / means[0], float(low), float(high))


def _means(blocks: Sequence[Sequence[float]], draw: np.random.Generator) -> np.ndarray:
    """Seconds an epoch in each of `RESAMPLES` drawings of as many blocks."""
    sums, counts = np.array([sum(block) for block in blocks]), np.array([len(block) for block in blocks])
    chosen = draw.integers(0, len(blocks), (RESAMPLES, len(blocks)))
    return sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)


def grouped(errors: Iterable[str]) -> Mapping[str, int]:
    """How often each error was seen, the most frequent first."""
    counts: dict[str, int] = {}
    for error in errors:
        counts[error] = counts.get(error, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
