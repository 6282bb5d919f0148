"""Repeats of one recipe, other seeds or other folds: the interval of what they found, which depends on how they were drawn.

Folds of one seed share most of their training images, so an interval over their results would be too narrow (Bengio & Grandvalet 2004:
no unbiased estimate of that variance exists). Together they test every image once, and the interval is that of their pooled
predictions. Seeds are drawn independently, and have Student's t interval, which speaks of other seeds and not of other images.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf, isnan
from typing import TYPE_CHECKING

import numpy as np

from core import wording
from core.errors import CoreError, UnusableRun
from core.evaluation import predicted
from core.evaluation.intervals import Estimate, student
from core.evaluation.overview import METRICS
from core.evaluation.predicted import Predicted
from core.runs import store
from core.runs.index import Row

if TYPE_CHECKING:
    from core.recipes.recipe import Recipe

_SEEDS_ONLY = "They hold for the draw of seeds on these images, not for other images or patients."
_RANGES = {"mcc": (-1.0, 1.0), "kappa": (-1.0, 1.0), "loss": (0.0, inf), "brier": (0.0, 2.0)}
"""Least and largest value of a metric, where they are not 0 and 1."""


def recipe_of(row: Row) -> Recipe | None:
    """None where its folder is damaged or gone."""
    try:
        return store.at(row.run_id).recipe()
    except CoreError:
        return None


def intervals(rows: Sequence[Row]) -> tuple[dict[str, Estimate], str]:
    """Of each metric, as far as the runs that are done allow (`rows`: newest first, at least one); and a sentence that says what it is.

    Raises:
        UnusableRun: predictions of a fold are missing or damaged, or folds share images.
    """
    done = [row for row in rows if row.state == "done"]
    if not done:
        return {}, "No run is done yet."
    draws, whole = _draws(done), whole_seeds(done)
    if len(whole) > 1:
        of_seeds = [_pooled_figures(runs) for runs in whole.values()]
        kind = f"Student’s t over the pooled results of {len(whole)} seeds, {done[0].folds} folds each"
        return _over_seeds(of_seeds), f"95 % intervals: {kind}. {_SEEDS_ONLY}"
    if whole:
        return _of_folds(next(iter(whole.values())))
    if any(len(folds) > 1 for folds in _draws(rows).values()):
        most = max(len(folds) for folds in draws.values())
        return {}, f"{most} of {done[0].folds} folds are done: the interval waits for the others, so that each image is tested once."
    if len(draws) > 1:
        newest = [next(iter(folds.values())) for folds in draws.values()]
        return _over_seeds([row.metrics for row in newest]), f"95 % intervals: Student’s t over {len(draws)} seeds. {_SEEDS_ONLY}"
    return _own(done[0]), "One run: 95 % intervals by a bootstrap of its own test images."


def whole_seeds(done: Sequence[Row]) -> dict[tuple[int, int], list[Row]]:
    """(seed, seed of the split) → the newest run of each fold, of the seeds all of whose folds are `done` (newest first)."""
    return {seed: list(folds.values()) for seed, folds in _draws(done).items() if len(folds) == done[0].folds}


def first_seed(done: Sequence[Row]) -> list[Row]:
    """The newest run of each fold of the lowest seed; where some seeds have all folds, of the lowest of those. Empty: nothing is `done`."""
    found = whole_seeds(done) or {seed: list(folds.values()) for seed, folds in _draws(done).items()}
    return found[min(found)] if found else []


def _draws(rows: Iterable[Row]) -> dict[tuple[int, int], dict[int, Row]]:
    """(seed, seed of the split) → fold → its newest run."""
    found: dict[tuple[int, int], dict[int, Row]] = {}
    for row in rows:
        recipe = recipe_of(row)
        if recipe is not None:
            found.setdefault((recipe.seed, recipe.split.seed), {}).setdefault(recipe.split.fold, row)
    return found


def _of_folds(runs: Sequence[Row]) -> tuple[dict[str, Estimate], str]:
    from core.evaluation.metrics import evaluate_predictions

    answers = pooled(runs)
    evaluation = evaluate_predictions(answers.table, answers.classes)
    unit = "image, as patients are unknown" if evaluation.patients is None else f"patient ({evaluation.patients:,})"
    sentence = (
        f"95 % intervals: bootstrap by {unit}, of the pooled test predictions of all {len(runs)} folds of seed {runs[0].seed}: "
        f"{wording.count(evaluation.images, 'image')}, each once. Folds share training images, so their spread alone would be too narrow; "
        "areas under curves rank the probabilities of several networks together."
    )
    return _defined(evaluation.metrics), sentence


def _pooled_figures(runs: Sequence[Row]) -> dict[str, float]:
    from core.evaluation.metrics import answers_of
    from core.evaluation.resampling import figures

    answers = pooled(runs)
    labels, probabilities, _ = answers_of(answers.table, answers.classes)
    found = figures(labels, probabilities, np.ones((1, len(labels)), dtype=np.int64))
    return {metric: float(values[0]) for metric, values in found.items() if not np.isnan(values[0])}


def pooled(runs: Sequence[Row]) -> Predicted:
    """The test predictions of all folds, a row an image, under the name of the first run.

    Raises:
        UnusableRun: predictions are missing or damaged, or folds share images.
    """
    import pandas as pd

    found = [predicted.of_run(store.at(row.run_id)) for row in runs]
    table = pd.concat([each.table for each in found], ignore_index=True)
    twice = int(table.duplicated("sample_id").sum())
    if twice:
        received = f"{wording.count(twice, 'image')} in several, among {', '.join(row.run_id for row in runs[:2])} and others"
        raise UnusableRun("Folds test each image once.", received, "Restore the runs’ folders, or train the folds again.")
    return replace(found[0], table=table)


def _over_seeds(results: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """Of each metric that all of `results` have, within the values that it can take."""
    found = {}
    for metric in METRICS:
        values = [result[metric] for result in results if metric in result]
        if len(values) == len(results):
            estimate, (least, largest) = student(values), _RANGES.get(metric, (0.0, 1.0))
            found[metric] = Estimate(estimate.value, max(least, estimate.low), min(largest, estimate.high))
    return found


def _own(row: Row) -> dict[str, Estimate]:
    bounds = {metric: [row.metrics.get(f"{metric}_{side}") for side in ("low", "high")] for metric in METRICS if metric in row.metrics}
    return {metric: Estimate(row.metrics[metric], *both) for metric, both in bounds.items() if None not in both}


def _defined(metrics: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return {metric: estimate for metric, estimate in metrics.items() if not isnan(estimate.value)}
