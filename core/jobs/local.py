"""Start a run in a process of its own on this machine: a fresh interpreter in its own session, which outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core import owners
from core.recipes.recipe import Recipe
from core.runs import limits, store
from core.settings import artifacts_dir


def start(recipe: Recipe, device: str | None = None) -> store.Run:
    """Create the run and start its trainer, which waits while another job trains; returns at once.

    Raises:
        NotAllowed, BeyondLimit: see `store.create`; or that person has too many unfinished runs.
    """
    limits.require_turn()
    return launch(store.create(recipe), device)


def launch(run: store.Run, device: str | None = None) -> store.Run:
    """Start the trainer of a run that is queued, interrupted or cancelled; it goes on from its checkpoint where it has one.

    Raises:
        NotAllowed: it is somebody else's.
    """
    owners.require_own(run.folder)
    run.withdraw_requests()
    command = [sys.executable, "-m", "core", "train", "--resume", run.id, "--in-turn", *(["--device", device] if device else [])]
    with open(run.folder / "log.txt", "a", encoding="utf-8") as log:
        subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | {"CXRLAB_ARTIFACTS": str(artifacts_dir())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return run
