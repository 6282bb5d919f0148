"""Passes → figures: medians, ratios with their range, the share of the peak. Plain data in, plain data out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.training.passes import Pass
from benchmarks.training.peers import OURS

TRAINING_PASSES = 3  # forward, and backward for the values and for the weights: each as many multiply-adds


@dataclass(frozen=True)
class Ratio:
    """Peer ÷ ours: of the medians, and the smallest and largest within one repeat."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One participant of one work. Medians over the repeats; None where there is nothing to say."""

    participant: str
    wall: float | None = None  # seconds
    cpu: float | None = None  # seconds
    peak_rss: float | None = None  # bytes
    ratio: Ratio | None = None  # peer ÷ ours; None for ours
    peak_share: float | None = None  # of the device's measured matrix product, over the whole process
    disturbed: int = 0  # passes marked, those that were replaced included
    failure: str = ""
    reckoned: bool = False  # the time of all epochs is reckoned from two shorter trainings


def counted(passes: Iterable[Pass]) -> dict[tuple[str, int], Pass]:
    """The pass that counts for each (participant, repeat): the repetition of a disturbed one stands for it. Failed ones do not count."""
    result: dict[tuple[str, int], Pass] = {}
    for item in passes:
        key = (item.participant, item.repeat)
        if not item.failure and (item.again or key not in result):
            result[key] = item
    return result


def ratio(passes: Iterable[Pass], peer: str) -> Ratio | None:
    """Wall time of `peer` ÷ ours; None where either has no pass, or they share no repeat."""
    walls = _by_participant(counted(passes))
    ours, theirs = walls.get(OURS, {}), walls.get(peer, {})
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        return None
    each = [theirs[repeat].wall / ours[repeat].wall for repeat in shared]
    value = _median(theirs[repeat].wall for repeat in shared) / _median(ours[repeat].wall for repeat in shared)
    return Ratio(value, min(each), max(each))


def rows(passes: Sequence[Pass], operations: float, peaks: Mapping[str, float]) -> list[Row]:
    """A row a participant, ours first, then by time, failures last.

    Args:
        operations: of the whole training, see `training_operations`; 0 where they are not known.
        peaks: operations a second at best, a participant.
    """
    found = []
    for name, items in _by_participant(counted(passes)).items():
        wall = _median(item.wall for item in items.values())
        found.append(
            Row(
                participant=name,
                wall=wall,
                cpu=_median(item.cpu for item in items.values()),
                peak_rss=_median(item.peak_rss for item in items.values()),
                ratio=None if name == OURS else ratio(passes, name),
                peak_share=operations / wall / peaks[name] if operations and peaks.get(name) else None,
                disturbed=sum(item.disturbed for item in passes if item.participant == name),
                reckoned=any(item.measured for item in items.values()),
            )
        )
    found.sort(key=lambda row: (row.participant != OURS, row.wall))
    have = {row.participant for row in found}
    failed = {item.participant: item.failure for item in passes if item.failure and item.participant not in have}
    return [*found, *(Row(name, failure=reason) for name, reason in failed.items())]


def training_operations(multiply_adds: int, train: int, validation: int, epochs: int) -> float:
    """Operations of a training with a validation after each epoch: two a multiply-add, three forward passes' worth a training image."""
    return 2.0 * multiply_adds * epochs * (TRAINING_PASSES * train + validation)


def _by_participant(passes: Mapping[tuple[str, int], Pass]) -> dict[str, dict[int, Pass]]:
    result: dict[str, dict[int, Pass]] = {}
    for (name, repeat), item in passes.items():
        result.setdefault(name, {})[repeat] = item
    return result


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))
