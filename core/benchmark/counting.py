"""From records to the benchmark's table: pooled accuracies with intervals, gaps, probes on the same images, and what was not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean

from core import wording
from core.benchmark import recorded
from core.benchmark.protocol import FOLDS, HONEST, PROTOCOLS, PUBLISHED, SEED, rows
from core.benchmark.table import AgainstProbe, Figure, Line, Missing, Probe, Side, Table
from core.errors import CoreError, UnusableRun
from core.evaluation import comparison, experiments, probes, repeats
from core.evaluation.comparison import Pair
from core.evaluation.experiments import Variation
from core.evaluation.intervals import Estimate
from core.evaluation.metrics import evaluate_predictions
from core.evaluation.predicted import Predicted
from core.recipes import published
from core.recipes.entry import Entry
from core.recipes.recipe import Recipe
from core.runs import store
from core.runs.index import Row

_VERSIONS = ("torch", "torchvision", "timm")
_PART = (
    f"Rows with fewer than {FOLDS} folds: bootstrap by patient of the test images of their own folds. It says nothing of the networks of "
    "the other folds, and such rows stand on other images than the whole ones."
)


def count(found: Sequence[Row]) -> Table:
    """The table of the recorded runs `found` (newest first).

    Raises:
        UnusableRun: there is none, or they are of several data sets.
    """
    if not found:
        raise UnusableRun("A table needs a recorded run.", "none", "Run the benchmark, then: python -m core benchmark record.")
    recipes = {row.run_id: store.at(row.run_id).recipe() for row in found}
    whole = _one_data_set(found, recipes)
    variations = {name: _variations(one.experiment + wording.RECORDED, found) for name, one in PROTOCOLS.items()}
    lines = _corrected([line for entry in rows() if (line := _line(entry, variations, recipes))])
    ended = [status.finished or status.created for status in (store.at(row.run_id).status() for row in found)]
    return Table(
        data=whole[0].data,
        images=max((side.images for line, _ in lines for side in line.sides.values()), default=0),
        patients=_patients(whole),
        classes=recipes[whole[0].run_id].data.classes,
        dates=(min(ended), max(ended)),
        versions=_versions(found),
        from_scratch=all(recipe.weights.source == "random" for recipe in recipes.values()),
        lines=tuple(line for line, _ in lines),
        probes=_probes(whole, recipes),
        missing=_missing(found),
        answers=next((row.run_id for row in found if store.at(row.run_id).has_model()), ""),
    )


def _one_data_set(found: Sequence[Row], recipes: Mapping[str, Recipe]) -> list[Row]:
    """The runs that take all classes of the set, or all runs where none does."""
    names = sorted({row.data for row in found})
    whole = [row for row in found if not recipes[row.run_id].subset.labels]
    if len(names) > 1 or len({recipes[row.run_id].data.sha256 for row in whole}) > 1:
        raise UnusableRun("The records are of one data set.", ", ".join(names), "Remove those of the others.")
    return whole or list(found)


def _variations(experiment: str, found: Sequence[Row]) -> dict[str, Variation]:
    """By recipe; of several forms of one the newest."""
    if experiment not in {row.experiment_name for row in found}:
        return {}
    return {one.rows[0].recipe: one for one in experiments.open_experiment(experiment, found).variations}


def _line(
    entry: Entry, variations: Mapping[str, Mapping[str, Variation]], recipes: Mapping[str, Recipe]
) -> tuple[Line, Pair | None] | None:
    """The row of an entry, with the test against the best probe, which is corrected for the number of rows later."""
    mine = {name: of[entry.name] for name, of in variations.items() if entry.name in of}
    if not mine:
        return None
    first = {name: repeats.first_seed(one.rows) for name, one in mine.items()}
    pooled = {name: repeats.pooled(runs) for name, runs in first.items()}
    sides = {name: _side(one, first[name], pooled[name]) for name, one in mine.items()}
    pair = _against_best_probe(first[HONEST.name], pooled[HONEST.name]) if HONEST.name in mine else None
    figure, newest = published.accuracy(entry.name), next(iter(mine.values())).rows[0]
    line = Line(
        recipe=entry.name,
        title=entry.title,
        model=entry.model,
        published=_printed(figure) if figure else "",
        note=_note(recipes[newest.run_id]),
        classes=len(recipes[newest.run_id].subset.labels or recipes[newest.run_id].data.classes),
        sides=sides,
        gap=_gap({name: answers for name, answers in pooled.items() if sides[name].whole}),
        against=pair[0] if pair else None,
        parameters=newest.costs.get("parameters"),
        milliseconds_an_image=newest.costs.get("milliseconds_an_image"),
    )
    return line, pair[1] if pair else None


def _side(one: Variation, first: Sequence[Row], pooled: Predicted) -> Side:
    """`first`: the runs of its first seed, whose answers are `pooled`."""
    runs = sorted(one.rows, key=lambda row: (row.seed, row.fold))
    seconds = [row.seconds for row in runs if row.seconds]
    whole = repeats.whole_seeds(one.rows)
    return Side(
        runs=tuple(row.run_id for row in runs),
        folds=len({row.fold for row in runs if row.seed == SEED}),
        seeds=len(whole),
        images=sum(row.test_images or 0 for row in first),
        accuracy=_figure(one.intervals["accuracy"]) if whole else _accuracy(pooled),
        kind=one.sentence if whole else _PART,
        seconds=mean(seconds) if seconds else None,
        devices=tuple(sorted({store.at(row.run_id).status().device for row in runs})),
    )


def _accuracy(answers: Predicted) -> Figure:
    return _figure(evaluate_predictions(answers.table, answers.classes).metrics["accuracy"])


def _gap(pooled: Mapping[str, Predicted]) -> Figure | None:
    if len(pooled) < len(PROTOCOLS):
        return None
    named = [replace(pooled[name], name=name) for name in (PUBLISHED.name, HONEST.name)]
    (pair,) = comparison.compare(named).pairs
    return None if pair.unpaired else _figure(pair.accuracy_difference)


def _against_best_probe(runs: Sequence[Row], own: Predicted) -> tuple[AgainstProbe, Pair] | None:
    """On the test images of all folds, or of those that are done."""
    found = _pooled_probes(runs)
    if not found:
        return None
    accuracies = {name: _accuracy(answers) for name, answers in found.items()}
    best = max(accuracies, key=lambda name: accuracies[name].value)
    (pair,) = comparison.compare([replace(own, name="network"), replace(found[best], name="probe")]).pairs
    if pair.unpaired:
        return None
    against = AgainstProbe(
        probe=best,
        sees=probes.PROBES[best].sees,
        accuracy=accuracies[best],
        difference=_figure(pair.accuracy_difference),
        p_holm=pair.p_value,
        verdict="",
    )
    return against, pair


def _corrected(lines: Sequence[tuple[Line, Pair | None]]) -> list[tuple[Line, Pair | None]]:
    """With the tests against probes corrected for all rows together (Holm), and their verdicts."""
    from statsmodels.stats.multitest import multipletests

    tested = [pair.p_value for _, pair in lines if pair]
    corrected = iter(multipletests(tested, method="holm")[1].tolist() if tested else [])
    found = []
    for line, pair in lines:
        if pair and line.against:
            judged = replace(pair, p_holm=next(corrected), tests=len(tested))
            verdict = {"network": "above", "probe": "below"}.get(judged.better, "not told apart")
            against = line.against.model_copy(update={"p_holm": judged.p_holm, "verdict": verdict})
            found.append((line.model_copy(update={"against": against}), judged))
        else:
            found.append((line, None))
    return found


def _pooled_probes(folds: Sequence[Row]) -> dict[str, Predicted]:
    """Each probe on the test images of all folds; nothing unless every fold was probed."""
    found = [probes.cached(store.at(row.run_id)) for row in folds]
    if not all(found):
        return {}
    import pandas as pd

    return {
        name: replace(found[0][name], table=pd.concat([fold[name].table for fold in found], ignore_index=True))
        for name in found[0]
        if all(name in fold for fold in found)
    }


def _probes(whole: Sequence[Row], recipes: Mapping[str, Recipe]) -> tuple[Probe, ...]:
    """On the folds of any row that has them all: rows of one protocol and seed have the same."""
    found: dict[str, dict[str, Predicted]] = {}
    for name in PROTOCOLS:
        of_recipes: dict[str, list[Row]] = {}
        for row in whole:
            if (protocol := recorded.protocol_of(row)) and protocol.name == name and not recipes[row.run_id].subset.labels:
                of_recipes.setdefault(row.recipe, []).append(row)
        seeds = [seeds for rows_ in of_recipes.values() if (seeds := repeats.whole_seeds(rows_))]
        if seeds:
            first = min(seeds, key=min)
            found[name] = _pooled_probes(first[min(first)])
    names = dict.fromkeys(name for of in found.values() for name in of)
    return tuple(_probe(name, {protocol: of[name] for protocol, of in found.items() if name in of}) for name in names)


def _probe(name: str, answers: Mapping[str, Predicted]) -> Probe:
    evaluations = {protocol: evaluate_predictions(one.table, one.classes) for protocol, one in answers.items()}
    accuracy = {protocol: _figure(one.metrics["accuracy"]) for protocol, one in evaluations.items()}
    return Probe(name=name, sees=probes.PROBES[name].sees, accuracy=accuracy, images=next(iter(evaluations.values())).images)


def _missing(found: Sequence[Row]) -> tuple[Missing, ...]:
    done = {(row.recipe, protocol.name, row.fold) for row in found if row.seed == SEED and (protocol := recorded.protocol_of(row))}
    plan = {
        (entry.name, name): tuple(fold + 1 for fold in range(FOLDS) if (entry.name, name, fold) not in done)
        for entry in rows()
        for name in PROTOCOLS
    }
    return tuple(Missing(recipe=recipe, protocol=protocol, folds=folds) for (recipe, protocol), folds in plan.items() if folds)


def _note(recipe: Recipe) -> str:
    parts = []
    if recipe.subset.labels:
        caps = [f"{count:,} {label}" for label, count in recipe.subset.caps.items()]
        parts.append(f"two classes, {' and '.join(caps or recipe.subset.labels)}")
    if recipe.frozen:
        parts.append("trunk frozen at random weights" if recipe.weights.source == "random" else "trunk frozen")
    if recipe.marked:
        parts.append(f"{', '.join(recipe.marked)} alone augmented, which marks it")
    return "; ".join(parts)


def _printed(figure: published.Figure) -> str:
    """In percent, in as many digits as the paper has."""
    return f"{figure.printed} %" if figure.unit == "%" else f"{100 * figure.value:g} %"


def _patients(whole: Sequence[Row]) -> int | None:
    """Known ones; an image of an unknown patient counts as none."""
    try:
        names = set(store.at(whole[0].run_id).split()["patient_id"]) - {""}
    except CoreError:
        return None
    return len(names) or None


def _versions(found: Sequence[Row]) -> tuple[str, ...]:
    known = [store.at(row.run_id).environment().get("packages", {}) for row in found]
    return tuple(sorted({f"{name} {versions[name]}" for versions in known for name in _VERSIONS if name in versions}))


def _figure(estimate: Estimate) -> Figure:
    return Figure(value=estimate.value, low=estimate.low, high=estimate.high)
