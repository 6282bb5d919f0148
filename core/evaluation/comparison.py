"""Runs compared by what they answered on the same test images: paired tests, one sentence a pair. No network is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from core import wording
from core.data.manifest import COPY
from core.errors import InvalidSpec
from core.evaluation import areas
from core.evaluation.intervals import Estimate, groups_of, percentile_interval, weight_chunks
from core.evaluation.predicted import Predicted, identified
from core.recipes.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

FEWEST, MOST = 2, 10
LEVEL = 0.05
"""Below this, after Holm's correction, a difference is called one."""
CAUTION = "A pair compares two trained models on these images, not two methods: another seed may decide otherwise."
"""Must stand beside the sentences (Dietterich, Neural Computation 1998)."""
UNDEFINED = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Pair:
    """Two runs on the same images; where they cannot be paired, `unpaired` says why and the figures are undefined.

    McNemar's exact test counts the images that only one of the two gets right (McNemar 1947). Differences are a minus b, in shares,
    with paired bootstrap intervals: the same resamples of whole patients for both (Efron & Tibshirani 1993). AUC is macro, one against
    the rest; its p value is two-sided, by bootstrap, and not corrected for several pairs.
    """

    a: str
    b: str
    images: int  # shared by both
    patients: int | None = None  # None: unknown
    groups: int = 0  # drawn as one: patients, with every image of an unknown patient by itself; X-rays where there are copies
    unit: str = "image"  # what a group is
    unpaired: str = ""
    only_a_right: int = 0
    only_b_right: int = 0
    p_value: float = np.nan
    p_holm: float = np.nan  # Holm 1979, over all pairs that were tested
    tests: int = 0  # how many these were
    accuracy_difference: Estimate = UNDEFINED
    auc_difference: Estimate = UNDEFINED
    auc_p_value: float = np.nan

    @property
    def better(self) -> str:
        """The run that is shown to be better; empty where none is: by McNemar's test and, with several images a patient, by patient too."""
        shown = self.p_holm < LEVEL and not self._by_group_open
        return self._ahead[0] if shown else ""

    @property
    def sentence(self) -> str:
        """The pair in words, with the counts that decide it."""
        if self.unpaired:
            return self.unpaired
        ahead, behind, wins, losses = self._ahead
        deciding = wins + losses
        p = _p_text(self.p_holm) + (f" after Holm's correction for {self.tests} pairs" if self.tests > 1 else "")
        if not deciding:
            text = f"No evidence that {ahead} is better than {behind}: both are right on the same ones of {self.images:,} images."
        elif self.p_holm >= LEVEL:
            decide = f"{deciding:,} of {wording.count(self.images, 'image')} {'decides' if deciding == 1 else 'decide'} it"
            text = f"No evidence that {ahead} is better than {behind}: {decide} ({wins:,} for {ahead}, {losses:,} for {behind}; {p})."
        else:
            verdict = "may be" if self._by_group_open else "is"
            counts = f"right on {wording.count(wins, 'image')} that {behind} misses, wrong on {losses:,} that {behind} gets"
            text = f"{ahead} {verdict} better than {behind}: {counts} ({p})."
        return text + self._about_groups

    def to_json(self) -> dict[str, Any]:
        """With None for what is undefined."""
        plain = {name: _plain(value) for name, value in vars(self).items()}
        return plain | {"better": self.better, "sentence": self.sentence}

    @property
    def _ahead(self) -> tuple[str, str, int, int]:
        """The run that decides more images for itself, the other, and how many each decides."""
        if self.only_b_right > self.only_a_right:
            return self.b, self.a, self.only_b_right, self.only_a_right
        return self.a, self.b, self.only_a_right, self.only_b_right

    @property
    def _by_group_open(self) -> bool:
        """Whether images hang together, and the interval that minds it leaves open which run is better."""
        return self.groups < self.images and self.accuracy_difference.low <= 0 <= self.accuracy_difference.high

    @property
    def _about_groups(self) -> str:
        if self.groups == self.images:
            return ""
        sign = 1 if self._ahead[0] == self.a else -1
        difference = self.accuracy_difference
        value, *bounds = (100 * sign * share for share in (difference.value, difference.low, difference.high))
        return (
            f" McNemar's test takes images as independent, but these come from {wording.count(self.groups, self.unit)}: drawn by "
            f"{self.unit}, the difference in accuracy is {value:+z.1f} points ({min(bounds):+z.1f} to {max(bounds):+z.1f})."
        )


@dataclass(frozen=True)
class Comparison:
    """All pairs of some runs, in the order in which the runs were given."""

    pairs: tuple[Pair, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(pair.sentence for pair in self.pairs)

    def table(self) -> list[dict[str, str]]:
        """A row a pair that was tested, in words."""
        return [
            {
                "A": pair.a,
                "B": pair.b,
                "images": f"{pair.images:,}",
                "A alone right": f"{pair.only_a_right:,}",
                "B alone right": f"{pair.only_b_right:,}",
                "accuracy, A − B": wording.estimate("accuracy", *vars(pair.accuracy_difference).values()),
                "AUC, A − B": wording.estimate("roc_auc", *vars(pair.auc_difference).values()),
                "p": _p_text(pair.p_value),
                "p (Holm)": _p_text(pair.p_holm),
            }
            for pair in self.pairs
            if not pair.unpaired
        ]

    def to_json(self) -> list[dict[str, Any]]:
        return [pair.to_json() for pair in self.pairs]


def compare(runs: Sequence[Predicted], names: Mapping[str, str] | None = None) -> Comparison:
    """Every pair of `runs`: who is right where the other is not, and whether that can be chance.

    Args:
        names: what runs are called in sentences and results, by their `name`; others keep it.

    Raises:
        InvalidSpec: fewer than 2 or more than 10 runs, or two of one name.
    """
    from statsmodels.stats.multitest import multipletests

    runs = [replace(run, name=(names or {}).get(run.name, run.name)) for run in runs]
    _refuse_counts(runs)
    runs = identified(runs)
    cohorts = [_drawn(cohort) for cohort in _cohorts(runs)]
    pairs = [_pair(a, b, cohorts) for a, b in combinations(runs, 2)]
    tested = [pair.p_value for pair in pairs if not pair.unpaired]
    corrected = iter(multipletests(tested, method="holm")[1].tolist() if tested else [])
    return Comparison(tuple(pair if pair.unpaired else replace(pair, p_holm=next(corrected), tests=len(tested)) for pair in pairs))


def differing_fields(recipes: Mapping[str, Recipe]) -> list[tuple[str, dict[str, Any]]]:
    """(dotted field, its value in each run) for every field in which the recipes differ, in the recipe's own order. Values as in JSON."""
    flat = {run: dict(recipe.leaves()) for run, recipe in recipes.items()}
    fields = next(iter(flat.values()), {})
    found = [(field, {run: values[field] for run, values in flat.items()}) for field in fields]
    return [(field, values) for field, values in found if any(value != next(iter(values.values())) for value in values.values())]


@dataclass(frozen=True, eq=False)
class _Cohort:
    """Runs that can be paired with one another, by name: accuracy and macro AUC of each, on the images and in the same resamples."""

    right: dict[str, np.ndarray]  # bool [images]
    values: dict[str, np.ndarray]  # float [2]
    resampled: dict[str, np.ndarray]  # float [2, resamples]
    groups: int
    patients: int | None
    unit: str


def _unpaired(a: Predicted, b: Predicted) -> str:
    """Why two identified runs cannot be paired; empty where they can."""
    if a.classes != b.classes:
        return f"Runs with different classes cannot be paired: {a.name} has {', '.join(a.classes)}; {b.name} has {', '.join(b.classes)}."
    if not a.table.index.equals(b.table.index):
        shared = wording.count(len(a.table.index.intersection(b.table.index)), "image is", "images are")
        return f"Runs on different test images cannot be paired: {shared} shared of {len(a.table):,} and {len(b.table):,}."
    differing = int((a.table["label"] != b.table["label"]).sum())
    if differing:
        images = wording.count(len(a.table), "image")
        return f"Runs that disagree on the truth cannot be paired: {differing:,} of {images} carry another label."
    return ""


def _cohorts(runs: Sequence[Predicted]) -> list[list[Predicted]]:
    """Runs that can be paired with one another, together."""
    cohorts: list[list[Predicted]] = []
    for run in runs:
        fitting = [cohort for cohort in cohorts if not _unpaired(cohort[0], run)]
        if fitting:
            fitting[0].append(run)
        else:
            cohorts.append([run])
    return cohorts


def _drawn(runs: Sequence[Predicted]) -> _Cohort:
    table, classes = runs[0].table, runs[0].classes
    label, groups, patients, unit = table["label"].to_numpy(dtype=str), *_groups(table)
    right = {run.name: run.right() for run in runs}
    rankings = {
        run.name: [areas.RocAuc.of(label == name, scores) for name, scores in zip(classes, run.probabilities().T, strict=True)]
        for run in runs
    }

    def figures(name: str, weights: np.ndarray) -> np.ndarray:
        return np.stack([right[name] @ weights / weights.sum(axis=0), areas.macro(rankings[name], weights)])

    values = {run.name: figures(run.name, np.ones((len(label), 1)))[:, 0] for run in runs}
    parts: dict[str, list[np.ndarray]] = {run.name: [] for run in runs}
    for chunk in weight_chunks(groups):
        weights = np.ascontiguousarray(chunk.T, dtype=np.float64)
        for name, found in parts.items():
            found.append(figures(name, weights))
    resampled = {name: np.concatenate(found, axis=1) for name, found in parts.items()}
    return _Cohort(right, values, resampled, int(groups.max()) + 1, patients, unit)


def _groups(table: pd.DataFrame) -> tuple[np.ndarray, int | None, str]:
    """Each image's group (int [images]), the known patients, and what a group is."""
    if "sha256" in table and table["sha256"].str.contains(COPY, regex=False).any():
        return table["sha256"].str.partition(COPY)[0].factorize()[0], None, "X-ray"
    groups, known = groups_of(table["patient_id"].to_numpy(dtype=str), len(table))
    return groups, known, "image" if known is None else "patient"


def _pair(a: Predicted, b: Predicted, cohorts: Sequence[_Cohort]) -> Pair:
    from statsmodels.stats.contingency_tables import mcnemar

    reason, shared = _unpaired(a, b), len(a.table.index.intersection(b.table.index))
    if reason:
        return Pair(a.name, b.name, shared, unpaired=reason)
    cohort = next(cohort for cohort in cohorts if a.name in cohort.right)
    table = np.zeros((2, 2), dtype=np.int64)  # rows: a wrong, right; columns: b wrong, right
    np.add.at(table, (cohort.right[a.name].astype(int), cohort.right[b.name].astype(int)), 1)
    values, resampled = (of[a.name] - of[b.name] for of in (cohort.values, cohort.resampled))
    accuracy, auc = zip(values, resampled, strict=True)
    return Pair(
        a.name,
        b.name,
        shared,
        patients=cohort.patients,
        groups=cohort.groups,
        unit=cohort.unit,
        only_a_right=int(table[1, 0]),
        only_b_right=int(table[0, 1]),
        p_value=float(mcnemar(table, exact=True).pvalue),
        accuracy_difference=percentile_interval(*accuracy),
        auc_difference=percentile_interval(*auc),
        auc_p_value=_bootstrap_p(*auc),
    )


def _bootstrap_p(value: float, resampled: np.ndarray) -> float:
    """Two-sided: twice the smaller share of resamples on either side of zero, one added so that none is 0 (Davison & Hinkley 1997)."""
    defined = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(defined):
        return np.nan
    fewer = min((defined <= 0).sum(), (defined >= 0).sum())
    return float(min(1.0, 2 * (fewer + 1) / (len(defined) + 1)))


def _refuse_counts(runs: Sequence[Predicted]) -> None:
    names = [run.name for run in runs]
    if not FEWEST <= len(names) <= MOST:
        raise InvalidSpec(
            f"{FEWEST} to {MOST} runs are compared at once.",
            wording.count(len(names), "run"),
            "Choose fewer." if names[MOST:] else "Choose more.",
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidSpec("Each run is compared once, under a name of its own.", f"{twice} twice", "Choose another run, or rename one.")


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return value.to_json()
    return None if isinstance(value, float) and np.isnan(value) else value


def _p_text(p: float) -> str:
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.4f}"
