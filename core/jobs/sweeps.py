"""Many runs asked for at once and named as one experiment: a grid over recipes, networks, seeds, folds and any fields of the recipe."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from math import prod
from typing import Any

from core import wording
from core.data.manifest import Manifest
from core.errors import CoreError, InvalidSpec, Problem, UnknownName
from core.jobs import groups, requests, supervisors
from core.models import registry
from core.recipes import fitting
from core.recipes.fitting import Fitted
from core.recipes.recipe import Recipe
from core.runs import index, limits
from core.runs.store import Run

MOST = 2_000  # runs of one sweep
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Sweep:
    """What is asked for, before it meets a data set. Fields of the recipe are dotted, as {"optimiser.lr": …}.

    Raises:
        InvalidSpec: all that is wrong with it, at once.
    """

    name: str  # of the experiment; a single run needs none
    recipes: tuple[str, ...] = ()  # names or files; each is a start,
    models: tuple[str, ...] = ()  # and so is each of these, under the default recipe
    seeds: tuple[int, ...] = ()  # of the split, the first weights and every draw; empty: each start's own
    folds: int = 0  # each of so many is held out once; 0: the one fold that each start holds out
    axes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # field, or "model" → its values in turn
    changes: Mapping[str, Any] = field(default_factory=dict)  # field → its value in all runs
    device: str = ""  # see `requests.start`
    priority: int = 0

    def __post_init__(self) -> None:
        problems = tuple(_problems(self))
        if problems:
            raise InvalidSpec.of(problems)

    @property
    def count(self) -> int:
        """Combinations, doubles included."""
        starts = len(self.recipes) + len(self.models)
        return starts * max(1, len(self.seeds)) * max(1, self.folds) * prod(map(len, self.axes.values()))


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep on a data set, in the order in which they are to start. `doubles`: combinations that come to one of them."""

    sweep: Sweep
    runs: tuple[Fitted, ...]
    doubles: int

    def table(self) -> list[dict[str, str]]:
        """A row a run: network, seed and fold, and the fields that the sweep varies."""
        found = []
        for run in self.runs:
            recipe, values = run.recipe, dict(run.recipe.leaves())
            row = {"recipe": recipe.name or "default", "model": recipe.model}
            row |= {axis: _value(axis, values) for axis in self.sweep.axes if axis != "model"}
            found.append(row | {"seed": str(recipe.seed), "fold": f"{recipe.split.fold + 1} of {recipe.split.folds}"})
        return found


def plan(sweep: Sweep, manifest: Manifest) -> Plan:
    """Fit every combination to the data: all or none.

    Seeds come first in the order, so that every variation has a result early; the folds of one variation stay together.

    Raises:
        CoreError: all that does not fit, each misfit with the combinations that have it; of the first one's kind.
    """
    drafts, misfits = _drafted(sweep)
    fitted = list(zip([where for where, _ in drafts], fitting.fit_each([draft for _, draft in drafts], manifest), strict=True))
    misfits += [(where, found) for where, found in fitted if isinstance(found, CoreError)]
    _refuse(misfits, sweep)
    runs = {found.recipe.id: found for _, found in fitted if isinstance(found, Fitted)}
    return Plan(sweep, tuple(runs.values()), doubles=len(fitted) - len(runs))


def drafts(sweep: Sweep) -> list[Recipe]:
    """Every combination without its data, so that settings can be checked before the data is opened. Raises as `plan`."""
    found, misfits = _drafted(sweep)
    _refuse(misfits, sweep)
    return [draft for _, draft in found]


def submit(planned: Plan, *, supervised: bool = True) -> list[Run]:
    """Queue every run of it under the experiment's name; with `supervised` somebody is there to train them."""
    limits.require_turn(len(planned.runs))  # all or none
    sweep = planned.sweep
    settings = {"device": sweep.device, "priority": sweep.priority, "experiment_name": sweep.name, "supervised": False}
    started = [requests.start(run.recipe, **settings) for run in planned.runs]
    if supervised:
        supervisors.ensure()
    return started


def cancel(name: str) -> list[Run]:
    """Cancel every job of an experiment that waits or is active; returns their runs.

    Raises:
        UnknownName: no run was submitted under this name.
    """
    known = {row.experiment_name for row in index.rows()} - {""}
    if name not in known:
        raise UnknownName.among("experiment", name, known)
    return groups.cancelled(name)


def fields() -> list[str]:
    """Every field of a recipe that may be an axis, dotted, apart from networks, seeds and folds, which a sweep has of its own."""
    apart = ("name", "model", "seed", "split.seed", "split.fold", "split.folds")
    draft = fitting.draft(model=registry.names()[0])
    return [name for name, _ in draft.leaves() if name not in apart and not name.startswith("data.")]


def default_name() -> str:
    """For an experiment that nobody named: when it was asked for."""
    return f"sweep-{time.strftime('%Y%m%d-%H%M%S')}"


def _combinations(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """Start, fields of the axes, "seed" and "fold" (from 0, of how many) of each; only what the sweep says is in it."""
    starts = [{"recipe": name} for name in sweep.recipes] + [{"model": name} for name in sweep.models]
    points = [dict(zip(sweep.axes, values, strict=True)) for values in product(*sweep.axes.values())]
    seeds = [{"seed": seed} for seed in sweep.seeds] or [{}]
    folds = [{"fold": (fold, sweep.folds)} for fold in range(sweep.folds)] or [{}]
    for seed, start, point, fold in product(seeds, starts, points, folds):
        yield start | point | seed | fold


def _settings(combination: dict[str, Any]) -> dict[str, Any]:
    """As `fitting.draft` takes them."""
    settings = dict(combination)
    if "seed" in settings:
        settings["split.seed"] = settings["seed"]
    if "fold" in settings:
        settings["split.fold"], settings["split.folds"] = settings.pop("fold")
    return settings


def _label(combination: dict[str, Any]) -> str:
    parts = []
    for name, value in combination.items():
        if name in ("recipe", "model"):
            parts.append(str(value))
        elif name == "fold":
            parts.append(f"fold {value[0] + 1}/{value[1]}")
        else:
            parts.append(f"{name} {value}")
    return ", ".join(parts)


def _value(axis: str, leaves: dict[str, Any]) -> str:
    """Of a field that may have fields in it."""
    inside = {name.removeprefix(f"{axis}."): value for name, value in leaves.items() if name.startswith(f"{axis}.")}
    return str(leaves.get(axis, inside))


def _drafted(sweep: Sweep) -> tuple[list[tuple[str, Recipe]], list[tuple[str, CoreError]]]:
    """(combination, its draft), and (combination, what is wrong with it)."""
    found, misfits = [], []
    for combination in _combinations(sweep):
        try:
            found.append((_label(combination), fitting.draft(**sweep.changes, **_settings(combination))))
        except CoreError as error:
            misfits.append((_label(combination), error))
    return found, misfits


def _refuse(misfits: list[tuple[str, CoreError]], sweep: Sweep) -> None:
    if misfits:
        raise misfits[0][1] if sweep.count == 1 else _together(misfits, sweep.count)


def _together(misfits: list[tuple[str, CoreError]], count: int) -> CoreError:
    places: dict[Problem, list[str]] = {}
    for where, error in misfits:
        for problem in error.problems:
            places.setdefault(problem, []).append(where)
    named = []
    for problem, labels in places.items():
        where = f"in all {count:,} combinations" if len(labels) == count else f"in: {wording.listed(labels)}"
        named.append(Problem(problem.rule, f"{problem.received}, {where}", problem.way_out))
    return type(misfits[0][1]).of(named)


def _problems(sweep: Sweep) -> Iterator[Problem]:
    unnamed = not sweep.name and sweep.count == 1
    if not unnamed and not (0 < len(sweep.name) <= _LONGEST_NAME and sweep.name.isprintable() and sweep.name == sweep.name.strip()):
        rule = f"An experiment has a name of 1 to {_LONGEST_NAME} characters, without line breaks, and no blank at its ends."
        yield Problem(rule, repr(sweep.name), "Choose another name.")
    if not sweep.recipes and not sweep.models:
        yield Problem("A sweep starts from recipes or models.", "neither", "Name at least one.")
    if sweep.folds and not 2 <= sweep.folds <= 50:
        yield Problem("A cross validation has 2 to 50 folds.", str(sweep.folds), "Choose a number of folds between them.")
    for axis in [name for name, values in sweep.axes.items() if not values]:
        yield Problem("A field that varies has values.", f"{axis} without any", "Give it values, or leave it out.")
    yield from _fields_given_twice(sweep)
    if sweep.count > MOST:
        received = wording.count(sweep.count, "combination")
        yield Problem(f"A sweep has at most {MOST:,} runs.", received, "Leave out values, or submit it in several sweeps.")


def _fields_given_twice(sweep: Sweep) -> Iterator[Problem]:
    """Also a field and one inside it, and what seeds, folds and models stand for."""
    for name in [*sweep.axes, *sweep.changes]:
        if name.partition(".")[0] in ("data", "name") or name == "recipe" or (name == "model" and name in sweep.changes):
            yield Problem("A sweep varies settings of the recipe.", name, "Give data, recipes and models on their own.")
    implied = [*(("seed", "split.seed") if sweep.seeds else ()), *(("split.fold", "split.folds") if sweep.folds else ())]
    implied += ["model"] if sweep.models else []
    for one, other in combinations([*implied, *sweep.axes, *sweep.changes], 2):
        if one == other or one.startswith(f"{other}.") or other.startswith(f"{one}."):
            both = one if one == other else f"{one} and {other}"
            yield Problem("A sweep gives each field once: by seeds, folds, models, an axis or a change.", both, "Leave one of them out.")
