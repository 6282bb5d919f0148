"""Finished runs of the benchmark become records: small folders beside the code, opened as runs are, and only read.

A record holds recipe, environment, status, metrics and predictions of its run. Its split is shared with the records that have the same;
what the probes answered on a split is kept once, too. No image is kept. The weights of one small network are: it answers uploads where
nothing was trained yet. Its reference holds, of each training image, 8×8 grey cells and the directions of edges in 4×4 cells, without
exposure and contrast, which an upload is compared with: a blur in which neither findings nor persons can be made out.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core import wording
from core.benchmark.protocol import HONEST, PROTOCOLS, Protocol
from core.data.threads import Progress
from core.errors import CoreError, UnusableRun
from core.evaluation import probes
from core.evaluation.metrics import answers_of, evaluate_predictions
from core.files import replacing, write_json, write_text
from core.runs import index, kept_weights, store
from core.runs.index import Row
from core.runs.store import PROBABILITY, Run
from core.runs.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

LARGEST_WEIGHTS = 10_000_000  # bytes, in half precision
MOST = 40_000_000  # bytes of all records together
SAME = 1e-6  # to which the figures of a record's predictions are those of its run


@dataclass(frozen=True)
class Outcome:
    """`kept`: records that were there already. `unprobed`: why the probes of a split are missing."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    unprobed: tuple[str, ...]
    answers: str  # the record whose network answers uploads, or ""
    bytes: int  # of all records

    @property
    def sentence(self) -> str:
        written = wording.count(len(self.written), "record")
        parts = [f"{written} written, {len(self.kept):,} there already; {wording.size(self.bytes)} in all."]
        parts += [f"Uploads are answered by {self.answers}."] if self.answers else []
        return " ".join([*parts, *(f"Without probes: {reason}" for reason in self.unprobed)])


def rows() -> list[Row]:
    """The recorded runs, newest first."""
    return [row for row in index.rows() if row.recorded]


def protocol_of(row: Row) -> Protocol | None:
    """The benchmark's protocol that a run was queued under; None where it was under none."""
    return next((one for one in PROTOCOLS.values() if row.experiment_name.removesuffix(wording.RECORDED) == one.experiment), None)


def record(found: Sequence[Row], out: Path, progress: Progress | None = None) -> Outcome:
    """Write a record of every run of the benchmark that is done and has none yet.

    Args:
        found: all runs, newest first: of several of one recipe the newest is recorded.
        out: folder of the records; the app reads those in `core.settings.recorded_dir`.
        progress: counts the runs.

    Raises:
        UnusableRun: the predictions of a run do not give its figures.
    """
    done = {}
    for row in found:
        if row.state == "done" and not row.recorded and (protocol := protocol_of(row)):
            done.setdefault(_name(row, protocol), (store.at(row.run_id), protocol))
    written, kept, unprobed = [], [], []
    for number, (name, (run, protocol)) in enumerate(done.items(), start=1):
        if (out / "runs" / name / "status.json").is_file():
            kept.append(name)
        else:
            _write(run, protocol, out / "runs" / name, out / "splits")
            written.append(name)
        unprobed += _write_probes(run, out)
        if progress:
            progress(number, len(done))
    answers = _keep_best_weights({name: run for name, (run, _) in done.items()}, out)
    return Outcome(tuple(written), tuple(kept), tuple(dict.fromkeys(unprobed)), answers, size(out))


def size(folder: Path) -> int:
    """Bytes of all that is in `folder`."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _name(row: Row, protocol: Protocol) -> str:
    return f"{protocol.name}-{row.recipe}-seed{row.seed}-fold{row.fold + 1}"


def _write(run: Run, protocol: Protocol, folder: Path, splits: Path) -> None:
    """The status comes last: a folder without it is no run."""
    status, recipe = run.status(), run.recipe()
    predictions = _as_exact_as_needed(run.predictions(), recipe.data.classes, status.result or {}, run.id)
    write_text(folder / "recipe.json", recipe.to_json())
    write_json(folder / "environment.json", run.environment())
    shutil.copyfile(run.folder / "metrics.jsonl", folder / "metrics.jsonl")
    _write_table(predictions, folder / "predictions.parquet")
    write_text(folder / "split.txt", _write_split(run.split(), splits) + "\n")
    new = Run(folder)
    Ticket(state="ended", experiment_name=protocol.experiment + wording.RECORDED, submitted=status.created).write(new)
    new.write_status(status.model_copy(update={"process": None, "heartbeat": None}))
    folder.parent.touch()  # an app that saw the folder before its status looks again: see core.runs.index


def _compact(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions.astype({name: np.float32 for name in predictions.columns if name.startswith(PROBABILITY)})


def _as_exact_as_needed(predictions: pd.DataFrame, classes: tuple[str, ...], result: dict[str, float | int], run_id: str) -> pd.DataFrame:
    """In single precision where that gives the run's figures: a network that learnt nothing has answers that differ less from each other.

    Raises:
        UnusableRun: not even the predictions as they are give them.
    """
    compact = _compact(predictions)
    if _other_figure(compact, classes, result) is None:
        return compact
    other = _other_figure(predictions, classes, result)
    if other is not None:
        rule, way_out = "A record's predictions give the figures of its run.", "Train it again with this version."
        raise UnusableRun(rule, f"{run_id}: {other}", way_out)
    return predictions


def _other_figure(predictions: pd.DataFrame, classes: tuple[str, ...], result: dict[str, float | int]) -> str | None:
    """The first figure of `predictions` that is not the one in `result`."""
    for name, estimate in evaluate_predictions(predictions, classes, "test").metrics.items():
        for key, value in ((name, estimate.value), (f"{name}_low", estimate.low), (f"{name}_high", estimate.high)):
            if key in result and abs(result[key] - value) > SAME:
                return f"{key} {value:.6f}, stored {result[key]:.6f}"
    return None


def _write_split(split: pd.DataFrame, folder: Path) -> str:
    """Under a name that equal splits share; returns it."""
    digest = hashlib.sha256(split.to_csv(index=False).encode()).hexdigest()
    name = f"{digest[:20]}.parquet"
    if not (folder / name).is_file():
        _write_table(split, folder / name)
    return name


def _write_table(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def _write_probes(run: Run, out: Path) -> list[str]:
    """What the probes answer on the run's test part; returns why they cannot be had, if so."""
    try:
        answers = probes.for_run(run)
    except CoreError as error:
        return [str(error)]
    probes.keep(run, answers, out / "probes")
    return []


def _keep_best_weights(runs: dict[str, Run], out: Path) -> str:
    """Of the small networks for all classes under the honest protocol the one with the best validation accuracy keeps its weights.

    Args:
        runs: record → the run that it is of, where that is on this machine.

    Returns:
        The record that has them now, "" where none could be had.
    """
    names = [*runs, *(folder.parent.name for folder in sorted(out.glob("runs/*/model.safetensors")) if folder.parent.name not in runs)]
    found = {}
    for name in names:
        run = runs.get(name) or Run(out / "runs" / name)
        if name.startswith(f"{HONEST.name}-") and not run.recipe().subset.labels and _is_small(run):
            found[name] = _validation_accuracy(run)
    if not found:
        return ""
    best = max(found, key=found.__getitem__)
    for name in names:
        folder = out / "runs" / name
        if name != best:
            for file in ("model.safetensors", "reference.safetensors"):
                (folder / file).unlink(missing_ok=True)
        elif not (folder / "model.safetensors").is_file():
            _write_weights(runs[name], folder)
    return best


def _is_small(run: Run) -> bool:
    """By the file, which has single precision; a record's has half of it and was small before."""
    return run.has_model() and (run.folder / "model.safetensors").stat().st_size <= 2 * LARGEST_WEIGHTS


def _validation_accuracy(run: Run) -> float:
    labels, shares, _ = answers_of(run.predictions(), run.recipe().data.classes, "validation")
    return float((shares.argmax(axis=1) == labels).mean())


def _write_weights(run: Run, folder: Path) -> None:
    weights = {name: _halved(value) for name, value in run.weights().items()}
    kept_weights.write(folder / "model.safetensors", weights, run.weights_epoch(), folder)
    if run.reference.is_file():
        shutil.copyfile(run.reference, folder / "reference.safetensors")


def _halved(value: Tensor) -> Tensor:
    """In half precision where that holds its numbers."""
    half = value.half() if value.is_floating_point() else value
    return half if bool(half.isfinite().all()) else value
