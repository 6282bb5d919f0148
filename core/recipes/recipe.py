"""A recipe: everything that changes a result, as frozen data. It knows nothing of devices, files or runs.

Its id is the hash of its content; the same id on the same code and device in reference mode is the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core import wording
from core.data.images import Resize
from core.errors import InvalidSpec, Problem
from core.models import registry
from core.models.registry import Normalisation

if TYPE_CHECKING:
    from core.data.manifest import Manifest


class Spec(BaseModel):
    """Frozen, with no field that is not named, and no number that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSpec(Spec):
    """Which images, by content: a set that was changed since is not the same data."""

    name: str
    sha256: str
    classes: tuple[str, ...] = Field(min_length=2)
    synthetic: bool = False

    @property
    def title(self) -> str:
        """The name for people."""
        return wording.data_set(self.name, self.synthetic)

    @classmethod
    def of(cls, manifest: Manifest) -> DataSpec:
        return cls(name=manifest.name, sha256=manifest.sha256, classes=manifest.classes, synthetic=manifest.synthetic)


class SplitSpec(Spec):
    """The test part is one of `folds` equal folds, the validation part one of `validation_folds` equal folds of the rest."""

    folds: int = Field(5, ge=2, le=50)
    fold: int = Field(0, ge=0)  # from 0
    validation_folds: int = Field(5, ge=2, le=50)
    seed: int = Field(0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"folds are counted from 0, so the last of {self.folds} is {self.folds - 1}, not {self.fold}")
        return self


class ImageSpec(Spec):
    """From a file's greys to the network's input."""

    size: int = Field(ge=8, le=2048)  # pixels
    resize: Resize = "squash"
    normalisation: Normalisation = "train"


class AugmentationSpec(Spec):
    """Largest random changes of a training image; see `core.data.batches.Augmentation` for the units."""

    rotation: float = Field(7.0, ge=0, le=180)
    zoom: float = Field(0.08, ge=0, lt=1)
    shift: float = Field(0.04, ge=0, lt=1)
    flip: bool = False
    brightness: float = Field(0.1, ge=0, le=1)
    contrast: float = Field(0.2, ge=0, lt=1)


class LossSpec(Spec):
    """Cross entropy, and what is done to it."""

    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"


class OptimiserSpec(Spec):
    name: Literal["sgd", "adam", "adamw"] = "adamw"
    lr: float = Field(1e-3, gt=0, le=10)
    momentum: float = Field(0.9, ge=0, lt=1)  # sgd only
    weight_decay: float = Field(0.01, ge=0, le=1)


class ScheduleSpec(Spec):
    """How the learning rate moves; see `core.training.schedules`."""

    name: Literal["constant", "step", "cosine", "one-cycle"] = "one-cycle"
    warmup_epochs: float = Field(0.0, ge=0)  # linear, from zero; not for one-cycle, which has its own
    drop_every: int = Field(5, ge=1)  # epochs; step only
    drop_factor: float = Field(0.2, gt=0, le=1)  # step only


class Recipe(Spec):
    data: DataSpec
    split: SplitSpec = SplitSpec()
    image: ImageSpec
    augmentation: AugmentationSpec = AugmentationSpec()
    model: str
    weights: Literal["random"] = "random"
    loss: LossSpec = LossSpec()
    optimiser: OptimiserSpec = OptimiserSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    epochs: int = Field(10, ge=1, le=10_000)
    batch_size: int = Field(32, ge=2, le=8192)
    keep: Literal["best-accuracy", "best-loss", "last"] = "best-accuracy"  # judged on the validation part
    seed: int = Field(0, ge=0, lt=2**32)
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 where the device gains; the run's environment says which
    reference: bool = False  # fp32 and deterministic: bit-identical repeats on the CPU

    @property
    def id(self) -> str:
        """Hash of the content, 12 hexadecimal digits."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

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
    if training_images is not None and recipe.batch_size > training_images:
        problems.append(
            Problem(
                "A batch is no larger than the training part.",
                f"batch size {recipe.batch_size} for {training_images} training images",
                f"Choose a batch size of at most {training_images}.",
            )
        )
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
