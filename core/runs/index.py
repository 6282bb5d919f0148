"""A table of all runs in SQLite, for speed alone: the run folders are the truth, and a lost or damaged index is made again."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from core import access, owners, wording
from core.errors import CoreError
from core.runs import database, store, ticket
from core.settings import artifacts_dir, recorded_dir

DAMAGED = "damaged"
"""Stands as the state of a run whose recipe or status cannot be read."""
LATELY = 1.0  # seconds for which all pages share one look
_CHANGING = ("running", DAMAGED)
"""Runs in these states are read at each look: a trainer that was killed changes no file, and what mends a folder may be its recipe."""
_left: dict[tuple[object, ...], dict[str, tuple[int, Row]]] = {}
"""What the table says, as this process left it, under the stamp of its file: to open it takes longer than all the rest of a look."""


@dataclass(frozen=True)
class Row:
    """One run as a table shows it."""

    run_id: str
    state: str
    model: str
    data: str  # its name; "(synthetic)" is part of it where the images are drawn, not taken
    created: float  # Unix time
    epoch: int
    epochs: int
    best_epoch: int
    image_size: int
    seed: int
    accuracy: float | None  # of the test part, with its 95 % interval
    accuracy_low: float | None
    accuracy_high: float | None
    loss: float | None
    test_images: int | None
    message: str
    recipe: str  # the catalogue's entry that it was made from, or ""
    differs: str  # fields whose settings differ from that entry, with commas between
    experiment: str  # shared by runs that differ in seeds and fold alone
    experiment_name: str  # that it was submitted under with others, or ""
    fold: int  # from 0
    folds: int
    seconds: float | None  # from the trainer's first start to the end
    metrics: dict[str, float]  # of the test part: every metric, and its bounds as metric_low, metric_high
    costs: dict[str, float]  # see core.runs.status.Status
    owner: str  # who started it; empty for the machine itself
    visibility: owners.Visibility
    recorded: bool = False  # it came with the project
    part: str = ""  # of the data set that it takes, in words; empty: all of it

    @property
    def taken(self) -> str:
        """Which images it was trained and tested on, for people: runs that share it can be compared."""
        return wording.part_of(self.data, self.part)

    @property
    def accuracy_text(self) -> str:
        """The test accuracy with its interval, empty where there is none."""
        if self.accuracy is None or self.accuracy_low is None or self.accuracy_high is None:
            return ""
        return wording.percent_interval(self.accuracy, self.accuracy_low, self.accuracy_high)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


_COLUMNS = [field.name for field in fields(Row)]
_MAPPINGS = ("metrics", "costs")  # kept as JSON texts
_READ_AS = dict.fromkeys(_MAPPINGS, from_json) | {"recorded": bool}
"""How a column's value is read. By pydantic's reader: with a thousand runs the standard library's takes longer than all the rest."""
_SCHEMA = f"CREATE TABLE runs ({', '.join(_COLUMNS)}, changed_at INTEGER, PRIMARY KEY (run_id))"


def rows() -> list[Row]:
    """All runs that whoever acts may see, newest first, brought up to date with the folders."""
    return seen(all_rows())


def lately() -> list[Row]:
    """As `rows`, at most `LATELY` seconds old: for what every page shows all the time. Whoever has just changed something asks `rows`."""
    return seen(list(_rows_at(artifacts_dir(), recorded_dir(), int(time.monotonic() / LATELY))))


@lru_cache(maxsize=1)
def _rows_at(_folder: Path, _recorded: Path, _moment: int) -> tuple[Row, ...]:
    return tuple(all_rows())


def seen(found: list[Row]) -> list[Row]:
    """Those of `found` that whoever acts may see."""
    who = access.person()
    return found if who.may("manage") else [row for row in found if owners.Owner(row.owner, row.visibility).seen_by(who)]


def all_rows() -> list[Row]:
    """Those of everybody, for the engine's own work."""
    known = _known()
    current = _changes()
    gone = known.keys() - current.keys()
    looked_at = [run_id for run_id, changed in current.items() if _is_new(known.get(run_id), changed)]
    fresh = {run_id: (current[run_id], _row(store.at(run_id))) for run_id in looked_at}
    lasting = {run_id: stamped for run_id, stamped in fresh.items() if known.get(run_id) != stamped and stamped[1].state not in _CHANGING}
    if gone or lasting:
        database.use(partial(_write, gone, lasting))
    found = {run_id: stamped for run_id, stamped in known.items() if run_id not in gone} | fresh
    _leave(found)
    return sorted((row for _, row in found.values()), key=lambda row: (row.created, row.run_id), reverse=True)


def _known() -> dict[str, tuple[int, Row]]:
    found = _left.get(database.stamp())
    return database.use(_read, writes=False) if found is None else found  # with nothing new, nobody waits for anybody


def _leave(found: dict[str, tuple[int, Row]]) -> None:
    stamp = database.stamp()
    _left.clear()
    if stamp:
        _left[stamp] = found


def _is_new(known: tuple[int, Row] | None, changed: int) -> bool:
    return known is None or known[0] != changed or known[1].state in _CHANGING


def _read(connection: sqlite3.Connection) -> dict[str, tuple[int, Row]]:
    """Run id → when its status had changed, and its row."""
    if not database.has_columns(connection, "runs", [*_COLUMNS, "changed_at"]):
        return {}
    found = connection.execute(f"SELECT changed_at, {', '.join(_COLUMNS)} FROM runs")
    return {values[1]: (values[0], _loaded(values[1:])) for values in found}


def _write(gone: Iterable[str], fresh: dict[str, tuple[int, Row]], connection: sqlite3.Connection) -> None:
    if not database.has_columns(connection, "runs", [*_COLUMNS, "changed_at"]):
        connection.execute("DROP TABLE IF EXISTS runs")  # written by another version
        connection.execute(_SCHEMA)
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    connection.executemany("DELETE FROM runs WHERE run_id = ?", [(run_id,) for run_id in gone])
    connection.executemany(f"INSERT OR REPLACE INTO runs VALUES ({marks})", [(*_stored(row), changed) for changed, row in fresh.values()])


def _changes() -> dict[str, int]:
    """Run id → when its status last changed, and its owner's file, in ns together: no change of one hides the other's."""
    kept = recorded_dir() / "runs"
    return _stamps(store.runs_dir()) | _recorded(kept, kept.stat().st_mtime_ns if kept.is_dir() else 0)


@lru_cache(maxsize=4)
def _recorded(folder: Path, _changed: int) -> dict[str, int]:
    """Of the records, which are only read: until one comes or goes, nobody looks at each of them."""
    return _stamps(folder)


def _stamps(folder: Path) -> dict[str, int]:
    """By os.stat: with a thousand runs pathlib would take most of the time."""
    found = {}
    for run_id in os.listdir(folder) if folder.is_dir() else ():  # noqa: PTH208
        with suppress(OSError):  # no run's folder, or one that is being removed
            found[run_id] = os.stat(f"{folder}/{run_id}/status.json").st_mtime_ns  # noqa: PTH116
            found[run_id] += os.stat(f"{folder}/{run_id}/{owners.FILE}").st_mtime_ns  # noqa: PTH116  the machine's own have none
    return found


def _stored(row: Row) -> list[Any]:
    return [json.dumps(value) if name in _MAPPINGS else value for name, value in vars(row).items()]


def _loaded(values: tuple[Any, ...]) -> Row:
    return Row(*(_READ_AS[name](value) if name in _READ_AS else value for name, value in zip(_COLUMNS, values, strict=True)))


def _row(run: store.Run) -> Row:
    owner = run.owner()
    try:
        said, status = _said(run.recipe_text()), run.status()
    except (CoreError, ValueError) as error:  # pydantic's errors are ValueErrors; one damaged folder must not hide the others
        return _damaged(run, owner, str(error))
    result = status.result or {}
    return Row(
        run_id=run.id,
        state=status.state,
        created=status.created,
        epoch=status.epoch,
        epochs=status.epochs,
        best_epoch=status.best_epoch,
        accuracy=result.get("accuracy"),
        accuracy_low=result.get("accuracy_low"),
        accuracy_high=result.get("accuracy_high"),
        loss=result.get("loss"),
        test_images=int(result["images"]) if "images" in result else None,
        message=status.message,
        experiment_name=placed.experiment_name if (placed := ticket.of(run)) else "",
        seconds=status.seconds,
        metrics={name: value for name, value in result.items() if name != "images"},
        costs=status.costs,
        owner=owner.name,
        visibility=owner.visibility,
        recorded=run.recorded,
        **said,
    )


@lru_cache(maxsize=512)
def _said(recipe: str) -> dict[str, Any]:
    """What a row takes from a recipe, by its JSON: a run's row is made anew at each look while it trains, and its recipe stays."""
    from core.recipes import catalogue  # rows that are in the index already do without
    from core.recipes.recipe import Recipe

    read = Recipe.from_json(recipe)
    return {
        "model": read.model,
        "data": read.data.title,
        "part": read.subset.text,
        "image_size": read.image.size,
        "seed": read.seed,
        "recipe": read.name,
        "differs": ", ".join(field for field, _, _ in catalogue.differences(read)) if read.name else "",
        "experiment": read.experiment,
        "fold": read.split.fold,
        "folds": read.split.folds,
    }


def _damaged(run: store.Run, owner: owners.Owner, reason: str) -> Row:
    created = (run.folder / "status.json").stat().st_mtime
    return Row(
        run_id=run.id, state=DAMAGED, model="", data="", created=created, epoch=0, epochs=0, best_epoch=0, image_size=0, seed=0,
        accuracy=None, accuracy_low=None, accuracy_high=None, loss=None, test_images=None, message=reason.splitlines()[0],
        recipe="", differs="", experiment="", experiment_name="", fold=0, folds=0, seconds=None, metrics={}, costs={},
        owner=owner.name, visibility=owner.visibility,
    )  # fmt: skip
