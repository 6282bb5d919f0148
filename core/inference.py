"""A trained run and an image → probabilities and a heat map; or a run and rows of a data set → predictions.

Preprocessing is read from the run's recipe, and the normalisation is part of the stored model: nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
import pandas as pd
import torch

from core import wording
from core.data import batches, cache
from core.data.cache import Progress
from core.data.images import XRay
from core.data.manifest import Manifest
from core.data.preparation import prepare
from core.errors import UnknownName
from core.explain import cam
from core.models import registry
from core.recipes import creation
from core.runs.store import PROBABILITY, Run


@dataclass(frozen=True)
class Answer:
    """What a model says about one image. `prepared` is the image as the network saw it. uint8 [S, S]"""

    label: str
    probabilities: dict[str, float]
    prepared: np.ndarray
    warnings: tuple[str, ...]


class Predictor:
    """A run's kept model, ready to answer. May be shared between threads: they take turns by a lock."""

    def __init__(self, run: Run, weights: dict[str, torch.Tensor] | None = None) -> None:
        """Load the model on the CPU, with the weights that the run kept or those given.

        Raises:
            UnusableRun: the run kept no model.
        """
        self.run_id, self.recipe = run.id, run.recipe()
        self.classes = self.recipe.data.classes
        self._lock = Lock()
        weights = run.weights() if weights is None else weights
        with torch.random.fork_rng(devices=[]):  # random initial weights are overwritten; the caller's generator stays as it is
            self.model = creation.untrained(self.recipe).eval().requires_grad_(True)  # a heat map needs gradients everywhere
        self.model.load_state_dict(weights)

    @cached_property
    def architecture(self) -> registry.Architecture:
        return registry.get(self.recipe.model)

    def answer(self, xray: XRay) -> Answer:
        """Classify one image."""
        prepared = prepare(xray.pixels, self.recipe.image.preparation)
        shares = self._shares(self._input(prepared))[0].tolist()
        notes = (wording.SYNTHETIC_NOTE,) if self.recipe.data.synthetic else ()
        return Answer(
            label=self.classes[int(np.argmax(shares))],
            probabilities=dict(zip(self.classes, shares, strict=True)),
            prepared=prepared,
            warnings=(*notes, *xray.warnings),
        )

    def heat_map(self, prepared: np.ndarray, label: str, method: str = "gradcam") -> cam.HeatMap:
        """Where the evidence for class `label` lies in `prepared`, an answer's image as the network saw it.

        Raises:
            UnknownName: no such class or method.
        """
        if label not in self.classes:
            raise UnknownName.among("class", label, self.classes)
        layer = self.model.layer(self.architecture.cam_layer)
        return cam.explain(self.model, layer, self._input(prepared), self.classes.index(label), self._lock, method)

    def predict(self, manifest: Manifest, rows: np.ndarray, progress: Progress | None = None) -> pd.DataFrame:
        """Predictions for `rows` of `manifest`, in the form in which runs store them (split "external"); no heat maps."""
        pixels = cache.decoded(manifest, self.recipe.image.preparation, progress)
        table = manifest.table.iloc[rows].reset_index(drop=True).rename(columns={"path": "sample_id"})
        return self.described(table[["sample_id", "label", "patient_id"]].assign(split="external"), pixels, rows, progress)

    def described(self, table: pd.DataFrame, pixels: np.ndarray, rows: np.ndarray, progress: Progress | None = None) -> pd.DataFrame:
        """`table`, a row for each of `rows`, with the probabilities of the prepared images there. `pixels`: uint8 [all, S, S]"""
        feed = batches.Feed(pixels, np.zeros(len(pixels), dtype=np.int64), rows, self.recipe.batch_size, torch.device("cpu"))
        parts = []
        for x, _ in feed.in_order():
            parts.append(self._shares(x))
            if progress:
                progress(sum(map(len, parts)), len(rows))
        shares = np.concatenate(parts)
        return table.assign(**{PROBABILITY + name: shares[:, index] for index, name in enumerate(self.classes)})

    def _shares(self, x: torch.Tensor) -> np.ndarray:
        """Probabilities, float64 [batch, classes]. By the lock: a heat map made meanwhile would read this pass's activations."""
        with self._lock, torch.inference_mode():
            return self.model(x).double().softmax(dim=1).numpy()

    def _input(self, prepared: np.ndarray) -> torch.Tensor:
        return batches.to_unit(torch.from_numpy(prepared)[None])
