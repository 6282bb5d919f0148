"""A run's predictions for any part of its own data and for any other data set, by the best weights or the last. Kept once made.

Images that the run trained on, or chose its epoch by, say nothing about it and are left out of another data set, found by their content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.data import vocabulary
from core.data.manifest import COPY, Manifest
from core.data.splits import Part
from core.data.threads import Progress
from core.errors import InvalidSpec, UnusableData, UnusableRun
from core.files import read_table, replacing
from core.runs.store import Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from core.inference import Predictor
    from core.runs.checkpoints import Checkpoint

Weights = Literal["best", "last"]


@dataclass(frozen=True)
class Overlap:
    """What a run may be judged by in a data set."""

    run: Run
    manifest: Manifest

    @cached_property
    def labels(self) -> dict[str, str]:
        """Class of the data set → the run's class that it means; classes that the run does not know are not there."""
        found = {}
        for name in self.manifest.classes:
            try:
                found |= {name: vocabulary.resolve([name], self.run.recipe().data.classes)[name]}
            except InvalidSpec:
                continue
        return found

    @cached_property
    def seen(self) -> np.ndarray:
        """Which rows the run trained on or chose its epoch by; a copy of an image gives it away. bool [rows]"""
        known = self.run.split()
        used = known.loc[known["split"] != "test", "sha256"].str.partition(COPY)[0]
        return self.manifest.table["sha256"].isin(used).to_numpy()

    @cached_property
    def known(self) -> np.ndarray:
        """Which rows show a class that the run knows. bool [rows]"""
        return self.manifest.table["label"].isin(self.labels).to_numpy()

    @property
    def left_out(self) -> int:
        """Images of known classes that are seen, and so say nothing about the run."""
        return int((self.seen & self.known).sum())

    @property
    def usable(self) -> np.ndarray:
        """Row numbers that are neither seen nor of an unknown class. int [images]"""
        return (self.known & ~self.seen).nonzero()[0]

    @property
    def other_classes(self) -> tuple[str, ...]:
        return tuple(name for name in self.manifest.classes if name not in self.labels)


@dataclass(frozen=True)
class External:
    """Predictions of a run on a data set, labels by the run's names. `seen`: images left out because the run had seen them."""

    predictions: pd.DataFrame
    seen: int
    other_classes: tuple[str, ...]  # left out, as the run does not know them


def of_part(run: Run, part: Part, weights: Weights = "best", progress: Progress | None = None) -> pd.DataFrame:
    """Predictions for one part of the data that the run was trained on; those stored by the trainer where it stored them.

    Raises:
        UnusableRun: the run kept no such weights.
        UnusableData: its data set is gone or has changed.
    """
    if weights == "best" and part != "train" and run.has_predictions():
        stored = run.predictions()
        return stored[stored["split"] == part].reset_index(drop=True)
    return _kept(run, weights, part, lambda predictor: _predict_part(predictor, run, part, progress))


def of_data(
    run: Run, manifest: Manifest, weights: Weights = "best", progress: Progress | None = None, *, some_classes: bool = False
) -> External:
    """Predictions for the images of `manifest` that the run has not seen.

    Args:
        some_classes: leave images of classes that the run does not know out, and do not refuse the data set for them.

    Raises:
        UnusableRun: the run kept no such weights.
        UnusableData: the data set has a class that the run does not know, or no image that it can be judged by.
    """
    overlap = Overlap(run, manifest)
    _refuse(overlap, some_classes or bool(run.recipe().subset.labels))

    def predict(predictor: Predictor) -> pd.DataFrame:
        table = predictor.predict(manifest, overlap.usable, progress)
        return table.assign(label=table["label"].map(overlap.labels))

    table = _kept(run, weights, _data_name(manifest), predict)
    return External(table, overlap.left_out, overlap.other_classes)


def kept_of_data(run: Run, manifest: Manifest) -> External | None:
    """What `of_data` would give for the best weights, where it was made before; else None. Never runs a network."""
    overlap, path = Overlap(run, manifest), _kept_file(run, manifest)
    return External(read_table(path), overlap.left_out, overlap.other_classes) if path.is_file() else None


def kept_at(run: Run, manifest: Manifest) -> float | None:
    """When what `kept_of_data` gives was stored, as Unix time; None where it was not."""
    path = _kept_file(run, manifest)
    return path.stat().st_mtime if path.is_file() else None


def weights_epochs(run: Run) -> dict[Weights, int]:
    """The weights that can be looked at, and the epoch they are from: the best (kept) ones, and the last where they are others."""
    found: dict[Weights, int] = {"best": run.weights_epoch()} if run.has_model() else {}
    if run.recorded and not found:
        return {"best": run.status().best_epoch}  # they are not there, but what they answered is
    stored = _last(run)
    if stored is None:
        return found
    last = stored.epoch if stored.digits else max((row["epoch"] for row in run.metrics() if row["kind"] == "epoch"), default=0)
    return found if last == found.get("best") else found | {"last": last}


def _last(run: Run) -> Checkpoint | None:
    """The checkpoint of the last completed epoch, where it is still there."""
    return next((stored for stored in run.checkpoints() if stored.ends_epoch), None)


def _predict_part(predictor: Predictor, run: Run, part: Part, progress: Progress | None) -> pd.DataFrame:
    import torch

    from core.data import library
    from core.training import feeds

    manifest = library.open_dataset(run.recipe().data.name, progress)
    known = run.split()
    opened = feeds.open_feeds(run.recipe(), manifest, torch.device("cpu"), progress)
    if not known["sha256"].equals(opened.table["sha256"]):
        raise UnusableData(
            "A part of a run's data is what it was when the run was trained.",
            f"{manifest.name}, which has changed since",
            "Put the data back as it was, or choose another part.",
        )
    rows = opened.split.rows(part)
    table = opened.table.iloc[rows][["sample_id", "label", "patient_id", "split"]].reset_index(drop=True)
    return predictor.described(table, opened.parts[part].images, rows, progress)


def _kept(run: Run, weights: Weights, name: str, predict: Callable[[Predictor], pd.DataFrame]) -> pd.DataFrame:
    from core.inference import Predictor

    epochs = weights_epochs(run)
    if weights not in epochs:
        raise UnusableRun(
            f"A network is asked by its {weights} weights.", f"run {run.id} without them", "Choose other weights or another run."
        )
    path = _path(run, epochs[weights], name)
    if not path.is_file():
        stored = _last(run) if weights == "last" else None
        state = stored.read() if stored else None
        table = predict(Predictor(run, state["model"] if state else None))
        with replacing(path) as temporary:
            table.to_parquet(temporary, index=False)
    return read_table(path)


def _data_name(manifest: Manifest) -> str:
    return f"{manifest.name}-{manifest.sha256[:12]}"


def _kept_file(run: Run, manifest: Manifest) -> Path:
    """Where the answers of the best weights for `manifest` stand, if they were made."""
    return _path(run, run.weights_epoch(), _data_name(manifest))


def _path(run: Run, epoch: int, name: str) -> Path:
    return run.annex / "assessments" / f"epoch{epoch}-{name}.parquet"


def why_not(overlap: Overlap) -> str:
    """Why a run cannot be judged by a data set, even by a part of its classes; empty where it can."""
    try:
        overlap.run.require_model()
        _refuse(overlap, some_classes=True)
    except (UnusableRun, UnusableData) as error:
        return str(error)
    return ""


def _refuse(overlap: Overlap, some_classes: bool) -> None:
    run, manifest, knows = overlap.run, overlap.manifest, ", ".join(overlap.run.recipe().data.classes)
    if overlap.other_classes and not (some_classes and overlap.labels):
        raise UnusableData(
            "A model is evaluated on the classes that it was trained on.",
            f"{manifest.name} with {', '.join(overlap.other_classes)}",
            f"Rename or remove them; run {run.id} knows {knows}.",
        )
    if not len(overlap.usable):
        raise UnusableData(
            "An evaluation needs images that the run has not seen.",
            f"{manifest.name}, all of whose {overlap.left_out} images it trained on",
            "Choose another data set.",
        )
