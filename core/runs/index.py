"""A table of all runs in SQLite, for speed alone: the run folders are the truth, and a lost or damaged index is made again."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from core import access, owners, wording
from core.errors import CoreError
from core.runs import store
from core.runs.status import LIVE
from core.settings import artifacts_dir

DAMAGED = "damaged"
"""Stands as the state of a run whose recipe or status cannot be read."""


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
    fold: int  # from 0
    folds: int
    seconds: float | None  # from the trainer's first start to the end
    metrics: dict[str, float]  # of the test part: every metric, and its bounds as metric_low, metric_high
    costs: dict[str, float]  # see core.runs.status.Status
    owner: str  # who started it; empty for the machine itself
    visibility: owners.Visibility

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
_SCHEMA = f"CREATE TABLE IF NOT EXISTS runs ({', '.join(_COLUMNS)}, changed INTEGER, PRIMARY KEY (run_id))"


def rows() -> list[Row]:
    """All runs that whoever acts may see, newest first, brought up to date with the folders."""
    who = access.person()
    try:
        found = _refreshed()
    except sqlite3.DatabaseError:
        for path in (_path(), Path(f"{_path()}-wal"), Path(f"{_path()}-shm")):
            path.unlink(missing_ok=True)
        found = _refreshed()
    return found if who.may("manage") else [row for row in found if owners.Owner(row.owner, row.visibility).seen_by(who)]


def _refreshed() -> list[Row]:
    with _open() as database:
        known = {run_id: (changed, state) for run_id, changed, state in database.execute("SELECT run_id, changed, state FROM runs")}
        current = _changes()
        database.executemany("DELETE FROM runs WHERE run_id = ?", [(gone,) for gone in known.keys() - current.keys()])
        for run_id, changed in current.items():
            # These are looked at each time: a trainer that was killed changes no file, and what mends a folder may be its recipe.
            if run_id not in known or known[run_id][0] != changed or known[run_id][1] in (*LIVE, DAMAGED):
                row = _row(store.Run(store.runs_dir() / run_id))
                marks = ", ".join("?" * (len(_COLUMNS) + 1))
                database.execute(f"INSERT OR REPLACE INTO runs VALUES ({marks})", (*_stored(row), changed))
        found = database.execute(f"SELECT {', '.join(_COLUMNS)} FROM runs ORDER BY created DESC, run_id DESC").fetchall()
    return [_loaded(values) for values in found]


def _changes() -> dict[str, int]:
    """Run id → when its status last changed, and its owner's file, in ns together: no change of one hides the other's.

    By os.stat: with a thousand runs pathlib would take most of the time.
    """
    folder, found = store.runs_dir(), {}
    for run_id in os.listdir(folder) if folder.is_dir() else ():  # noqa: PTH208
        with suppress(OSError):  # no run's folder, or one that is being removed
            found[run_id] = os.stat(f"{folder}/{run_id}/status.json").st_mtime_ns  # noqa: PTH116
            found[run_id] += os.stat(f"{folder}/{run_id}/{owners.FILE}").st_mtime_ns  # noqa: PTH116  the machine's own have none
    return found


def _stored(row: Row) -> list[Any]:
    return [json.dumps(value) if name in _MAPPINGS else value for name, value in vars(row).items()]


def _loaded(values: tuple[Any, ...]) -> Row:
    # pydantic's reader: with a thousand runs the standard library's takes longer than all the rest.
    return Row(*(from_json(value) if name in _MAPPINGS else value for name, value in zip(_COLUMNS, values, strict=True)))


def _row(run: store.Run) -> Row:
    owner = run.owner()
    try:
        recipe, status = run.recipe(), run.status()
    except (CoreError, ValueError) as error:  # pydantic's errors are ValueErrors; one damaged folder must not hide the others
        return _damaged(run, owner, str(error))
    from core.recipes import catalogue  # rows that are in the index already do without

    result = status.result or {}
    return Row(
        run_id=run.id,
        state=status.state,
        model=recipe.model,
        data=recipe.data.title,
        created=status.created,
        epoch=status.epoch,
        epochs=status.epochs,
        best_epoch=status.best_epoch,
        image_size=recipe.image.size,
        seed=recipe.seed,
        accuracy=result.get("accuracy"),
        accuracy_low=result.get("accuracy_low"),
        accuracy_high=result.get("accuracy_high"),
        loss=result.get("loss"),
        test_images=int(result["images"]) if "images" in result else None,
        message=status.message,
        recipe=recipe.name,
        differs=", ".join(field for field, _, _ in catalogue.differences(recipe)) if recipe.name else "",
        experiment=recipe.experiment,
        fold=recipe.split.fold,
        folds=recipe.split.folds,
        seconds=status.seconds,
        metrics={name: value for name, value in result.items() if name != "images"},
        costs=status.costs,
        owner=owner.name,
        visibility=owner.visibility,
    )


def _damaged(run: store.Run, owner: owners.Owner, reason: str) -> Row:
    created = (run.folder / "status.json").stat().st_mtime
    return Row(
        run_id=run.id, state=DAMAGED, model="", data="", created=created, epoch=0, epochs=0, best_epoch=0, image_size=0, seed=0,
        accuracy=None, accuracy_low=None, accuracy_high=None, loss=None, test_images=None, message=reason.splitlines()[0],
        recipe="", differs="", experiment="", fold=0, folds=0, seconds=None, metrics={}, costs={},
        owner=owner.name, visibility=owner.visibility,
    )  # fmt: skip


@contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(_SCHEMA)
        have = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
        if have != [*_COLUMNS, "changed"]:  # written by another version
            connection.execute("DROP TABLE runs")
            connection.execute(_SCHEMA)
        with connection:
            yield connection
    finally:
        connection.close()


def _path() -> Path:
    return artifacts_dir() / "index.sqlite"
