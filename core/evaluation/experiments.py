"""Runs that were submitted under one name: what each variation of the recipe comes to over its seeds and folds.

A variation is what runs share that differ in seeds and fold alone. Its mean and standard deviation are over its runs; for its interval
see `core.evaluation.repeats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import wording
from core.errors import CoreError, UnknownName
from core.evaluation import repeats
from core.evaluation.comparison import MOST as MOST_COMPARED
from core.evaluation.comparison import differing_fields
from core.evaluation.intervals import Estimate, Spread
from core.evaluation.overview import METRICS
from core.runs.index import Row

if TYPE_CHECKING:
    from core.recipes.recipe import Recipe

_REPEATED = ("name", "seed", "split.seed", "split.fold")
"""Fields that tell no variation from another: repeats differ in them, and a recipe's name stands beside its network already."""


@dataclass(frozen=True)
class Summary:
    """An experiment as the index alone knows it. `states`: jobs by state."""

    name: str
    states: Mapping[str, int]
    variations: int
    models: tuple[str, ...]
    data: tuple[str, ...]
    created: float  # Unix time of its first run

    @property
    def states_text(self) -> str:
        return states_text(self.states)

    def to_json(self) -> dict[str, Any]:
        return {
            "experiment": self.name,
            "runs": sum(self.states.values()),
            "states": dict(self.states),
            "variations": self.variations,
            "models": list(self.models),
            "data": list(self.data),
            "created": self.created,
        }


@dataclass(frozen=True)
class Variation:
    """Runs that differ in seeds and fold alone. `sentence` says what `intervals` are, or why there are none."""

    differs: Mapping[str, Any]  # "recipe", "model" and fields in which the experiment's variations differ; empty for a single one
    model: str
    data: str
    rows: tuple[Row, ...]  # newest first
    spread: Mapping[str, Spread]  # of each metric, over the runs that are done
    intervals: Mapping[str, Estimate]
    sentence: str

    @property
    def title(self) -> str:
        return ", ".join(f"{field} {value}" for field, value in self.differs.items()) or self.model

    @property
    def states_text(self) -> str:
        return states_text(Counter(row.state for row in self.rows))

    def spread_text(self, metric: str) -> str:
        """ "84.1 % ± 1.2 (5 runs)"; empty where no run is done."""
        found = self.spread.get(metric)
        return wording.spread(metric, found.mean, found.deviation, found.runs) if found else ""

    def interval_text(self, metric: str) -> str:
        """ "84.0 % (82.1–85.9)"; empty where there is none."""
        found = self.intervals.get(metric)
        return wording.estimate(metric, found.value, found.low, found.high) if found else ""

    def to_json(self) -> dict[str, Any]:
        metrics = {}
        for name, spread in self.spread.items():
            interval = self.intervals[name].to_json() if name in self.intervals else None
            metrics[name] = {"mean": spread.mean, "deviation": spread.deviation, "runs": spread.runs, "interval": interval}
        states = Counter(row.state for row in self.rows)
        return {
            "title": self.title,
            "differs": dict(self.differs),
            "model": self.model,
            "data": self.data,
            "states": dict(states),
            "done": states["done"],
            "failed": states["failed"],
            "metrics": metrics,
            "interval": self.sentence,
        }


@dataclass(frozen=True)
class Experiment:
    name: str
    variations: tuple[Variation, ...]

    @property
    def rows(self) -> list[Row]:
        return [row for variation in self.variations for row in variation.rows]

    @property
    def states(self) -> dict[str, int]:
        return dict(Counter(row.state for row in self.rows))

    @property
    def states_text(self) -> str:
        return states_text(self.states)

    @property
    def to_compare(self) -> list[str]:
        """Runs to put side by side, as many as that takes: one of each variation, or those of the only one."""
        tested = [[row.run_id for row in variation.rows if row.state == "done"] for variation in self.variations]
        return (tested[0] if len(tested) == 1 else [runs[-1] for runs in tested if runs])[:MOST_COMPARED]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the intervals are: each sentence once, with the variations that it is about where there are several."""
        about: dict[str, list[str]] = {}
        for variation in self.variations:
            about.setdefault(variation.sentence, []).append(variation.title)
        if len(about) == 1:
            return tuple(about)
        return tuple(f"{wording.listed(titles)}: {sentence}" for sentence, titles in about.items())

    def text_table(self, metrics: Sequence[str]) -> list[dict[str, str]]:
        """A row a variation, for people and for papers."""
        found = []
        for variation in self.variations:
            row = {"model": variation.model} | {field: str(value) for field, value in variation.differs.items()}
            row["runs"] = variation.states_text
            for metric in metrics:
                row[wording.METRICS[metric]] = variation.spread_text(metric)
                row[f"{wording.METRICS[metric]}, 95 %"] = variation.interval_text(metric)
            found.append(row)
        return found

    def to_json(self) -> dict[str, Any]:
        jobs = [
            {"run_id": row.run_id, "state": row.state, "variation": variation.title, "seed": row.seed, "fold": row.fold, "folds": row.folds}
            for variation in self.variations
            for row in variation.rows
        ]
        variations = [variation.to_json() for variation in self.variations]
        return {"experiment": self.name, "runs": len(jobs), "states": self.states, "jobs": jobs, "variations": variations}


def states_text(states: Mapping[str, int]) -> str:
    """ "12 done, 3 queued"."""
    return ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))


def summaries(rows: Iterable[Row]) -> list[Summary]:
    """Every experiment that has a name, the newest first."""
    named: dict[str, list[Row]] = {}
    for row in rows:
        if row.experiment_name:
            named.setdefault(row.experiment_name, []).append(row)
    found = [
        Summary(
            name,
            dict(Counter(row.state for row in own)),
            len({row.experiment for row in own}),
            tuple(sorted({row.model for row in own} - {""})),
            tuple(sorted({row.data for row in own} - {""})),
            min(row.created for row in own),
        )
        for name, own in named.items()
    ]
    return sorted(found, key=lambda summary: (summary.created, summary.name), reverse=True)


def open_experiment(name: str, rows: Sequence[Row]) -> Experiment:
    """The experiment called `name`, its variations in the order in which they were submitted. Reads recipes and, for folds, predictions.

    Raises:
        UnknownName: no run among `rows` (newest first) was submitted under this name.
    """
    own: dict[str, list[Row]] = {}
    for row in rows:
        if row.experiment_name == name:
            own.setdefault(row.experiment, []).append(row)
    if not own:
        raise UnknownName.among("experiment", name, {row.experiment_name for row in rows} - {""})
    groups = sorted(own.values(), key=lambda group: (group[-1].created, group[-1].run_id))
    return Experiment(name, tuple(_variation(group, differs) for group, differs in zip(groups, _differences(groups), strict=True)))


def _differences(groups: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """What tells each variation from the others: recipe and network, and the fields that vary among those which share both."""
    starts = [(group[0].recipe or "default", group[0].model) for group in groups]
    recipes = [repeats.recipe_of(group[0]) for group in groups]
    found = []
    for number, start in enumerate(starts):
        differs = {kind: start[place] for place, kind in enumerate(("recipe", "model")) if len({other[place] for other in starts}) > 1}
        alike: dict[str, Recipe] = {
            str(other): recipe for other, recipe in enumerate(recipes) if recipe is not None and starts[other] == start
        }
        fields = differing_fields(alike) if str(number) in alike else []
        found.append(differs | {field: values[str(number)] for field, values in fields if field not in _REPEATED})
    return found


def _variation(rows: Sequence[Row], differs: dict[str, Any]) -> Variation:
    done = [row for row in rows if row.state == "done"]
    values = {metric: [row.metrics[metric] for row in done if metric in row.metrics] for metric in METRICS}
    spread = {metric: Spread.of(found) for metric, found in values.items() if found}
    try:
        intervals, sentence = repeats.intervals(rows)
    except CoreError as error:
        intervals, sentence = {}, f"No interval: {error}"
    return Variation(differs, rows[0].model, rows[0].data, tuple(rows), spread, intervals, sentence)
