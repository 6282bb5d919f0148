"""A `Progress` as plain tensors and numbers, and back. It knows nothing of files."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from torch import Tensor

from core.errors import UnusableRun
from core.training.loop import Progress, Totals

VERSION = 2
_READ = (1, VERSION)
"""Version 1 was stored at the end of an epoch alone."""


def pack(progress: Progress) -> dict[str, Any]:
    """All that going on from any step needs, except the best weights, which are the run's model."""
    return {
        "version": VERSION,
        "epoch": progress.epoch,
        "step": progress.step,
        "totals": {"images": progress.totals.images, "sums": progress.totals.sums},
        "pieces": progress.pieces,
        "best_epoch": progress.best_epoch,
        "best_score": progress.best_score,
        "model": progress.model.state_dict(),
        "optimiser": progress.optimiser.state_dict(),
    }


def has_best(state: dict[str, Any], kept: Container[int]) -> bool:
    """Whether the best weights at `state` are to be had: none were yet, they are the state's own, or those of their epoch are `kept`.

    Raises:
        UnusableRun: the state was stored by another version.
    """
    if state.get("version") not in _READ:
        raise UnusableRun(f"A checkpoint has version {VERSION}.", repr(state.get("version")), "Start the run anew from its recipe.")
    return state["best_epoch"] == 0 or has_own_best(state) or state["best_epoch"] in kept


def has_own_best(state: dict[str, Any]) -> bool:
    """Whether the weights that `state` goes on with are the best: it is the end of the best epoch."""
    return state["best_epoch"] == state["epoch"] > 0 and not state.get("step")


def unpack(progress: Progress, state: dict[str, Any], kept: Mapping[int, dict[str, Tensor]]) -> None:
    """Set `progress` to `state`, which has its best weights. `kept` are weights by their epochs, stored as the run's model.

    The state is stored before the kept weights. When an interruption fell between the two, the state's own weights are the best.
    """
    progress.model.load_state_dict(state["model"])
    progress.optimiser.load_state_dict(state["optimiser"])
    progress.epoch, progress.step = state["epoch"], state.get("step", 0)
    progress.totals = Totals(**state.get("totals", {}))
    progress.pieces = state.get("pieces", 1)
    progress.best_epoch, progress.best_score = state["best_epoch"], state["best_score"]
    best = state["model"] if has_own_best(state) else kept[progress.best_epoch] if progress.best_epoch else {}
    progress.best_weights = {name: value.to(progress.model.state_dict()[name].device).clone() for name, value in best.items()}
