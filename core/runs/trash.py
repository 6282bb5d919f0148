"""Deleted runs, kept for a while: a folder beside the runs from which each can be taken back as it was."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from core import access, owners, wording
from core.errors import UnknownName, UnusableRun
from core.files import write_text
from core.runs import store
from core.runs.store import Run
from core.settings import artifacts_dir

RETENTION_DAYS = 30
_STAMP = "deleted"  # a file in the folder: when, as Unix time


@dataclass(frozen=True)
class Deleted:
    run_id: str
    at: float  # Unix time

    @property
    def days_left(self) -> float:
        return max(0.0, RETENTION_DAYS - (time.time() - self.at) / 86400)


def put(run: Run) -> None:
    """Move `run` into the trash."""
    write_text(run.folder / _STAMP, f"{time.time()}\n")
    _folder().mkdir(parents=True, exist_ok=True)
    run.folder.rename(_folder() / run.id)


def runs() -> list[Deleted]:
    """What is in the trash and whoever acts may see, the latest first."""
    who = access.person()
    stamps = [stamp for stamp in _folder().glob(f"*/{_STAMP}") if owners.of(stamp.parent).seen_by(who)]
    found = [Deleted(stamp.parent.name, _time(stamp)) for stamp in stamps]
    return sorted(found, key=lambda deleted: deleted.at, reverse=True)


def restore(run_id: str) -> Run:
    """Take a run back.

    Raises:
        UnknownName: it is not in the trash.
        NotAllowed: it is somebody else's.
        UnusableRun: a run of this id is there again.
    """
    known = {deleted.run_id for deleted in runs()}
    if run_id not in known:
        raise UnknownName.among("deleted run", run_id, known)
    owners.require_own(_folder() / run_id)
    run = Run(store.runs_dir() / run_id)
    if run.folder.exists():
        raise UnusableRun("A run's id is its own.", f"{run_id}, which is there again", "Move the other folder away first.")
    store.runs_dir().mkdir(parents=True, exist_ok=True)
    (_folder() / run_id).rename(run.folder)
    (run.folder / _STAMP).unlink()
    return run


def empty(older_than_days: float = RETENTION_DAYS) -> int:
    """Remove for good what has been in the trash for longer; returns how many runs."""
    old = [deleted for deleted in runs() if time.time() - deleted.at > older_than_days * 86400]
    for deleted in old:
        shutil.rmtree(_folder() / deleted.run_id)
    return len(old)


def size_text() -> str:
    """What the trash takes on the disk: "1.2 GB"."""
    return wording.size(sum(file.stat().st_size for file in _folder().rglob("*") if file.is_file()))


def _folder() -> Path:
    return artifacts_dir() / "trash"


def _time(stamp: Path) -> float:
    try:
        return float(stamp.read_text())
    except ValueError:
        return stamp.stat().st_mtime
