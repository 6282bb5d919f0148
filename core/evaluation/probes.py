"""Shortcut probes: classifiers that see what no diagnosis can rest on. On clean data none of them would beat chance.

Where a probe comes near a network, the data betrays its classes otherwise than by disease, and so may the network's figure: lungs are
not needed (Maguolo & Nanni, Information Fusion 2021), networks take such shortcuts (DeGrave, Janizek & Lee, Nature Machine Intelligence
2021). A weak probe proves nothing clean. Probes train on a run's training part and predict its validation and test parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import access, wording
from core.data.manifest import COPY, Manifest
from core.data.threads import Progress
from core.errors import UnknownName, UnusableData
from core.evaluation import looks
from core.evaluation.intervals import Estimate
from core.evaluation.looks import Looks
from core.evaluation.metrics import answers_of, evaluate_predictions
from core.evaluation.predicted import Predicted, of_run
from core.evaluation.resampling import figures
from core.files import read_table, replacing, write_json
from core.runs.store import PROBABILITY, Run
from core.settings import artifacts_dir, recorded_dir

if TYPE_CHECKING:
    import pandas as pd

    from core.recipes.recipe import Recipe
    from core.recipes.specs import SplitSpec

VERSION = 2  # part of the cache's place: raise it whenever a probe would answer, or its figures be computed, differently
TREES = 300
SEED = 0
ABOUT = "about.json"  # written last: a folder that has it is whole


@dataclass(frozen=True)
class Probe:
    """`sees` says for people what it is given; `features` is that as numbers. float [rows, features]"""

    name: str
    sees: str
    features: Callable[[Looks], np.ndarray]


@dataclass(frozen=True, eq=False)
class Stored:
    """Answers of every probe, by its name, on one part of one split; `data` names the images for people."""

    data: str
    answers: dict[str, Predicted]


@dataclass(frozen=True)
class Tested:
    """What one probe reaches on the test part of one split; `data` names the images for people."""

    data: str
    images: int
    metrics: dict[str, Estimate]


PROBES = {
    probe.name: probe
    for probe in (
        Probe("source", "the name of the source (no pixel)", looks.source),
        Probe("image-size", "width, height and aspect ratio of the file (no pixel)", looks.size),
        Probe("file", "size, bytes, colour mode, bit depth and type of the file (no pixel)", looks.file),
        Probe("histogram", "how many pixels have which grey, not where", looks.histogram),
        Probe("border", "the outer tenth of the image, a frame without lungs", looks.border),
        Probe("centre-blacked-out", "the image without its central 60 %", looks.surroundings),
        Probe("thumbnail", "the image at 16×16 pixels", looks.thumbnail),
    )
}
"""By name, from the least to the most that a probe sees."""


def applicable(manifest: Manifest) -> tuple[str, ...]:
    """Names of the probes that have something to see: the source alone, only where images name one."""
    known = bool((manifest.table["source"] != "").any())
    return tuple(name for name in PROBES if known or name != "source")


def run(probe: str, manifest: Manifest, split: pd.DataFrame, seen: Looks | None = None) -> pd.DataFrame:
    """Train `probe` on the part "train", predict the others: a table in the form of a run's predictions, and sha256.

    A random forest: sizes and greys tell classes apart by steps and their combinations, which no linear model finds.

    Args:
        split: as `Run.split` gives it, rows of `manifest`; a copy made before the split is looked at as the image that it is of.
        seen: of the rows of `split`, in its order; None: they are looked at.

    Raises:
        UnknownName: no such probe.
        UnusableData: as `looks.look`, or an image of the split is not in `manifest`.
    """
    from sklearn.ensemble import RandomForestClassifier

    if probe not in PROBES:
        raise UnknownName.among("probe", probe, PROBES)
    features = PROBES[probe].features(seen or looks.look(manifest, _rows(manifest, split)))
    train = (split["split"] == "train").to_numpy()
    forest = RandomForestClassifier(TREES, random_state=SEED, n_jobs=1).fit(features[train], split["label"].to_numpy(dtype=str)[train])
    shares = dict(zip(forest.classes_, forest.predict_proba(features[~train]).T, strict=True))
    table = split.loc[~train, ["sample_id", "sha256", "label", "patient_id", "split"]].reset_index(drop=True)
    return table.assign(**{PROBABILITY + name: shares.get(name, 0.0) for name in manifest.classes})


def for_run(trained: Run, progress: Progress | None = None, split: str = "test") -> dict[str, Predicted]:
    """Every probe on the images of a run and by its split, the answers for the part `split`; computed once for runs of equal splits.

    `progress` counts the images read; the forests take a few seconds more.

    Raises:
        UnknownName, UnusableData: the run's data set is not known here, or has changed since.
        UnusableRun: the run stored no split.
        NotAllowed: they are still to be computed, and whoever acts may not train.
    """
    from core.data import library
    from core.recipes import fitting

    recipe, parts = trained.recipe(), trained.split()
    key = _key(recipe.data.sha256, parts)
    if key not in stored_keys():
        manifest = fitting.taken(recipe, library.open_dataset(recipe.data.name))
        if manifest.sha256 != recipe.data.sha256:
            raise UnusableData(
                "A probe looks at the data that the run was trained on.",
                f"{manifest.name}, which has changed since run {trained.id}",
                "Put the data set back as it was, or probe a run on the data as it is now.",
            )
        _compute(key, manifest, parts, _title(recipe), progress)
    return stored(key, split).answers


def for_data(manifest: Manifest, spec: SplitSpec | None = None, progress: Progress | None = None) -> dict[str, Predicted]:
    """Every probe on a data set, the answers for the test part of the split that a run with `spec` (default: the default) would have.

    Computed once, and shared with the runs of that split; `progress` counts the images read.

    Raises:
        UnusableData: the set cannot be split so, or has changed since the import.
        NotAllowed: as of `for_run`.
    """
    from core.data import splits
    from core.recipes.specs import SplitSpec

    split = splits.split(manifest, **(spec or SplitSpec()).model_dump())
    parts = manifest.table.assign(sample_id=manifest.table["path"], split=split.part)
    key = _key(manifest.sha256, parts)
    if key not in stored_keys():
        _compute(key, manifest, parts, wording.data_set(manifest.name, manifest.synthetic), progress)
    return stored(key).answers


def _title(recipe: Recipe) -> str:
    return wording.part_of(recipe.data.title, recipe.subset.text)


def _compute(key: str, manifest: Manifest, parts: pd.DataFrame, title: str, progress: Progress | None) -> None:
    access.require("train")
    seen = looks.look(manifest, _rows(manifest, parts), progress)
    tables = {name: run(name, manifest, parts, seen) for name in applicable(manifest)}
    _write(_home() / key, tables, title, manifest.classes)


def keep(trained: Run, answers: dict[str, Predicted], folder: Path) -> None:
    """Store `answers`, what `for_run` gave for a run's test part, in `folder` as well, in the form in which they are cached."""
    recipe, version = trained.recipe(), folder / str(VERSION)
    home = version / _key(recipe.data.sha256, trained.split())
    if (home / ABOUT).is_file():
        return
    _write(home, {name: answer.table for name, answer in answers.items()}, _title(recipe), recipe.data.classes)


def _write(folder: Path, tables: Mapping[str, pd.DataFrame], title: str, classes: tuple[str, ...]) -> None:
    """The answers of each probe, and their figures on the test part, whose intervals take a page of all runs seconds to draw.

    `title`: of the images, for people.
    """
    for name, table in tables.items():
        with replacing(folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary, index=False, compression="zstd")
    found = {name: evaluate_predictions(table, classes, "test").to_json() for name, table in tables.items()}
    test = {name: {part: content[part] for part in ("images", "metrics")} for name, content in found.items()}
    write_json(folder / ABOUT, {"data": title, "classes": classes, "probes": list(tables), "test": test})


def parts_of(trained: Run, manifest: Manifest) -> list[str]:
    """The part of a run's split that each row of `manifest` stands in, "" for none; several, joined by "+", for copies in several.

    Raises:
        UnusableData: the run's images are not those of `manifest`.
        UnusableRun: the run stored no split.
    """
    split = trained.split()
    found: dict[int, set[str]] = {}
    for row, part in zip(_rows(manifest, split).tolist(), split["split"], strict=True):
        found.setdefault(row, set()).add(part)
    return ["+".join(sorted(found.get(row, ()))) for row in range(len(manifest))]


def cached(trained: Run, split: str = "test") -> dict[str, Predicted]:
    """What `for_run` gives where that was computed before, else nothing. No image is opened."""
    key = _key(trained.recipe().data.sha256, trained.split())
    return stored(key, split).answers if key in stored_keys() else {}


def cautions(trained: Run) -> tuple[str, ...]:
    """What must stand beside a run's figures because a probe comes near them; nothing where no probe was computed.

    A probe comes near where its accuracy reaches the network's, or where it tells one class from the rest as well (AUC): a shortcut to one
    class alone hardly shows in the accuracy.
    """
    found, own = cached(trained), of_run(trained) if trained.has_predictions() else None
    if not found or own is None:
        return ()
    accuracy, areas = _plain_figures(own)
    sentences = []
    for name, probe in found.items():
        its_accuracy, its_areas = _plain_figures(probe)
        if its_accuracy >= accuracy:
            sentences.append(
                f"A probe that sees only {PROBES[name].sees} reaches {wording.percent(its_accuracy)} on the same test images, "
                f"the network {wording.percent(accuracy)}."
            )
        sentences += [
            f"A probe that sees only {PROBES[name].sees} tells {label} from the rest with an AUC of {theirs:.3f}, "
            f"the network of {ours:.3f}."
            for label, theirs, ours in zip(own.classes, its_areas, areas, strict=True)
            if theirs >= ours
        ]
    return tuple(sentences)


def _plain_figures(answers: Predicted) -> tuple[float, np.ndarray]:
    """Accuracy, and each class's AUC against the rest (NaN where undefined)."""
    labels, probabilities, _ = answers_of(answers.table, answers.classes)
    found = figures(labels, probabilities, np.ones((1, len(labels)), dtype=np.int64), ("accuracy", "class_roc_auc"))
    return float(found["accuracy"][0]), found["class_roc_auc"][0]


def stored_keys() -> list[str]:
    """A name for every set of images and split that was probed, on this machine or for the records that came with the project."""
    return sorted({about.parent.name for home in _homes() for about in home.glob(f"*/{ABOUT}")})


def stored(key: str, split: str = "test") -> Stored:
    """What was found on one of `stored_keys`, the answers for the part `split`.

    Raises:
        UnknownName: no such key.
    """
    folder, about = _about(key)
    tables = {name: read_table(folder / f"{name}.parquet") for name in about["probes"]}
    parts = {name: table[table["split"] == split].reset_index(drop=True) for name, table in tables.items()}
    return Stored(about["data"], {name: Predicted(name, tuple(about["classes"]), table) for name, table in parts.items()})


def tested(key: str) -> dict[str, Tested]:
    """What each probe reaches on the test part of one of `stored_keys`; computed where answers were stored without their figures.

    Raises:
        UnknownName: no such key.
    """
    _, about = _about(key)
    if "test" not in about:
        evaluated = {name: evaluate_predictions(each.table, each.classes) for name, each in stored(key).answers.items()}
        return {name: Tested(about["data"], found.images, found.metrics) for name, found in evaluated.items()}
    return {
        name: Tested(about["data"], found["images"], {metric: Estimate.from_json(each) for metric, each in found["metrics"].items()})
        for name, found in about["test"].items()
    }


def _about(key: str) -> tuple[Path, dict[str, Any]]:
    """The folder of one of `stored_keys`, and what it says of itself."""
    if key not in stored_keys():
        raise UnknownName.among("probed split", key, stored_keys())
    folder = next(home / key for home in _homes() if (home / key / ABOUT).is_file())
    return folder, json.loads((folder / ABOUT).read_text(encoding="utf-8"))


def _key(data: str, split: pd.DataFrame) -> str:
    """A hash of the images (`data`: the set's sha256) and of the part that each stands in."""
    lines = sorted((split["sample_id"] + "\t" + split["split"]).tolist())
    return hashlib.sha256("\n".join([data, *lines]).encode()).hexdigest()[:20]


def _home() -> Path:
    return artifacts_dir() / "probes" / str(VERSION)  # what other versions stored is not read


def _homes() -> tuple[Path, ...]:
    """This machine's, which has the answers for validation parts too, before those that came with the project."""
    return _home(), recorded_dir() / "probes" / str(VERSION)


def _rows(manifest: Manifest, split: pd.DataFrame) -> np.ndarray:
    """Row of `manifest` that each row of `split` is of, found by path and content. int [rows of split]"""
    import pandas as pd

    number = split["sha256"].str.partition(COPY)
    copies = number[1] + number[2]
    paths = [sample[: len(sample) - len(copy)] for sample, copy in zip(split["sample_id"], copies, strict=True)]
    rows = pd.MultiIndex.from_frame(manifest.table[["path", "sha256"]]).get_indexer(pd.MultiIndex.from_arrays([paths, number[0]]))
    if (rows < 0).any():
        sample = split["sample_id"].iloc[int(np.argmax(rows < 0))]
        raise UnusableData(
            "The images of a split are in its data set.", f"{sample}, which is not in {manifest.name} as it was", "Import the folder again."
        )
    return rows
