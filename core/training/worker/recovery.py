"""What a run that goes on may go on from, when files of it may be damaged: the newest checkpoint that gives the right result."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from core.errors import UnusableRun
from core.runs.store import Run
from core.training import checkpoint


@dataclass(frozen=True)
class Found:
    """`state`: the checkpoint, None where training begins. `kept`: sound weights by their epochs. `said`: what was damaged, and what of it.

    `model_missing`: the best weights are the state's own, and the run's model is not they.
    """

    state: dict[str, Any] | None
    kept: dict[int, dict[str, Tensor]]
    said: tuple[str, ...] = ()
    model_missing: bool = False


def find(run: Run) -> Found:
    """Look through the files of `run`, which the caller holds; damaged checkpoints are removed, so that they do not count as kept.

    Raises:
        UnusableRun: a checkpoint was stored by another version.
    """
    kept, said = run.weights_by_epoch(), []
    for stored in run.checkpoints():
        try:
            state = stored.read()
        except UnusableRun as error:
            said.append(str(error))
            stored.path.unlink()
            continue
        if checkpoint.has_best(state, kept):
            missing = checkpoint.has_own_best(state) and _model_epoch(run, kept) != state["best_epoch"]
            return Found(state, kept, _told(said, f"The training went on after {_position(state)}."), missing)
        said.append(f"{stored.path.name} needs the weights of epoch {state['best_epoch']}, which are damaged or gone.")
    return Found(None, kept, _told(said, "The training began anew."))


def _told(said: list[str], outcome: str) -> tuple[str, ...]:
    """Nothing where nothing was damaged."""
    for sentence in (found := (*said, outcome) if said else ()):
        logging.warning("%s", sentence)
    return found


def _position(state: dict[str, Any]) -> str:
    step = state.get("step", 0)
    return f"epoch {state['epoch']}" + (f" and {step} steps of the next" if step else "")


def _model_epoch(run: Run, kept: dict[int, dict[str, Tensor]]) -> int:
    with suppress(UnusableRun):
        epoch = run.weights_epoch()
        return epoch if epoch in kept else 0
    return 0
