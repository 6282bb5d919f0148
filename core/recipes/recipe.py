"""A recipe: everything that changes a result, as frozen data. It knows nothing of devices, files or runs.

Its id is the hash of its content; the same id on the same code and device in reference mode is the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field, ValidationError

from core import wording
from core.errors import InvalidSpec, Problem
from core.models import registry
from core.recipes.specs import (
    AugmentationSpec,
    CopiesSpec,
    DataSpec,
    ExecutionSpec,
    HeadSpec,
    ImageSpec,
    LossSpec,
    OptimiserSpec,
    ScheduleSpec,
    Spec,
    SplitSpec,
    SubsetSpec,
    WeightsSpec,
)

COPIES_CAUTION = (
    "Copies are made before the split, as it was published: copies of one X-ray stand in training and test, and figures come out too high."
)
TORN_CAUTIONS = {
    "patients": ("Copies of one picture may stand in training and test, as it was asked for: figures may come out too high.",),
    "nothing": (
        "Images of one patient, and copies of one picture, may stand in training and test, as it was asked for: figures come out too high.",
    ),
}
"""By what a split keeps together, where that is not everything."""
MARKED_CAUTION = (
    "Augmentation changes images of {labels} alone: what it leaves in them, such as noise or black corners, may be learnt as their sign. "
)
SIGN_IN_TEST = "Copies in the test part bear it too: figures may come out too high."
NO_SIGN_IN_TEST = "Test images do not bear it and may be missed."


class Recipe(Spec):
    name: str = ""  # the catalogue's entry that it was made from
    data: DataSpec
    subset: SubsetSpec = SubsetSpec()
    copies: CopiesSpec = CopiesSpec()
    split: SplitSpec = SplitSpec()
    image: ImageSpec
    augmentation: AugmentationSpec = AugmentationSpec()
    model: str
    head: HeadSpec = HeadSpec()
    weights: WeightsSpec = WeightsSpec()
    frozen: bool = False  # everything but the head stays as the weights have it, batch statistics included
    frozen_views: int = Field(0, ge=0, le=64)  # frozen only: augmented views an image, drawn once; 0: drawn anew in every epoch
    loss: LossSpec = LossSpec()
    optimiser: OptimiserSpec = OptimiserSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    epochs: int = Field(10, ge=1, le=10_000)
    batch_size: int = Field(32, ge=2, le=8192)
    keep: Literal["best-accuracy", "best-loss", "last"] = "best-accuracy"  # judged on the validation part
    seed: int = Field(0, ge=0, lt=2**32)
    execution: ExecutionSpec = ExecutionSpec()
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 where the device gains; the run's environment says which
    reference: bool = False  # fp32 and deterministic: bit-identical repeats on the CPU
    continues: str = ""  # the id of a run of this recipe with fewer epochs, from whose end this one goes on
    continues_after: int = Field(0, ge=0)  # that run's epochs

    @property
    def id(self) -> str:
        """Hash of the content, 12 hexadecimal digits. A field at its default does not count: those that join later change no id."""
        content = json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def experiment(self) -> str:
        """Hash of the content apart from seeds and fold: runs that share it are repeats of one experiment.

        Of runs that continue others it counts after how many epochs, not which.
        """
        split = self.split.model_copy(update={"fold": 0, "seed": 0})
        return self.model_copy(update={"seed": 0, "split": split, "continues": ""}).id

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must stand beside every figure of a run of this recipe."""
        copies = (COPIES_CAUTION,) if self.copies.before_split else ()
        return (*copies, *self._cautions_of_augmentation, *TORN_CAUTIONS.get(self.split.together, ()))

    @property
    def _cautions_of_augmentation(self) -> tuple[str, ...]:
        if not self.marked:
            return ()
        sign = SIGN_IN_TEST if self.copies.before_split else NO_SIGN_IN_TEST
        return (MARKED_CAUTION.format(labels=", ".join(self.marked)) + sign,)

    @property
    def marked(self) -> tuple[str, ...]:
        """Labels whose images alone augmentation changes; empty where it changes those of all or of none."""
        changed = tuple(self.copies.of) if self.copies.before_split else self.augmentation.only
        return changed if self.augmentation.changes and not set(changed) >= set(self.data.classes) else ()

    @property
    def feature_views(self) -> int:
        """Views of each training image for which a frozen trunk runs once and for all; 0: it runs anew at every step."""
        if not self.frozen:
            return 0
        augmented = self.augmentation.changes and not self.copies.before_split
        return min(self.frozen_views, self.epochs) if augmented else 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know of the training, and needs no warning of."""
        return (*self._notes_of_features, *self._notes_of_continuing, *self._notes_of_processes)

    @property
    def _notes_of_features(self) -> tuple[str, ...]:
        if not self.feature_views:
            return ()
        if not self.augmentation.changes or self.copies.before_split:
            return ("The trunk’s features are computed once for every image.",)
        views = wording.count(self.feature_views, "augmented view")
        turns = ", which the epochs take in turn" if self.feature_views < self.epochs else ""
        return (f"The trunk’s features are computed once for {views} of every training image{turns}.",)

    @property
    def _notes_of_processes(self) -> tuple[str, ...]:
        count = self.execution.processes
        if count == 1:
            return ()
        return (f"{count} processes share each batch: on a processor, batch normalisation sees each one’s part of it, not the whole.",)

    @property
    def _notes_of_continuing(self) -> tuple[str, ...]:
        if not self.continues:
            return ()
        epochs = wording.count(self.continues_after, "epoch")
        if self.schedule.name not in ("one-cycle", "cosine"):
            return (f"Goes on from the end of run {self.continues}, after {epochs}; it is as if trained for all {self.epochs} at once.",)
        rates = f"its learning rates from there on are those of a {self.schedule.name} schedule over all {self.epochs} epochs"
        return (f"Goes on from the end of run {self.continues}, after {epochs}; {rates}, the earlier ones those of the shorter schedule.",)

    def __hash__(self) -> int:
        return hash(self.id)

    def to_json(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Raises InvalidSpec with every problem in the text."""
        return validated(lambda: cls.model_validate_json(text))


def compose(data: DataSpec, model: str, **changes: Any) -> Recipe:
    """A recipe for `model` from the defaults, with `changes`: field names, dotted for nested ones given as {"optimiser.lr": …}.

    Values of None are left at their default, so that unset options can be passed on.

    Raises:
        UnknownName: no such model.
        InvalidSpec: all that is wrong, at once.
    """
    architecture = registry.get(model)
    content: dict[str, Any] = {"data": data.model_dump(), "model": model, "image": {"size": architecture.image_size}}
    for field, value in changes.items():
        if value is not None:
            *parents, last = field.split(".")
            place = content
            for parent in parents:
                place = place.setdefault(parent, {}) if isinstance(place, dict) else None
            if isinstance(place, dict):
                place[last] = deepcopy(value)
            else:
                content[field] = value  # inside something that has no fields: refused below, as unknown
    recipe = validated(lambda: Recipe.model_validate(content))
    refuse_misfits(recipe)
    return recipe


def refuse_misfits(recipe: Recipe, training_images: int | None = None) -> None:
    """Check what no single field can: the recipe against its model and, where known, the number of training images.

    Raises:
        InvalidSpec: all that is wrong, at once.
    """
    architecture = registry.get(recipe.model)
    problems = []
    if recipe.image.size < architecture.smallest:
        problems.append(
            Problem(
                f"{architecture.title} takes images of at least {architecture.smallest} px.",
                f"image size {recipe.image.size}",
                f"Choose {architecture.smallest} or more; its own size is {architecture.image_size}.",
            )
        )
    if training_images is not None and training_images < 2:
        received = wording.count(training_images, "training image")
        problems.append(Problem("Batch normalisation needs at least two images.", received, "Add images, or choose other shares."))
    elif training_images is not None and recipe.batch_size > training_images:
        problems.append(
            Problem(
                "A batch is no larger than the training part.",
                f"batch size {recipe.batch_size} for {training_images} training images",
                f"Choose a batch size of at most {training_images}.",
            )
        )
    if recipe.batch_size < 2 * recipe.execution.processes:
        received = f"batch size {recipe.batch_size} for {recipe.execution.processes} processes"
        problems.append(Problem("Each process has at least two images of a batch.", received, "Choose a larger batch, or fewer processes."))
    if len(set(recipe.subset.labels)) == 1 or len(recipe.data.classes) < 2:
        classes = recipe.subset.labels or recipe.data.classes
        problems.append(Problem("Training needs at least two classes.", ", ".join(classes) or "none", "Take another class as well."))
    if problems:
        raise InvalidSpec.of(problems)


def validated(build: Callable[[], Recipe]) -> Recipe:
    """Run `build` and turn pydantic's errors into our own, all of them."""
    try:
        return build()
    except ValidationError as error:
        raise InvalidSpec.of([_problem(item) for item in error.errors()]) from None


def _problem(item: Any) -> Problem:
    field = ".".join(str(part) for part in item["loc"]) or "recipe"
    if item["type"] == "extra_forbidden":
        known = [
            name for spec in (Recipe, *(f.annotation for f in Recipe.model_fields.values())) for name in getattr(spec, "model_fields", ())
        ]
        near = get_close_matches(field.rsplit(".", 1)[-1], known, n=1)
        return Problem("A recipe has named fields only.", field, f"Did you mean {near[0]}?" if near else "Remove it.")
    context = item.get("ctx", {})
    limits = [(words, context[key]) for key, words in _LIMITS.items() if key in context]
    if limits:
        words, limit = limits[0]
        return Problem(f"{field} is {words} {limit}.", repr(item["input"]), f"Choose a value that is {words} {limit}.")
    if "expected" in context:
        return Problem(f"{field} is one of {context['expected']}.", repr(item["input"]), "Choose one of them.")
    rule = item["msg"].removeprefix("Value error, ")
    return Problem(f"{field}: {rule[0].lower()}{rule[1:]}.", repr(item["input"]), f"Change {field} accordingly.")


_LIMITS = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than", "min_length": "of a length of at least"}
"""pydantic's names of limits, in words."""
