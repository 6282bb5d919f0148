"""A run's folder: the one place where a run is kept. A folder copied to another machine opens there.

`recipe.json`, `environment.json`, `status.json`, `metrics.jsonl` (append only), `split.parquet` (which image stood in which part),
`predictions.parquet`, `model.safetensors` (the weights kept), `reference.safetensors` (training images in short, for uploads to be
compared with), `checkpoint/` (what going on needs), `assessments/` (answers about other images, made on request), `log.txt`, and
`lock`, held by whoever trains, and `owner.json` where somebody who signed in has started it.

Recorded runs came with the project: such a folder is only read, and names in `split.txt` a split that it shares with others.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import access, owners
from core.errors import InvalidSpec, UnknownName, UnusableRun
from core.files import read_table, replacing, write_json, write_text
from core.runs import checkpoints, kept_weights, metric_rows
from core.runs.status import ProcessMark, Status, honest
from core.settings import artifacts_dir, recorded_dir

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from core.recipes.recipe import Recipe
    from core.runs.checkpoints import Checkpoint

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MODEL = "model.safetensors"
PROBABILITY = "probability_"
"""Prefix of the columns of predictions that hold one probability a class."""


@dataclass(frozen=True)
class Run:
    """One run by its folder; reads at each call, since a trainer may be writing."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def recorded(self) -> bool:
        """Whether it came with the project, to be read and not changed."""
        return self.folder.parent == recorded_dir() / "runs"

    def recipe(self) -> Recipe:
        from core.recipes.recipe import Recipe  # whoever only looks at states does without

        return Recipe.from_json(self.recipe_text())

    def recipe_text(self) -> str:
        """The recipe as it is stored, JSON."""
        return self._text("recipe.json")

    @property
    def recipe_file(self) -> Path:
        return self.folder / "recipe.json"

    def owner(self) -> owners.Owner:
        """Who started it, and who may see it."""
        return owners.of(self.folder)

    def status(self) -> Status:
        """As last written, or "interrupted" where that can no longer be true."""
        return honest(_status(self._text("status.json")))

    def environment(self) -> dict[str, Any]:
        """Versions, device and choices of execution; empty before the training started."""
        path = self.folder / "environment.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def metrics(self) -> list[dict[str, Any]]:
        """Rows of `metrics.jsonl`, in order; a last line that is still being written, or was cut off, is left out."""
        return metric_rows.read(self._metrics)

    def log(self, lines: int = 200) -> str:
        """The last lines of the log."""
        path = self.folder / "log.txt"
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if path.is_file() else ""

    def has_model(self) -> bool:
        return self._model.is_file()

    def has_checkpoint(self) -> bool:
        return bool(self.checkpoints())

    def has_predictions(self) -> bool:
        return (self.folder / "predictions.parquet").is_file()

    def predictions(self) -> pd.DataFrame:
        """A row an image: sample_id, label, patient_id, split, and `probability_<class>` for every class.

        Raises:
            UnusableRun: none were stored.
        """
        return self._table("predictions.parquet")

    def split(self) -> pd.DataFrame:
        """A row an image of the data set: sample_id, sha256, patient_id, split."""
        return self._table("split.parquet")

    def has_split(self) -> bool:
        return self._stored("split.parquet").is_file()

    def split_kind(self) -> str:
        """What a figure of this run may be called."""
        if self.recipe().copies.before_split:
            return "drawn after copies were made: copies of one X-ray stand in several parts"
        from core.data import splits

        return splits.kind(bool((self.split()["patient_id"] != "").any()), self.recipe().split.together)

    def weights(self) -> dict[str, Tensor]:
        """The weights kept (best epoch), on the CPU.

        Raises:
            UnusableRun: no epoch was completed, so none were kept; or the file is damaged.
        """
        self.require_model()
        return kept_weights.read(self._model)

    def require_model(self) -> None:
        """
        Raises:
            UnusableRun: no weights were kept.
        """
        if not self.has_model():
            rule, received = "A model is kept from the first completed epoch on.", f"run {self.id} without any"
            if self.recorded:
                rule, received = "Of the recorded runs one has kept its model.", f"run {self.id}, which has not"
            raise UnusableRun(rule, received, f"Choose another run, or {'train its recipe' if self.recorded else 'go on with it'}.")

    def weights_epoch(self) -> int:
        """The epoch that `weights` come from; 0 where there are none.

        Raises:
            UnusableRun: the file is damaged where it says so.
        """
        return kept_weights.epoch_of(self._model) if self.has_model() else 0

    def weights_by_epoch(self) -> dict[int, dict[str, Tensor]]:
        """Those kept, and those kept before them, which the last checkpoint but one may need; what is damaged is left out, and logged."""
        found = {}
        for path in filter(Path.is_file, (self._model_before, self._model)):
            try:
                found[kept_weights.epoch_of(path)] = kept_weights.read(path)
            except UnusableRun as error:
                logging.warning("%s", error)
        return found

    def checkpoints(self) -> list[Checkpoint]:
        """What the trainer stored on its way, the newest first."""
        return checkpoints.found(self._checkpoints)

    def checkpoint(self) -> dict[str, Any] | None:
        """What the newest whole checkpoint holds, or None; the log says which ones are damaged."""
        for stored in self.checkpoints():
            try:
                return stored.read()
            except UnusableRun as error:
                logging.warning("%s", error)
        return None

    def cancel_requested(self) -> bool:
        return (self.folder / "cancel").exists()

    def request_cancel(self) -> None:
        """Ask the trainer to stop after its current step, its best weights so far kept and tested."""
        (self.folder / "cancel").touch()

    def pause_requested(self) -> bool:
        return (self.folder / "pause").exists()

    def request_pause(self) -> None:
        """Ask the trainer to stop after its current step, all that going on needs stored.

        Raises:
            NotAllowed: it is somebody else's.
        """
        owners.require_own(self.folder)
        (self.folder / "pause").touch()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """For whoever trains the run: nobody else does meanwhile. The system gives it back whatever happens to its holder.

        Raises:
            UnusableRun: another trainer is at work on it, or it is recorded.
        """
        self.refuse_if_recorded()
        from filelock import FileLock, Timeout  # whoever only looks does without

        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UnusableRun("One trainer works on a run.", f"{self.id}, which another one has", "Wait for it, or cancel it.") from error
        try:
            yield
        finally:
            lock.release()

    def refuse_if_recorded(self) -> None:
        """For whoever is about to change it.

        Raises:
            UnusableRun: it is recorded.
        """
        if self.recorded:
            raise UnusableRun("A recorded run stays as it is.", self.id, "Train its recipe anew, and change that run.")

    # Only the trainer calls what follows.

    def withdraw_requests(self) -> None:
        """Forget that it was to stop."""
        for name in ("cancel", "pause"):
            (self.folder / name).unlink(missing_ok=True)

    def write_status(self, status: Status) -> None:
        write_text(self.folder / "status.json", status.model_dump_json(indent=2) + "\n")

    def write_environment(self, environment: dict[str, Any]) -> None:
        write_json(self.folder / "environment.json", environment)

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one line. Values depend on the recipe alone, never on the clock, so that equal runs have equal files."""
        metric_rows.append(self._metrics, row)

    def drop_metrics_after(self, epoch: int, step: int = 0) -> None:
        """Forget the rows of what an interruption cut off: all after `epoch` epochs and `step` steps of the next."""
        metric_rows.drop_after(self._metrics, epoch, step)

    def write_split(self, table: pd.DataFrame) -> None:
        with replacing(self.folder / "split.parquet") as temporary:
            table.to_parquet(temporary, index=False)

    def write_predictions(self, table: pd.DataFrame) -> None:
        with replacing(self.folder / "predictions.parquet") as temporary:
            table.to_parquet(temporary, index=False)

    def write_checkpoint(self, state: dict[str, Any], epoch: int, step: int = 0) -> None:
        """Store what going on after `epoch` epochs and `step` steps of the next needs; the metrics so far reach the disk before it."""
        metric_rows.flush(self._metrics)
        checkpoints.write(self._checkpoints, state, epoch, step)

    def write_weights(self, weights: dict[str, Tensor], epoch: int) -> None:
        kept_weights.write(self._model, weights, epoch, self._model_before)

    @property
    def reference(self) -> Path:
        """Features of training images, with which uploads are compared; written where there are enough images."""
        return self.folder / "reference.safetensors"

    @property
    def annex(self) -> Path:
        """Folder of what is made of the run later, on request: its own, or one among this machine's files for a recorded run."""
        return artifacts_dir() / "annexes" / self.id if self.recorded else self.folder

    @property
    def _metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def _model(self) -> Path:
        return self.folder / _MODEL

    @property
    def _model_before(self) -> Path:
        return self._checkpoints / "model-before.safetensors"

    @property
    def _checkpoints(self) -> Path:
        return self.folder / "checkpoint"

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise UnusableRun(f"A run's folder holds {name}.", f"{self.folder} without it", "Remove the folder, or restore it.") from error

    def _table(self, name: str) -> pd.DataFrame:
        if not self._stored(name).is_file():
            raise UnusableRun(f"{name} is stored when a run is done.", f"run {self.id} without it", "Choose a run that is done.")
        return read_table(self._stored(name))

    def _stored(self, name: str) -> Path:
        shared = (self.folder / name).with_suffix(".txt")
        if self.recorded and shared.is_file():
            return recorded_dir() / "splits" / shared.read_text(encoding="utf-8").strip()
        return self.folder / name


def create(recipe: Recipe, trained_here: bool = False, before_visible: Callable[[Run], object] = lambda _: None) -> Run:
    """A new run folder with its recipe, queued, of whoever acts. Its id says when, which model and which draw.

    Args:
        trained_here: this very process is about to train it. It is marked so at once: nobody else takes it from the queue, and when the
            process ends before its first word the run does not look queued for ever.
        before_visible: adds to the folder before others see the run.

    Raises:
        NotAllowed: whoever acts may not train, or not read the weights that the recipe begins with.
        BeyondLimit: that person's storage is used up.
        UnknownName: the run that the recipe takes its first weights from, or goes on from, is not there, or private.
    """
    access.require("train")
    owners.require_storage()
    if recipe.weights.source == "run":
        find(recipe.weights.place)
    elif recipe.weights.source == "file":
        access.require_folder(Path(recipe.weights.place))
    if recipe.continues:
        find(recipe.continues)
    runs_dir().mkdir(parents=True, exist_ok=True)
    run = _new(recipe)
    owners.claim(run.folder)
    write_text(run.folder / "recipe.json", recipe.to_json())
    before_visible(run)
    now = time.time()
    mark = {"process": ProcessMark.of_this(), "heartbeat": now} if trained_here else {}
    run.write_status(Status(created=now, epochs=recipe.epochs).changed(**mark))
    return run


def _new(recipe: Recipe) -> Run:
    """An empty folder of an id that no other run has: of the hundreds that a sweep makes in a second, two may draw the same digits."""
    while True:
        run = Run(runs_dir() / f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe.model}-{uuid.uuid4().hex[:4]}")
        with suppress(FileExistsError):
            run.folder.mkdir()
            return run


def ids() -> list[str]:
    """Ids of all runs that whoever acts may see, newest first, then those of recorded ones."""
    who = access.person()
    made_here = [status.parent.name for status in runs_dir().glob("*/status.json") if owners.of(status.parent).seen_by(who)]
    recorded = [status.parent.name for status in recorded_dir().glob("runs/*/status.json") if owners.of(status.parent).seen_by(who)]
    return [*sorted(made_here, reverse=True), *sorted(recorded)]


@lru_cache(maxsize=512)
def _status(text: str) -> Status:
    """What pages ask of the same runs again and again."""
    return Status.model_validate_json(text)


def at(run_id: str) -> Run:
    """The run of this very id, recorded or made here; whether its folder is there is not asked."""
    kept = recorded_dir() / "runs" / run_id
    return Run(kept if kept.is_dir() else runs_dir() / run_id)


def with_models(run_ids: Iterable[str]) -> set[str]:
    """Those of `run_ids` that have kept their weights. By os.path: pages ask it of all runs, whenever they are drawn."""
    folders = [f"{folder}" for folder in (recorded_dir() / "runs", runs_dir())]
    return {run_id for run_id in run_ids if any(os.path.isfile(f"{folder}/{run_id}/{_MODEL}") for folder in folders)}  # noqa: PTH113


def find(run: str) -> Run:
    """The run with this id, or with the only id that starts so.

    Raises:
        UnknownName: there is none, or it is private: the message is the same.
        InvalidSpec: several ids start so.
    """
    if _ID.fullmatch(run):
        found = at(run)
        if (found.folder / "status.json").is_file() and owners.of(found.folder).seen_by(access.person()):
            return found  # without a look at all others: pages find hundreds of runs by their ids
    known = ids()
    matches = [run] if run in known else [other for other in known if _ID.fullmatch(run) and other.startswith(run)]
    if not matches:
        raise UnknownName.among("run", run, known)
    if len(matches) > 1:
        raise InvalidSpec("A run is named by its id or by a prefix that no other has.", repr(run), f"It fits {', '.join(matches[:5])}.")
    return at(matches[0])


def runs_dir() -> Path:
    return artifacts_dir() / "runs"
