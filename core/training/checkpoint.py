"""A `Progress` as plain tensors and numbers, and back. It knows nothing of files."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from core.errors import UnusableRun
from core.training.loop import Progress

VERSION = 1


def pack(progress: Progress) -> dict[str, Any]:
    """All that going on from the end of an epoch needs, except the best weights, which are the run's model."""
    return {
        "version": VERSION,
        "epoch": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_score": progress.best_score,
        "model": progress.model.state_dict(),
        "optimiser": progress.optimiser.state_dict(),
    }


def unpack(progress: Progress, state: dict[str, Any], kept: dict[str, Tensor], kept_epoch: int) -> None:
    """Set `progress` to `state`. `kept` are the weights stored as the run's model, `kept_epoch` the epoch they say they are from.

    The state is stored before the kept weights. When an interruption fell between the two, the kept weights are older than the
    state's best epoch, and that epoch is the state's own: its weights are the best.

    Raises:
        UnusableRun: the state was stored by another version, or the best weights are neither kept nor the state's own.
    """
    if state.get("version") != VERSION:
        raise UnusableRun(f"A checkpoint has version {VERSION}.", repr(state.get("version")), "Start the run anew from its recipe.")
    if state["best_epoch"] not in (0, kept_epoch, state["epoch"]):
        rule = f"The weights kept are those of the best epoch, which is epoch {state['best_epoch']}."
        raise UnusableRun(rule, f"those of epoch {kept_epoch}" if kept_epoch else "none", "Start the run anew from its recipe.")
    progress.model.load_state_dict(state["model"])
    progress.optimiser.load_state_dict(state["optimiser"])
    progress.epoch = state["epoch"]
    progress.best_epoch = state["best_epoch"]
    progress.best_score = state["best_score"]
    best = kept if kept_epoch == progress.best_epoch else state["model"]
    progress.best_weights = {name: value.to(progress.model.state_dict()[name].device).clone() for name, value in best.items()}
