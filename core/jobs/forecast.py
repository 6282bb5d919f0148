"""How long a sweep will take, before it starts: by runs like its own, or, where there are none and that is asked for, by a few steps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import wording
from core.data.threads import Progress
from core.errors import CoreError
from core.jobs import estimates, overview, queue, supervisors
from core.jobs.launchers import local
from core.runs import index

if TYPE_CHECKING:
    from core.jobs.sweeps import Plan
    from core.recipes.fitting import Fitted
    from core.recipes.recipe import Recipe

_CHANGES_SPEED = ("model", "head", "frozen", "batch_size", "execution", "precision", "reference")
"""Fields of a recipe that decide, with the image size and the classes, how long a training step takes."""


@dataclass(frozen=True)
class Forecast:
    """`unknown`: runs whose time cannot be told, as "vgg16 at 224 px". `measured`: runs whose time comes from a few steps. `busy`: steps
    would have been timed, but something trains."""

    count: int
    devices: int  # that can train its runs side by side
    seconds: float | None  # until all are done, were nothing else in the queue; None where a run's time is unknown
    unknown: tuple[str, ...]
    measured: int
    busy: bool = False

    @property
    def sentence(self) -> str:
        runs, devices = wording.count(self.count, "run"), wording.count(self.devices, "device")
        if self.seconds is None:
            why = f"no such run was trained on these images here yet ({wording.listed(self.unknown)})"
            why += ", and no step is timed while something trains" if self.busy else ""
            return f"{runs} on {devices}; how long they take is unknown: {why}."
        source = "by runs like them"
        if self.measured:
            source = "by a few steps timed here" if self.measured == self.count else "by runs like them, and a few steps timed here"
            source += "; validation, test and start-up come on top"
        return f"{runs} on {devices}: {wording.duration(self.seconds)}, judged {source}."


def forecast(planned: Plan, measure: bool = False, progress: Progress | None = None) -> Forecast:
    """What the runs of a plan come to.

    Args:
        measure: time a few steps of each kind of run that was not trained here yet: seconds of work for each kind, and none while
            something trains.
        progress: counts the kinds that are timed.
    """
    known = estimates.pace(index.all_rows())
    seconds = [estimates.seconds_of(run.recipe, known) for run in planned.runs]
    missing = [number for number, each in enumerate(seconds) if each is None]
    busy = bool(measure and missing) and something_trains()
    if measure and not busy:
        timed = _measured([planned.runs[number] for number in missing], planned.sweep.device, progress)
        for number, each in zip(missing, timed, strict=True):
            seconds[number] = each
    unknown = [planned.runs[number].recipe for number in missing if seconds[number] is None]
    devices = _devices(planned)
    return Forecast(
        count=len(planned.runs),
        devices=devices,
        seconds=estimates.finish([], seconds, devices)[-1],
        unknown=tuple(dict.fromkeys(f"{recipe.model} at {recipe.image.size} px" for recipe in unknown)),
        measured=len(missing) - len(unknown),
        busy=busy,
    )


def something_trains() -> bool:
    """Whether timing would disturb a training, and be disturbed by it. What only waits does neither."""
    return any(job.state == "active" for job in queue.jobs()) or any(row.state == "running" for row in index.all_rows())


def _measured(runs: list[Fitted], device: str, progress: Progress | None) -> list[float | None]:
    """Seconds of each, or None. What takes equally long a step is timed once: the time grows with the images and the epochs alone."""
    an_image: dict[str, float | None] = {}
    kinds = [_kind(run.recipe) for run in runs]
    for number, kind in enumerate(dict.fromkeys(kinds), start=1):
        an_image[kind] = None if something_trains() else _seconds_an_image(runs[kinds.index(kind)].recipe, device)
        if progress:
            progress(number, len(set(kinds)))
    found: list[float | None] = []
    for run, kind in zip(runs, kinds, strict=True):
        each, epochs = an_image[kind], 1 if run.recipe.feature_views else run.recipe.epochs
        found.append(None if each is None else each * run.training_images * epochs)
    return found


def _kind(recipe: Recipe) -> str:
    """Equal for recipes that take equally long an image, and an epoch; where the trunk's features are kept, for all epochs together."""
    content = recipe.model_dump(mode="json")
    kept = (recipe.feature_views, recipe.epochs) if recipe.feature_views else ()
    return json.dumps([*(content[field] for field in _CHANGES_SPEED), recipe.image.size, len(recipe.data.classes), *kept])


def _seconds_an_image(recipe: Recipe, device: str) -> float | None:
    """That one training image takes in an epoch; in all epochs where the trunk's features are kept."""
    import torch

    from core.training import preview

    one = recipe if recipe.feature_views else recipe.model_copy(update={"epochs": 1})
    try:
        return preview.training_seconds(one, 1, device or None)
    except (CoreError, torch.OutOfMemoryError):  # for a device of another machine, or a larger one
        return None


def _devices(planned: Plan) -> int:
    """Of the supervisors that live; where none does, of the one that would be started."""
    wanted = planned.sweep.device
    found = overview.jobs_at_a_time(supervisors.living(), wanted) or (len(local.gpus()) if wanted in ("", "cuda") else 1)
    return max(1, found // max(run.recipe.execution.processes for run in planned.runs))
