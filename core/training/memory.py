"""How much memory a training needs, before it starts: a step of it on torch's meta device, which has shapes but holds and computes nothing.

What is counted is what lives at once in a forward and a backward pass. Workspaces of the libraries are not; the allowance for the process
covers them, and is assumed on a GPU. On the processor freed memory is kept from step to step (`core.training.host_memory`), and a large
block may find no gap that holds it: two of the largest are added there. At 224 px in fp32, without data, the estimate was between 14 %
below the measured peak (ResNet-18, batches of 32) and 5 % above it (AlexNet); VGG16, DenseNet-201, Inception v3 and the 22-layer network
lay between.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from core.models.classifier import Classifier
from core.recipes import creation
from core.recipes.recipe import Recipe
from core.training import execution

PROCESS = {"cpu": 900_000_000, "cuda": 600_000_000}  # bytes that a trainer holds before its first image: libraries, or the GPU's context
MOMENTS = {"sgd": 1, "adam": 2, "adamw": 2}  # values that an optimiser keeps of each value it trains
SMALLEST_BATCH = 2
GAPS = {"cpu": 2, "cuda": 0}  # of a step's largest block: memory that is kept and fits nothing


@dataclass(frozen=True)
class Estimate:
    """Bytes that a training needs at its peak, on the device it runs on.

    `weights`: the network and the copy of its best epoch. `activations`: what lives at once in a step, gradients included.
    `data`: images and stored features. `fitting_batch`: the largest batch, up to the recipe's own, that fits; 0 where none does.
    """

    weights: int
    optimiser: int
    activations: int
    data: int
    process: int
    available: int
    fitting_batch: int

    @property
    def total(self) -> int:
        return self.weights + self.optimiser + self.activations + self.data + self.process

    @property
    def text(self) -> str:
        """ "3.1 of 23.0 GB"."""
        return f"{self.total / 1e9:.1f} of {self.available / 1e9:.1f} GB"

    @property
    def warning(self) -> str:
        """What to lower where it does not fit, else empty."""
        if self.total <= self.available:
            return ""
        way_out = "A smaller image size or network is needed."
        if self.fitting_batch:
            way_out = f"A batch size of {self.fitting_batch} would fit; so may a smaller image size."
        return f"This training needs about {self.total / 1e9:.1f} GB of memory, and {self.available / 1e9:.1f} GB are free. {way_out}"


def estimate(recipe: Recipe, images: int, device: str | None = None) -> Estimate:
    """What training `recipe` on `images` in all will need on `device`; nothing is allocated for it, and no random number drawn.

    Raises:
        InvalidSpec: there is no such device here.
    """
    how = execution.choose(recipe, device)
    with torch.device("meta"):
        model = creation.untrained(recipe)
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    weights = sum(value.nbytes for value in model.state_dict().values())
    if how.bf16:
        model = model.to(torch.bfloat16)
    # Under autocast the weights stay float32, so that their gradients are twice as large as measured, and a bf16 copy of them is held.
    besides = 4 * trained if how.bf16 else 0
    features = _feature_bytes(model, recipe)
    gaps = GAPS[how.device.type]
    needed = {
        "weights": 2 * weights,
        "optimiser": 4 * trained * MOMENTS[recipe.optimiser.name],
        "activations": _peak(model, recipe, recipe.batch_size, gaps) + besides,
        "data": images * (recipe.image.size**2 + features * max(1, recipe.feature_views)),
        "process": PROCESS[how.device.type],
    }
    free = available(how.device)
    fitting = recipe.batch_size
    if sum(needed.values()) > free:
        fitting = _fitting(model, recipe, needed["activations"] - besides, sum(needed.values()) - free, gaps)
    return Estimate(**needed, available=free, fitting_batch=fitting)


def available(device: torch.device) -> int:
    """Bytes that a new training could take on `device` now: on a GPU there, else in the machine's memory."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available


def _fitting(model: Classifier, recipe: Recipe, peak: int, missing: int, gaps: int) -> int:
    """The batch at which a step takes `missing` bytes less than the recipe's `peak`, on the line between it and the smallest; 0: none."""
    least = _peak(model, recipe, SMALLEST_BATCH, gaps)
    an_image = (peak - least) / max(1, recipe.batch_size - SMALLEST_BATCH)
    batch = int(SMALLEST_BATCH + (peak - missing - least) / an_image) if an_image > 0 else 0
    return batch if SMALLEST_BATCH <= batch < recipe.batch_size else 0


def _peak(model: Classifier, recipe: Recipe, batch: int, gaps: int) -> int:
    """Bytes that live at once, besides the weights, in a training step of `batch` images, and `gaps` times its largest block."""
    with _Living() as living:
        x = torch.zeros(batch, 1, recipe.image.size, recipe.image.size, device="meta", dtype=model.mean.dtype)
        trained: nn.Module = model.train()
        if recipe.feature_views:
            x, _ = model.eval().features(x)
            trained = model.head_alone().train()
        logits = trained(x).float()
        F.cross_entropy(logits, torch.zeros(batch, dtype=torch.int64, device="meta")).backward()
    model.zero_grad(set_to_none=True)
    return living.peak + gaps * living.largest


def _feature_bytes(model: Classifier, recipe: Recipe) -> int:
    """Of one image's stored features; 0 where none are stored."""
    if not recipe.feature_views:
        return 0
    x = torch.zeros(1, 1, recipe.image.size, recipe.image.size, device="meta", dtype=model.mean.dtype)
    return model.eval().features(x)[0].nbytes


class _Living(TorchDispatchMode):
    """Counts the bytes of all storages that operations inside the block bring forth, until each is freed, and those of the `largest`."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = self.largest = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {leaf.untyped_storage()._cdata for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)}
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._note(leaf.untyped_storage(), given)
        return out

    def _note(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known or key in given:  # a view, or a change in place
            return
        self._known.add(key)
        self.now += size
        self.peak, self.largest = max(self.peak, self.now), max(self.largest, size)
        weakref.finalize(storage, self._freed, key, size)

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size
