"""A run's folder: the one place where a run is kept. A folder copied to another machine opens there.

`recipe.json`, `environment.json`, `status.json`, `metrics.jsonl` (append only), `split.parquet` (which image stood in which part),
`predictions.parquet`, `model.safetensors` (the weights kept), `reference.safetensors` (training images in short, for uploads to be
compared with), `checkpoint/` (what going on needs), `assessments/` (answers about other images, made on request), `log.txt`, and
`owner.json` where somebody who signed in has started it.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import access, owners
from core.errors import InvalidSpec, UnknownName, UnusableRun
from core.files import replacing, write_json, write_text
from core.runs.status import Status, honest
from core.settings import artifacts_dir

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from core.recipes.recipe import Recipe

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PROBABILITY = "probability_"
"""Prefix of the columns of predictions that hold one probability a class."""


@dataclass(frozen=True)
class Run:
    """One run by its folder; reads at each call, since a trainer may be writing."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    def recipe(self) -> Recipe:
        from core.recipes.recipe import Recipe  # whoever only looks at states does without

        return Recipe.from_json(self._text("recipe.json"))

    def owner(self) -> owners.Owner:
        """Who started it, and who may see it."""
        return owners.of(self.folder)

    def status(self) -> Status:
        """As last written, or "interrupted" where that can no longer be true."""
        return honest(Status.model_validate_json(self._text("status.json")))

    def environment(self) -> dict[str, Any]:
        """Versions, device and choices of execution; empty before the training started."""
        path = self.folder / "environment.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def metrics(self) -> list[dict[str, Any]]:
        """Rows of `metrics.jsonl`, in order; a last line that is still being written is left out."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
        return [json.loads(line) for line in lines]

    def log(self, lines: int = 200) -> str:
        """The last lines of the log."""
        path = self.folder / "log.txt"
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if path.is_file() else ""

    def has_model(self) -> bool:
        return (self.folder / "model.safetensors").is_file()

    def has_checkpoint(self) -> bool:
        return self._checkpoint.is_file()

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
        return (self.folder / "split.parquet").is_file()

    def split_kind(self) -> str:
        """What a figure of this run may be called."""
        if self.recipe().copies.before_split:
            return "drawn after copies were made: copies of one X-ray stand in several parts"
        from core.data import splits

        return splits.kind(bool((self.split()["patient_id"] != "").any()), self.recipe().split.together)

    def weights(self) -> dict[str, Tensor]:
        """The weights kept (best epoch), on the CPU.

        Raises:
            UnusableRun: no epoch was completed, so none were kept.
        """
        from safetensors.torch import load_file

        if not self.has_model():
            raise UnusableRun(
                "A model is kept from the first completed epoch on.", f"run {self.id} without any", "Choose another run, or go on with it."
            )
        return load_file(self.folder / "model.safetensors")

    def weights_epoch(self) -> int:
        """The epoch that `weights` come from; 0 where there are none."""
        from safetensors import safe_open

        if not self.has_model():
            return 0
        with safe_open(self.folder / "model.safetensors", framework="pt") as file:
            return int(file.metadata()["epoch"])

    def checkpoint(self) -> dict[str, Any] | None:
        """What the trainer stored at the end of its last completed epoch, or None."""
        import torch

        return torch.load(self._checkpoint, map_location="cpu", weights_only=True) if self.has_checkpoint() else None

    def cancel_requested(self) -> bool:
        return (self.folder / "cancel").exists()

    def request_cancel(self) -> None:
        """Ask the trainer to stop after its current step; a run without a living trainer is cancelled at once.

        Raises:
            NotAllowed: it is somebody else's.
        """
        owners.require_own(self.folder)
        status = self.status()
        if status.live and status.process is not None:
            (self.folder / "cancel").touch()
        elif status.state in ("queued", "interrupted"):
            (self.folder / "cancel").touch()  # a trainer about to start sees it
            self.write_status(status.changed(state="cancelled", finished=time.time(), message="Cancelled while no trainer was at work."))

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
            UnusableRun: another trainer is at work on it.
        """
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
        with open(self.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def drop_metrics_after(self, epoch: int) -> None:
        """Forget the rows of epochs that an interruption cut off before their checkpoint."""
        rows = [row for row in self.metrics() if row["epoch"] <= epoch]
        write_text(self.folder / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def write_split(self, table: pd.DataFrame) -> None:
        with replacing(self.folder / "split.parquet") as temporary:
            table.to_parquet(temporary, index=False)

    def write_predictions(self, table: pd.DataFrame) -> None:
        with replacing(self.folder / "predictions.parquet") as temporary:
            table.to_parquet(temporary, index=False)

    def write_checkpoint(self, state: dict[str, Any]) -> None:
        import torch

        with replacing(self._checkpoint) as temporary:
            torch.save(state, temporary)

    def write_weights(self, weights: dict[str, Tensor], epoch: int) -> None:
        from safetensors.torch import save_file

        with replacing(self.folder / "model.safetensors") as temporary:
            save_file({name: value.contiguous().cpu() for name, value in weights.items()}, temporary, metadata={"epoch": str(epoch)})

    @property
    def reference(self) -> Path:
        """Features of training images, with which uploads are compared; written where there are enough images."""
        return self.folder / "reference.safetensors"

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint" / "state.pt"

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise UnusableRun(f"A run's folder holds {name}.", f"{self.folder} without it", "Remove the folder, or restore it.") from error

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        if not (self.folder / name).is_file():
            raise UnusableRun(f"{name} is stored when a run is done.", f"run {self.id} without it", "Choose a run that is done.")
        return pd.read_parquet(self.folder / name)


def create(recipe: Recipe) -> Run:
    """A new run folder with its recipe, queued, of whoever acts. Its id says when, which model and which draw.

    Raises:
        NotAllowed: whoever acts may not train, or not read the weights that the recipe begins with.
        BeyondLimit: that person's storage is used up.
        UnknownName: the run that the recipe takes its first weights from is not there, or private.
    """
    access.require("train")
    owners.require_storage()
    if recipe.weights.source == "run":
        find(recipe.weights.place)
    elif recipe.weights.source == "file":
        access.require_folder(Path(recipe.weights.place))
    run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe.model}-{uuid.uuid4().hex[:4]}"
    run = Run(runs_dir() / run_id)
    run.folder.mkdir(parents=True)
    owners.claim(run.folder)
    write_text(run.folder / "recipe.json", recipe.to_json())
    run.write_status(Status(created=time.time(), epochs=recipe.epochs).changed())
    return run


def ids() -> list[str]:
    """Ids of all runs that whoever acts may see, newest first."""
    who = access.person()
    return sorted(
        (status.parent.name for status in runs_dir().glob("*/status.json") if owners.of(status.parent).seen_by(who)), reverse=True
    )


def find(run: str) -> Run:
    """The run with this id, or with the only id that starts so.

    Raises:
        UnknownName: there is none, or it is private: the message is the same.
        InvalidSpec: several ids start so.
    """
    folder = runs_dir() / run
    if _ID.fullmatch(run) and (folder / "status.json").is_file() and owners.of(folder).seen_by(access.person()):
        return Run(folder)  # without a look at all others: pages find hundreds of runs by their ids
    known = ids()
    matches = [run] if run in known else [other for other in known if _ID.fullmatch(run) and other.startswith(run)]
    if not matches:
        raise UnknownName.among("run", run, known)
    if len(matches) > 1:
        raise InvalidSpec("A run is named by its id or by a prefix that no other has.", repr(run), f"It fits {', '.join(matches[:5])}.")
    return Run(runs_dir() / matches[0])


def runs_dir() -> Path:
    return artifacts_dir() / "runs"
