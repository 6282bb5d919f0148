"""The parts of a recipe, each frozen and validated at the door: data, split, image, augmentation, head, weights, loss, optimiser, schedule,
and how steps are carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core import wording
from core.data.square import Equalise, Preparation, Resize
from core.models.registry import Head, Normalisation

if TYPE_CHECKING:
    from core.data.manifest import Manifest


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

    @property
    def text(self) -> str:
        """For people: "≤ 70 Covid-19, Normal"; empty where all of the set is taken."""
        named = [f"≤ {self.caps[label]:,} {label}" if label in self.caps else label for label in dict.fromkeys((*self.labels, *self.caps))]
        drawn = [f"draw {self.seed}"] if self.caps and self.seed else []
        return ", ".join(named + drawn)


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
    # what is never torn apart; see `core.data.splits`
    together: Literal["patients and duplicates", "patients", "nothing"] = "patients and duplicates"

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
    probability: float = Field(1.0, gt=0, le=1)  # that an image is changed at all
    only: tuple[str, ...] = ()  # labels whose images are changed; empty: all

    @property
    def changes(self) -> bool:
        """Whether any image is changed at all."""
        return any(value for name, value in self.leaves() if name not in ("probability", "only"))


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


class ExecutionSpec(Spec):
    """How steps are carried out. It changes speed and rounding alone; the run's environment says what was done, and why."""

    channels_last: Literal["auto", "on", "off"] = "auto"  # the memory format of maps; auto: on, except in reference mode
    compiled: bool = False  # torch.compile: the first step takes half a minute and more
    cuda_graphs: bool = False  # replay the training pass of a small network; on a GPU alone
    processes: int = Field(1, ge=1, le=64)  # that share each batch; each has a GPU, or a part of the processor's cores

    @model_validator(mode="after")
    def _graphs_in_one_process(self) -> Self:
        if self.cuda_graphs and self.processes > 1:
            raise ValueError(f"CUDA graphs are replayed in one process, not in {self.processes}")
        return self
