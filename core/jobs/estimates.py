"""How long jobs will take: one that trains says it itself, for one that waits the time of runs like it is the guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from core.runs.index import Row

if TYPE_CHECKING:
    from core.recipes.recipe import Recipe

Kind = tuple[str, str, int]
"""Data, model, image size."""
Pace = Mapping[Kind, float]
"""Seconds an epoch, start and test included."""


def pace(rows: Sequence[Row], judged: Mapping[str, float] | None = None) -> Pace:
    """What runs that were trained here took, and not recorded ones: the median over those alike.

    Args:
        judged: run → seconds of all its epochs, by its own judgement. Of runs that train now; they speak for what was never trained here.
    """
    found: dict[Kind, list[float]] = {}
    under_way: dict[Kind, list[float]] = {}
    for row in rows:
        if row.state == "done" and not row.recorded and row.seconds and row.epoch:
            found.setdefault(_kind(row), []).append(row.seconds / row.epoch)
        if judged and row.run_id in judged and row.epochs:
            under_way.setdefault(_kind(row), []).append(judged[row.run_id] / row.epochs)
    return {kind: median(values) for kind, values in (under_way | found).items()}


def seconds_left(row: Row, known: Pace) -> float | None:
    """Of a run that waits; None where none like it was trained yet."""
    an_epoch = known.get(_kind(row))
    return None if an_epoch is None else an_epoch * max(0, row.epochs - row.epoch)


def seconds_of(recipe: Recipe, known: Pace) -> float | None:
    """Of a run that is yet to be asked for; None where none like it was trained yet."""
    an_epoch = known.get((recipe.data.title, recipe.model, recipe.image.size))
    return None if an_epoch is None else an_epoch * recipe.epochs


def finish(active: Sequence[float | None], waiting: Sequence[float | None], devices: int) -> list[float | None]:
    """Seconds until each waiting job starts, then until all are done: jobs take the first free of `devices` in their order.

    An unknown time makes what stands behind it unknown.
    """
    free: list[float | None] = [*active, *[0.0] * max(0, devices - len(active))]
    starts: list[float | None] = []
    for needed in waiting:
        known = [time for time in free if time is not None]
        if not known:
            starts.append(None)
            continue
        begins = min(known)
        free.remove(begins)
        starts.append(begins)
        free.append(None if needed is None else begins + needed)
    return [*starts, None if None in free else max(free, default=0.0)]


def _kind(row: Row) -> Kind:
    return row.data, row.model, row.image_size
