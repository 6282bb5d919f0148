"""What an entry of the catalogue is, and a paper: frozen data, a module a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """`changes` are the fields that differ from the default recipe, dotted: {"optimiser.lr": 0.01}; classes have their canonical names."""

    name: str
    title: str
    model: str
    paper: str = ""  # key of the paper
    table: str = ""  # of the results, as the paper numbers it
    row: str = ""  # of that table, as the paper calls it
    changes: Mapping[str, Any] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()  # settings that the paper does not state
    deviations: tuple[str, ...] = ()  # settings that it states and that are different here


@dataclass(frozen=True)
class Paper:
    """What a person should know of a paper before reading its figures."""

    key: str
    authors: str
    year: int
    title: str
    data: str
    did: str
    cautions: tuple[str, ...]
    further: bool = False  # not one of the five papers, but a reference besides them


UNCHANGED = {"rotation": 0.0, "zoom": 0.0, "shift": 0.0, "brightness": 0.0, "contrast": 0.0}
"""No augmentation: the default's changes, switched off."""

PRETRAINED = {"weights.source": "imagenet", "image.normalisation": "imagenet"}

SPLIT_ASSUMED = "Which images stand in the test part: a random fifth is drawn, stratified by class."
VALIDATION = "A fifth of the training part is held out for validation and not trained on."
BY_PATIENT = "Images of one patient stay in one part where patients are known; the paper names no patients."
OTHER_WEIGHTS = "ImageNet weights are those of timm or torchvision, not those of the paper's toolbox."
EVERY_EPOCH = "Validation is measured at the end of each epoch."
