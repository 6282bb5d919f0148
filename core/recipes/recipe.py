"""A recipe: everything that changes a result, as frozen data. It knows nothing of devices, files or runs.

Its id is the hash of its content; the same id on the same code and device in reference mode is the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core import wording
from core.data.images import Resize
from core.data.preparation import Equalise, Preparation
from core.errors import InvalidSpec, Problem
from core.models import registry
from core.models.registry import Head, Normalisation

if TYPE_CHECKING:
    from core.data.manifest import Manifest


COPIES_CAUTION = (
    "Copies are made before the split, as it was published: copies of one X-ray stand in training and test, and figures come out too high."
)


class Spec(BaseModel):
    """Frozen, with no field that is not named, and no number that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def leaves(self, parents: str = "") -> Iterator[tuple[str, Any]]:
        """(dotted name, value) of every field that is no spec itself, in order."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Spec):
                yield from value.leaves(f"{parents}{name}.")
            else:
                yield f"{parents}{name}", value


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


class SubsetSpec(Spec):
    """Which part of the data set. In a draft, labels are the field's own names; `fitting.fit` replaces them by the data set's."""

    labels: tuple[str, ...] = ()  # empty: all
    caps: dict[str, Annotated[int, Field(ge=1)]] = {}  # label → at most so many images, whole patients as far as it goes
    seed: int = Field(0, ge=0, lt=2**32)  # of the draw below a cap


class CopiesSpec(Spec):
    """Rare classes made more frequent by augmented copies: label → images that each image becomes, itself included.

    Before the split, fixed copies of one X-ray stand in training and test (as Lacruz Sisamón & Lorenzo Vidarte published it), and
    every figure of such a run carries the warning. After it, only training images are drawn more often, each time augmented anew.
    """

    of: dict[str, Annotated[int, Field(ge=2, le=100)]] = {}
    before_split: bool = False


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
    equalise: Equalise = "none"
    normalisation: Normalisation = "train"

    @property
    def preparation(self) -> Preparation:
        """All of it but the normalisation, which is part of the model."""
        return Preparation(self.size, self.resize, self.equalise)


class AugmentationSpec(Spec):
    """Largest random changes of a training image; see `core.data.batches.Augmentation` for the units."""

    rotation: float = Field(7.0, ge=0, le=180)
    zoom: float = Field(0.08, ge=0, lt=1)
    shift: float = Field(0.04, ge=0, lt=1)
    flip: bool = False
    brightness: float = Field(0.1, ge=0, le=1)
    contrast: float = Field(0.2, ge=0, lt=1)
    crop: float = Field(0.0, ge=0, lt=2)
    noise: float = Field(0.0, ge=0, le=1)
    only: tuple[str, ...] = ()  # labels whose images are changed; empty: all


class HeadSpec(Spec):
    """What stands on the network. "own": its own classifier, refitted to the class count. "pooled": global average pooling, then
    dense `hidden` + ReLU (none where 0), batch normalisation, dropout, dense to the classes.
    """

    kind: Literal["own", "pooled"] = "own"
    hidden: int = Field(0, ge=0, le=8192)
    batch_norm: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)

    @property
    def head(self) -> Head:
        return Head(**self.model_dump())


class WeightsSpec(Spec):
    """Where the first weights come from. `place` is a file's path or a run's id; `sha256` is of the weights that were read."""

    source: Literal["random", "imagenet", "file", "run"] = "random"
    place: str = ""
    sha256: str = ""

    @model_validator(mode="after")
    def _place_where_needed(self) -> Self:
        if (self.source in ("file", "run")) != bool(self.place):
            raise ValueError(f"a place (a file's path or a run's id) goes with file and run alone, not with {self.source}")
        return self


class LossSpec(Spec):
    """Cross entropy, and what is done to it."""

    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]] = "none"  # or label → weight


class OptimiserSpec(Spec):
    name: Literal["sgd", "adam", "adamw"] = "adamw"
    lr: float = Field(1e-3, gt=0, le=10)
    momentum: float = Field(0.9, ge=0, lt=1)  # sgd only
    weight_decay: float = Field(0.01, ge=0, le=1)


class ScheduleSpec(Spec):
    """How the learning rate moves; see `core.training.schedules`."""

    name: Literal["constant", "step", "stages", "cosine", "one-cycle"] = "one-cycle"
    warmup_epochs: float = Field(0.0, ge=0)  # linear, from zero; not for one-cycle, which has its own
    drop_every: int = Field(5, ge=1)  # epochs; step only
    drop_factor: float = Field(0.2, gt=0, le=1)  # step only
    stages: tuple[tuple[int, Annotated[float, Field(gt=0, le=1)]], ...] = ()  # stages only: (epochs completed, share from there)

    @model_validator(mode="after")
    def _stages_rise(self) -> Self:
        begins = [epoch for epoch, _ in self.stages]
        if begins != sorted(set(begins)) or any(epoch < 0 for epoch in begins):
            raise ValueError(f"stages begin one after the other, none before epoch 0, not at {', '.join(map(str, begins))}")
        return self


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

    @property
    def experiment(self) -> str:
        """Hash of the content apart from seeds and fold: runs that share it are repeats of one experiment."""
        split = self.split.model_copy(update={"fold": 0, "seed": 0})
        return self.model_copy(update={"seed": 0, "split": split}).id

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must stand beside every figure of a run of this recipe."""
        return (COPIES_CAUTION,) if self.copies.before_split else ()

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
