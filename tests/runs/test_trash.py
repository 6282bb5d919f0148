"""The trash gives back what was put there, until its time is over."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.errors import UnknownName, UnusableRun
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store, trash


@pytest.fixture
def run() -> store.Run:
    return store.create(compose(DataSpec(name="set", sha256="", classes=("a", "b")), "alasfoor-cnn22", **{"image.size": 32}))


def aged(run_id: str, days: float, artifacts: Path) -> None:
    (artifacts / "trash" / run_id / "deleted").write_text(f"{time.time() - days * 86400}\n")


def test_without_deleted_runs_there_is_nothing() -> None:
    assert trash.runs() == []
    assert trash.empty() == 0
    assert trash.size_text() == "0 kB"


def test_what_is_old_goes_for_good_and_what_is_not_stays(run: store.Run, artifacts: Path) -> None:
    other = store.create(run.recipe())
    trash.put(run), trash.put(other)
    aged(run.id, trash.RETENTION_DAYS + 1, artifacts)
    assert trash.empty() == 1
    assert [deleted.run_id for deleted in trash.runs()] == [other.id]
    assert trash.runs()[0].days_left == pytest.approx(trash.RETENTION_DAYS, abs=0.01)


def test_an_unknown_run_is_not_restored(run: store.Run) -> None:
    trash.put(run)
    for name in ("../runs", "nobody"):
        with pytest.raises(UnknownName):
            trash.restore(name)


def test_a_run_is_not_restored_over_another(run: store.Run) -> None:
    trash.put(run)
    run.folder.mkdir()
    with pytest.raises(UnusableRun, match="which is there again"):
        trash.restore(run.id)
    assert [deleted.run_id for deleted in trash.runs()] == [run.id]


def test_a_damaged_stamp_counts_from_its_file(run: store.Run, artifacts: Path) -> None:
    trash.put(run)
    (artifacts / "trash" / run.id / "deleted").write_text("soon")
    assert trash.runs()[0].days_left == pytest.approx(trash.RETENTION_DAYS, abs=0.01)
