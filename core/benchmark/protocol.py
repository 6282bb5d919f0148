"""What the benchmark runs: rows × protocols × seeds × folds, as sweeps; and which of them are done already. See docs/benchmark.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import InvalidSpec, UnknownName
from core.jobs import requests, supervisors, sweeps
from core.jobs.sweeps import Plan, Sweep
from core.recipes import catalogue
from core.runs import store
from core.runs.status import LIVE, RESUMABLE

if TYPE_CHECKING:
    from core.data.manifest import Manifest
    from core.data.splits import Together
    from core.recipes.entry import Entry
    from core.recipes.fitting import Fitted
    from core.recipes.recipe import Recipe
    from core.runs.index import Row

FOLDS = 5
SEED = 0
OWN: tuple[str, ...] = ("cxrlab-best",)
"""Entries of the catalogue that belong to no paper and stand in the benchmark all the same, by name."""
CHANGES = {"weights": {"source": "random"}, "keep": "best-accuracy"}
"""In every recipe, under both protocols: first weights that everybody has, and the epoch chosen on validation images."""


@dataclass(frozen=True)
class Protocol:
    """`together`: what a split never tears apart."""

    name: str
    title: str
    together: Together

    @property
    def experiment(self) -> str:
        """The name that its runs are queued under."""
        return f"benchmark-{self.name}"


PUBLISHED = Protocol("published", "random folds, image by image", "nothing")
HONEST = Protocol("honest", "folds by patient and picture", "patients and duplicates")
PROTOCOLS: Mapping[str, Protocol] = {one.name: one for one in (PUBLISHED, HONEST)}


@dataclass(frozen=True)
class Choice:
    """Which part of the benchmark; what is empty is all of it. Folds are counted from 0.

    Raises:
        UnknownName: a row or protocol that there is not.
        InvalidSpec: a fold that there is not.
    """

    rows: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()
    seeds: tuple[int, ...] = (SEED,)

    def __post_init__(self) -> None:
        for kind, names, known in (("row", self.rows, [entry.name for entry in rows()]), ("protocol", self.protocols, PROTOCOLS)):
            for name in names:
                if name not in known:
                    raise UnknownName.among(kind, name, known)
        strange = [fold + 1 for fold in self.folds if not 0 <= fold < FOLDS]
        if strange:
            raise InvalidSpec(f"The benchmark has folds 1 to {FOLDS}.", ", ".join(map(str, strange)), "Choose among them.")

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in rows() if entry.name in self.rows or not self.rows)

    @property
    def of_protocols(self) -> tuple[Protocol, ...]:
        return tuple(one for one in PROTOCOLS.values() if one.name in self.protocols or not self.protocols)


@dataclass(frozen=True)
class Task:
    """One run of the benchmark, and the run that does or did it, if there is one."""

    protocol: Protocol
    fitted: Fitted
    row: Row | None

    @property
    def recipe(self) -> Recipe:
        return self.fitted.recipe

    @property
    def state(self) -> str:
        """ "missing", "recorded", or the state of its run."""
        if self.row is None:
            return "missing"
        return "recorded" if self.row.recorded else self.row.state

    @property
    def open(self) -> bool:
        """Whether it is neither done nor under way."""
        return self.row is None or self.row.state in RESUMABLE


def rows() -> tuple[Entry, ...]:
    """The catalogue's entries that make a row: those of papers, and `OWN`.

    Entries that copy images before the split are none: no grouping could keep such copies out of the test part.
    """
    papers = [entry for entry in catalogue.entries() if entry.paper and not entry.changes.get("copies.before_split")]
    return (*papers, *(catalogue.get(name) for name in OWN))


def sweep(protocol: Protocol, choice: Choice, device: str = "") -> Sweep:
    """All folds of the chosen rows and seeds."""
    return Sweep(
        name=protocol.experiment,
        recipes=tuple(entry.name for entry in choice.entries),
        seeds=choice.seeds,
        folds=FOLDS,
        changes={**CHANGES, "split.together": protocol.together},
        device=device,
    )


def tasks(manifest: Manifest, choice: Choice, known: Sequence[Row], again: bool = False) -> list[Task]:
    """The chosen runs on a data set, in the order in which they are to start.

    Args:
        known: all runs, newest first; recorded ones count as done.
        again: what is done or recorded is to be trained once more.

    Raises:
        CoreError: the data does not fit; all that does not, as `sweeps.plan` says it.
    """
    found = {} if again else _newest(known)
    planned = [(protocol, sweeps.plan(sweep(protocol, choice), manifest)) for protocol in choice.of_protocols]
    return [
        Task(protocol, fitted, found.get(_key(fitted.recipe)))
        for protocol, plan in planned
        for fitted in plan.runs
        if not choice.folds or fitted.recipe.split.fold in choice.folds
    ]


def plan(asked: Iterable[Task], choice: Choice, device: str = "") -> Plan:
    """`asked` as one plan, for an estimate of its time."""
    return Plan(sweep(HONEST, choice, device), tuple(task.fitted for task in asked), doubles=0)


def submit(asked: Iterable[Task], device: str = "") -> list[store.Run]:
    """Queue what is open: what never ran anew, what stopped on its way from its last checkpoint. Returns the runs queued."""
    queued = []
    for task in asked:
        if not task.open:
            continue
        if task.row is None:
            name = task.protocol.experiment
            queued.append(requests.start(task.recipe, device=device, experiment_name=name, supervised=False))
        else:
            queued.append(requests.go_on(store.find(task.row.run_id), supervised=False))
    if queued:
        supervisors.ensure()
    return queued


def under_way(asked: Iterable[Task]) -> list[store.Run]:
    """Runs of `asked` that wait or train already."""
    return [store.find(task.row.run_id) for task in asked if task.row is not None and task.row.state in LIVE]


def _newest(known: Sequence[Row]) -> dict[tuple[str, int, int], Row]:
    """By recipe: its best run, a done one before one under way before one that can go on; of equals the newest."""
    found: dict[tuple[str, int, int], Row] = {}
    for states in (("done",), LIVE, RESUMABLE):
        for row in known:
            if row.state in states:
                found.setdefault((row.experiment, row.seed, row.fold), row)
    return found


def _key(recipe: Recipe) -> tuple[str, int, int]:
    return recipe.experiment, recipe.seed, recipe.split.fold
