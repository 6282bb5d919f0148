"""Runs → event files for TensorBoard, a folder a run. An export: the run folders stay the truth, and exporting again replaces it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import CoreError
from core.files import replacing
from core.report.record import settings, shareable
from core.runs.status import Status
from core.runs.store import Run

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


def export(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Write `folder/RUN/events.out.tfevents.…` for each of `runs`; `tensorboard --logdir FOLDER` then shows them.

    Scalars by epoch: `loss/train`, `loss/validation`, `accuracy/train`, `accuracy/validation`, `learning_rate/epoch`. By step, counted
    over all epochs from 1: `loss/batch`, `learning_rate/step`. A value that was not finite is left out. The recipe stands among the
    texts and, with the test part's figures, among the hyperparameters. Rows hold no times, so each event has that of the run's creation.

    Raises:
        UnusableRun: a run without recipe or status.
        CoreError: the files cannot be written.
    """
    try:
        return [_export(run, folder / run.id) for run in runs]
    except OSError as error:
        raise CoreError("Event files are written into a folder.", f"{folder} ({error.strerror})", "Choose another folder.") from error


def archive(runs: Sequence[Run]) -> bytes:
    """A zip of what `export` writes, to be sent to a browser."""
    with tempfile.TemporaryDirectory() as place:
        export(runs, Path(place) / "runs")
        return Path(shutil.make_archive(f"{place}/events", "zip", f"{place}/runs")).read_bytes()


def scalars(history: Sequence[dict[str, Any]]) -> Iterator[tuple[str, float, int]]:
    """(tag, value, step) for every finite value in the rows of a run's metrics, in their order."""
    for row in history:
        if row["kind"] == "step":
            at = (row["epoch"] - 1) * row["steps"] + row["step"]
            values = {"loss/batch": row["loss"], "learning_rate/step": row["lr"]}
        else:
            at = row["epoch"]
            values = {f"{name}/{part}": row[f"{part}_{name}"] for name in ("loss", "accuracy") for part in ("train", "validation")}
            values["learning_rate/epoch"] = row["lr"]
        yield from ((tag, value, at) for tag, value in values.items() if value is not None)


def _export(run: Run, folder: Path) -> Path:
    from tensorboardX import SummaryWriter

    status = run.status()
    with tempfile.TemporaryDirectory() as place:
        with SummaryWriter(place) as writer:
            _write(writer, run, status)
        (written,) = Path(place).iterdir()
        # Its own name holds the time of day and the machine's name: a second export would stand beside the first and double each curve.
        target = folder / f"events.out.tfevents.{int(status.created)}.{run.id}"
        with replacing(target) as temporary:
            temporary.write_bytes(written.read_bytes())
    return target


def _write(writer: SummaryWriter, run: Run, status: Status) -> None:
    from tensorboardX.summary import hparams

    created, recipe = status.created, shareable(run.recipe())
    for tag, value, step in scalars(run.metrics()):
        writer.add_scalar(tag, value, step, walltime=created)
    writer.add_text("recipe", "".join(f"    {line}\n" for line in recipe.to_json().splitlines()), walltime=created)
    results = {f"test/{name}": value for name, value in (status.result or {}).items()}
    for summary in hparams(_simple(settings(recipe)), results):  # by hand: the writer's own method would make a second run of it
        writer.file_writer.add_summary(summary, walltime=created)
    for tag, value in results.items():
        writer.add_scalar(tag, value, status.best_epoch, walltime=created)


def _simple(fields: dict[str, Any]) -> dict[str, bool | int | float | str]:
    """`fields`, with all that is neither number, switch nor text as text."""
    return {name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in fields.items()}
