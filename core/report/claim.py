"""The CLAIM 2024 checklist for a run: what its record answers, what it answers in part, and what only the author can say.

Items follow Tejani, Klontzas et al., Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, Radiology: Artificial
Intelligence 2024; 6(4): e240300. Their numbers are the checklist's, their wording is ours and shorter: the published text counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import wording
from core.report import contents
from core.report.record import Record

ITEMS = {
    1: "AI named, and which technology", 2: "Summary of the study", 3: "Background, intended use and role", 4: "Aims and hypotheses",
    5: "Prospective or retrospective", 6: "Goal of the study", 7: "Sources of the data", 8: "Inclusion and exclusion criteria",
    9: "Preprocessing", 10: "Selection of subsets of the data", 11: "De-identification", 12: "Missing data",
    13: "Image acquisition protocol", 14: "Reference standard: how it was obtained", 15: "Reference standard: why this one",
    16: "Reference standard: who annotated", 17: "Annotation of the test set", 18: "Variability between and within raters",
    19: "Assignment of data to partitions", 20: "Level at which partitions are disjoint", 21: "Intended sample size",
    22: "Description of the model", 23: "Software and versions", 24: "Initial parameters", 25: "Training", 26: "Choice of the final model",
    27: "Ensembling", 28: "Metrics of performance", 29: "Significance and uncertainty", 30: "Robustness or sensitivity analysis",
    31: "Explainability and its validation", 32: "Evaluation on internal data", 33: "Testing on external data",
    34: "Registration of a clinical trial", 35: "Numbers included and excluded", 36: "Characteristics of cases in each partition",
    37: "Performance, with its uncertainty", 38: "Diagnostic performance and its precision", 39: "Analysis of failures", 40: "Limitations",
    41: "Implications for practice", 42: "Protocol or further technical details", 43: "Availability of software, model and data",
    44: "Funding and the funders’ role",
}  # fmt: skip
"""Every item by its number, in short."""


@dataclass(frozen=True)
class Answer:
    """What the record says to an item; `left` is what it does not say, and "" where the item is answered."""

    said: str
    left: str = ""

    def __str__(self) -> str:
        return f"partly: {self.said}; open: {self.left}" if self.left else f"filled from the record: {self.said}"


KEPT = {
    "best-accuracy": "weights of the highest validation accuracy",
    "best-loss": "weights of the lowest validation loss",
    "last": "weights of the last epoch",
}
OPEN = "open: to be stated by the author"


def checklist(record: Record) -> list[dict[str, str]]:
    """A row an item: its number, the item in short, and its answer."""
    answers = {**_on_data(record), **_on_partitions(record), **_on_method(record), **_on_results(record)}
    return [{"No.": str(number), "Item": item, "Answer": str(answers.get(number, OPEN))} for number, item in ITEMS.items()]


def _on_data(record: Record) -> Mapping[int, Answer]:
    recipe = record.recipe
    image, subset = recipe.image, recipe.subset
    caps = ", ".join(f"at most {count:,} of {name}" for name, count in subset.caps.items())
    taken = f"classes {', '.join(recipe.data.classes)}" + (f", {caps} (drawn by seed {subset.seed})" if caps else ", all of their images")
    data = f"{recipe.data.title}, content sha256 {recipe.data.sha256[:12]}…"
    sources = (
        Answer(f"{data}; drawn by a program") if recipe.data.synthetic else Answer(data, "where and when it was collected, and by whom")
    )
    steps = f"grey values; {image.size} px ({image.resize}); equalisation: {image.equalise}; normalisation: {image.normalisation}"
    return {
        1: Answer(
            f"deep learning: a neural network ({record.network}) that tells {len(recipe.data.classes)} classes of chest X-rays apart"
        ),
        3: Answer("teaching and research alone, as above", "the clinical background"),
        7: sources,
        8: Answer(taken, "how images came into the data set"),
        9: Answer(steps),
        10: Answer(taken),
        14: Answer("the class that the data set gives each image", "how it was found"),
        17: Answer("the data set’s own labels, as in training", "whether and by whom they were checked"),
    }


def _on_partitions(record: Record) -> Mapping[int, Answer]:
    split, table = record.recipe.split, contents.images(record)
    if table is None:
        return {}
    numbers = _by_part(table.frame.iloc[-1])
    drawn = (
        f"test is fold {split.fold + 1} of {split.folds}, validation one of {split.validation_folds} folds of the rest, "
        f"stratified by class, seed {split.seed}"
    )
    per_class = "; ".join(f"{row['class']}: {_by_part(row)}" for row in table.frame.to_dict("records"))
    found = {
        19: Answer(f"{drawn} ({numbers} images)"),
        20: Answer(f"split {record.split_kind}"),
        35: Answer(f"{numbers} images. {table.notes[0].rstrip('.')}", "what was excluded, and why"),
        36: Answer(f"images by class: {per_class}", "age, sex and clinical findings"),
    }
    if record.grouped and record.unknown_patients:
        unknown = wording.count(record.unknown_patients, "image")
        found[12] = Answer(f"{unknown} of unknown patients, each taken as a patient of its own", "all else that was missing")
    return found


def _by_part(counts: Mapping[str, Any]) -> str:
    from core.data.splits import PARTS

    return ", ".join(f"{part} {counts[part]:,}" for part in PARTS)


def _on_method(record: Record) -> Mapping[int, Answer]:
    recipe, packages = record.recipe, record.environment.get("packages", {})
    optimiser, first = recipe.optimiser, recipe.weights
    hidden, dropout = recipe.head.hidden, recipe.head.dropout
    head = "its own head" if recipe.head.kind == "own" else f"a new head ({hidden} hidden units, dropout {dropout:g})"
    start = first.source + (f" {first.place}" if first.place else "") + (f" (sha256 {first.sha256[:12]}…)" if first.sha256 else "")
    training = (
        f"{optimiser.name}, learning rate {optimiser.lr:g}, weight decay {optimiser.weight_decay:g}, schedule {recipe.schedule.name}, "
        f"batch {recipe.batch_size}, {record.epochs_done} of {recipe.epochs} epochs, seed {recipe.seed}; the recipe has every setting"
    )
    chosen = f" (epoch {record.status.best_epoch})" if record.status.best_epoch else ""
    found = {
        22: Answer(f"{record.network}, input {recipe.image.size} × {recipe.image.size} px, one probability a class, {head}"),
        24: Answer(f"{start}; seed {recipe.seed}" + ("; all but the head frozen" if recipe.frozen else "")),
        25: Answer(training, "how the settings were found, and how many were tried"),
        26: Answer(f"{KEPT[recipe.keep]}{chosen}"),
        27: Answer("none: a single network"),
        42: Answer(f"recipe {record.recipe_id}, and how to repeat it", "the study protocol"),
    }
    if packages:
        versions = ", ".join(f"{name} {version}" for name, version in packages.items())
        commit = f", commit {record.environment['git_commit'][:12]}" if record.environment.get("git_commit") else ""
        ours = f"CXR Lab {record.environment.get('cxr_lab', '')}".rstrip() + commit
        found[23] = Answer(f"{ours}; Python {record.environment.get('python', '')}, {versions}")
        found[43] = Answer(ours, "whether software, trained model and data can be had, and where")
    return found


def _on_results(record: Record) -> Mapping[int, Answer]:
    evaluation = record.evaluation
    found = {
        40: Answer("those under Limitations", "those of the study"),
        41: Answer("none for practice: it must not be used to diagnose anybody", "what follows from the study"),
    }
    if record.comparisons:
        found[30] = Answer(f"compared with {', '.join(record.comparisons)} under Metrics", "further analyses")
    if evaluation is None:
        return found
    wrong = wording.count(int(evaluation.confusion.sum() - evaluation.confusion.trace()), "wrong answer")
    return found | {
        28: Answer(", ".join(wording.METRICS[name] for name in evaluation.metrics)),
        29: Answer(evaluation.interval_kind, "tests of significance"),
        32: Answer(f"test part of the same data set, {wording.count(evaluation.images, 'image')}"),
        37: Answer("under Metrics, each with its 95 % interval"),
        38: Answer("sensitivity and specificity of each class with 95 % intervals, under Metrics"),
        39: Answer(f"confusion matrix under Metrics: {wrong} of {evaluation.images:,}", "why they are wrong"),
    }
