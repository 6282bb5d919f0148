"""A finished run trained for more epochs: a new run that begins where the other ended, its history taken over."""

from __future__ import annotations

import logging
from typing import Any

from core.errors import InvalidSpec, UnusableRun
from core.recipes.recipe import Recipe, validated
from core.runs import store
from core.runs.store import Run


def continued(run: Run, epochs: int) -> Recipe:
    """The recipe of a run that goes on from the end of `run` until `epochs` epochs are done in all.

    Raises:
        InvalidSpec: `epochs` are no more than `run` has.
        UnusableRun: `run` is not done, or what going on needs is damaged or gone.
    """
    recipe = run.recipe()
    if run.status().state != "done":
        raise UnusableRun(
            "A run that is done is continued by another.", f"{run.id}, which is {run.status().state}", "Go on with it itself."
        )
    if epochs <= recipe.epochs:
        raise InvalidSpec("A run is continued for more epochs than it has.", f"{epochs}, of {recipe.epochs}", "Choose more.")
    _end(run, recipe.epochs)
    changes = {"epochs": epochs, "continues": run.id, "continues_after": recipe.epochs}
    return validated(lambda: Recipe.model_validate(recipe.model_dump() | changes))


def source(recipe: Recipe) -> Run:
    """The run that `recipe` continues.

    Raises:
        UnknownName: it is gone.
        UnusableRun: its recipe differs in more than its epochs.
    """
    found = store.find(recipe.continues)
    own = {"epochs": recipe.continues_after, "continues": found.recipe().continues, "continues_after": found.recipe().continues_after}
    if recipe.model_copy(update=own) != found.recipe():
        rule = "A run is continued with its own recipe, which has more epochs and is else the same."
        raise UnusableRun(rule, f"another one than that of {found.id}", "Start a new run from the recipe, without continuing another.")
    return found


def take_over(run: Run, recipe: Recipe) -> None:
    """Bring into the folder of `run`, which has nothing yet, all that going on from the run that `recipe` continues needs.

    Raises:
        UnknownName, UnusableRun: that run is gone, has another recipe, or what going on needs is damaged there.
    """
    origin = source(recipe)
    state, weights = _end(origin, recipe.continues_after)
    run.drop_metrics_after(0)
    for row in origin.metrics():
        run.append_metrics(row)
    if weights:
        run.write_weights(weights, state["best_epoch"])
    run.write_checkpoint(state, state["epoch"])  # last: with it the run has what it needs
    logging.info("Going on from the end of run %s", origin.id)


def _end(run: Run, epochs: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The checkpoint of the last epoch, and the best weights."""
    from core.training import checkpoint

    kept = run.weights_by_epoch()
    for stored in run.checkpoints():
        if not stored.ends_epoch:
            continue
        state = stored.read()
        if state["epoch"] == epochs and checkpoint.has_best(state, kept):
            return state, state["model"] if checkpoint.has_own_best(state) else kept.get(state["best_epoch"], {})
    raise UnusableRun(
        "A run is continued from its last epoch's checkpoint and its best weights.",
        f"{run.id}, where they are damaged or gone",
        "Train its recipe anew, with more epochs.",
    )
