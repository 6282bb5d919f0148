"""What a run's folder holds, read once for everything that is taken away: a page, a card. Nothing is claimed that is not there.

Folders of this machine are left out of every text: what is taken away may be shown to others.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from core import wording
from core.errors import CoreError
from core.recipes import catalogue
from core.recipes.entry import Entry
from core.recipes.recipe import Recipe
from core.runs.status import Status
from core.runs.store import Run

if TYPE_CHECKING:
    import pandas as pd

    from core.evaluation.metrics import Evaluation

UNGROUPED_CAUTION = (
    "Patients are unknown, so the split is by image: X-rays of one patient may stand in training and test, "
    "and figures may come out too high."
)


@dataclass(frozen=True)
class Record:
    """One run as its folder has it. `evaluation` (of the test part), `split` and `split_kind` are None where nothing was stored."""

    run_id: str
    recipe: Recipe  # without the folder of a file of first weights
    recipe_id: str  # of the recipe as it is stored
    status: Status
    environment: dict[str, Any]
    history: list[dict[str, Any]]  # rows of metrics, kinds "step" and "epoch"
    entry: Entry | None  # the catalogue's that the recipe was made from
    evaluation: Evaluation | None
    split: pd.DataFrame | None  # a row an image: label (not in older runs), patient_id, split
    split_kind: str | None
    missing: tuple[str, ...]  # what a finished run would have, and why it is not there
    extra_cautions: tuple[str, ...]
    comparisons: Mapping[str, Evaluation]

    @property
    def network(self) -> str:
        """The architecture's name for people."""
        from core.models import registry

        try:
            return registry.get(self.recipe.model).title
        except CoreError:  # a run from a machine whose timm has other networks
            return self.recipe.model

    @property
    def title(self) -> str:
        return f"{self.network} on {self.recipe.data.title}"

    @property
    def grouped(self) -> bool:
        """Whether any patient is known, so that the split could keep the images of each together."""
        return self.split is not None and bool((self.split["patient_id"] != "").any())

    @property
    def unknown_patients(self) -> int:
        """Images whose patient is unknown."""
        return 0 if self.split is None else int((self.split["patient_id"] == "").sum())

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must stand before every figure."""
        found = [*self.extra_cautions, *self.recipe.cautions, *self.recipe.notes]
        if split := self.environment.get("batch_split"):
            found.append(split)
        if self.recipe.data.synthetic:
            found.append(wording.SYNTHETIC_NOTE)
        if self.split is not None and not self.grouped and not self.recipe.copies.before_split:
            found.append(UNGROUPED_CAUTION)
        if self.status.state != "done":
            epochs = wording.count(self.epochs_done, "epoch")
            found.append(f"State of the run: {self.status.state}; {epochs} of {self.recipe.epochs} completed.")
        return tuple(found)

    @property
    def epochs_done(self) -> int:
        return max((row["epoch"] for row in self.history if row["kind"] == "epoch"), default=0)

    @property
    def command(self) -> str:
        """Trains the recipe again, kept as recipe.json."""
        return f"python -m core train --data {shlex.quote(self.recipe.data.name)} --recipe recipe.json"


def gather(run: Run, extra_cautions: Sequence[str] = (), comparisons: Mapping[str, Evaluation] | None = None) -> Record:
    """Read `run`, whatever its state.

    Args:
        extra_cautions: sentences that only the caller knows, such as a simple probe that answers better than the network.
        comparisons: other evaluations to stand beside this run's, by name.

    Raises:
        UnusableRun: it has no recipe or no status.
    """
    recipe, status = run.recipe(), run.status()
    known = {entry.name: entry for entry in catalogue.entries()}
    split = _split(run)
    evaluation, missing = _evaluation(run, recipe)
    if split is None:
        missing = ("The split: the data was never opened.", *missing)
    environment = run.environment()
    if not environment:
        missing = (*missing, "The environment: it is written when training starts.")
    return Record(
        run_id=run.id,
        recipe=shareable(recipe),
        recipe_id=recipe.id,
        status=status.changed(message=without_folders(status.message)),
        environment=environment,
        history=run.metrics(),
        entry=known.get(recipe.name),
        evaluation=evaluation,
        split=split,
        split_kind=None if split is None else run.split_kind(),
        missing=missing,
        extra_cautions=tuple(extra_cautions),
        comparisons=comparisons or {},
    )


def shareable(recipe: Recipe) -> Recipe:
    """`recipe` with a file of first weights by its name alone."""
    weights = recipe.weights
    if weights.source != "file":
        return recipe
    return recipe.model_copy(update={"weights": weights.model_copy(update={"place": PureWindowsPath(weights.place).name})})


def settings(recipe: Recipe) -> dict[str, Any]:
    """Every field of `recipe`, dotted ("optimiser.lr"), with its value as JSON has it."""
    import pandas as pd

    (fields,) = pd.json_normalize(recipe.model_dump(mode="json"), sep=".", max_level=1).to_dict("records")
    return fields


def without_folders(text: str) -> str:
    """`text` with absolute paths cut to their last part: "/home/me/x.pt" becomes "…/x.pt". A folder with a space is cut up to it."""
    return _FOLDERS.sub("…/", text)


def _split(run: Run) -> pd.DataFrame | None:
    try:
        return run.split()
    except CoreError:
        return None


def _evaluation(run: Run, recipe: Recipe) -> tuple[Evaluation | None, tuple[str, ...]]:
    from core.evaluation.metrics import evaluate_predictions

    if not run.has_predictions():
        return None, ("Figures of the test part: the run has stored no predictions.",)
    try:
        return evaluate_predictions(run.predictions(), recipe.data.classes, "test"), ()
    except CoreError as error:
        return None, (f"Figures of the test part: {without_folders(str(error))}",)


_FOLDERS = re.compile(r"(?<![\w./:])(?:[A-Za-z]:)?[\\/](?:[^\s\\/:]+[\\/])+")
