"""A trained run and an image → probabilities and a heat map; or a run and rows of a data set → predictions.

Preprocessing is read from the run's recipe, and the normalisation is part of the stored model: nothing is guessed.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from core import accelerated, access, background, wording
from core.data import batches, cache, phantom, plausibility
from core.data.images import XRay
from core.data.manifest import Manifest
from core.data.preparation import prepare
from core.data.threads import Progress
from core.data.uploads import Upload
from core.errors import Problem, UnknownName, UnusableData
from core.evaluation import calibration, operating
from core.evaluation.familiarity import Neighbour, Reference
from core.evaluation.metrics import answers_of
from core.explain import cam
from core.models import registry
from core.models.features import recorded
from core.recipes import creation
from core.runs.store import PROBABILITY, Run

AHEAD = 2  # batches that are read while the network works on one
MARGIN = 2 * accelerated.PROBABILITIES  # nearer than this to another label, or to a threshold, torch has the last word
NEAR = 0.01  # the same for the guard's score, whose limit is 1
TRIED = 8  # phantoms on which ONNX Runtime is compared with torch


@dataclass(frozen=True)
class Answer:
    """What a model says about one image, and what must be known before it is believed.

    `prepared` is the image as the network saw it, uint8 [S, S]. `doubts`: reasons to take the picture for no chest X-ray like those
    that the network knows; with any, the answer is to be withheld until a person asks for it all the same.
    """

    label: str
    probabilities: dict[str, float]
    prepared: np.ndarray
    warnings: tuple[str, ...]
    calibrated: dict[str, float] | None = None  # by the temperature fitted on the run's validation part; None without one
    doubts: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()  # training images, the nearest first


@dataclass(frozen=True)
class Calibrated:
    """What a run's validation part says of its probabilities: one temperature, and a threshold a class (Youden)."""

    temperature: float
    thresholds: dict[str, float]


class Predictor:
    """A run's kept model, ready to answer, on the CPU: a training on a GPU keeps its memory to itself. May be shared between threads:
    they take turns by a lock.
    """

    def __init__(self, run: Run, weights: dict[str, torch.Tensor] | None = None) -> None:
        """Load the model with the weights that the run kept, or those given.

        Raises:
            UnusableRun: the run kept no model.
            NotAllowed: whoever acts may not ask networks.
        """
        access.require("predict")
        self.run_id, self.recipe, self._run = run.id, run.recipe(), run
        self._fast: accelerated.Session | None = None
        self._acceleration = "" if weights is None else "not for other weights than those kept"  # the name of its work
        self.classes = self.recipe.data.classes
        self.lock = background.FairLock()
        weights = run.weights() if weights is None else weights
        with torch.random.fork_rng(devices=[]):  # random initial weights are overwritten; the caller's generator stays as it is
            self.model = creation.untrained(self.recipe).eval().requires_grad_(False)
        self.model.load_state_dict(weights)

    @cached_property
    def architecture(self) -> registry.Architecture:
        return registry.get(self.recipe.model)

    @cached_property
    def calibration(self) -> Calibrated | None:
        """None where the run stored no predictions of its validation part."""
        if not self._run.has_predictions():
            return None
        try:
            labels, shares, _ = answers_of(self._run.predictions(), self.classes, "validation")
        except UnusableData:
            return None
        return Calibrated(calibration.fit_temperature(labels, shares), operating.thresholds(labels, shares, self.classes))

    @cached_property
    def reference(self) -> Reference | None:
        """What uploads are compared with; None where the trainer could not make one (too few images)."""
        return Reference.load(self._run.reference) if self._run.reference.is_file() else None

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Layers that heat maps can be read from, in running order."""
        return cam.layers(self.model, self.recipe.image.size, self.architecture.cam_layer, self.lock)

    def answer(self, xray: XRay) -> Answer:
        """Classify one image."""
        return self.answer_batch([xray])[0]

    def answer_batch(self, xrays: Sequence[XRay]) -> list[Answer]:
        """Classify several images in one pass; what is said of one does not depend on the others."""
        prepared = [prepare(xray.pixels, self.recipe.image.preparation) for xray in xrays]
        shares, features = self._passed(batches.to_unit(torch.from_numpy(np.stack(prepared))).numpy())
        return [self._answer(*one) for one in zip(xrays, prepared, shares, features, strict=True)]

    def accelerate(self) -> None:
        """Answer by ONNX Runtime from some time on, if that is equal to torch and faster here: tried once, in the background.

        Without its packages, and with other weights than the run's own, all stays with torch. See `core.accelerated`.
        """
        if self._acceleration or not accelerated.available():
            return
        self._acceleration = background.key_of("acceleration", self.run_id, uuid.uuid4().hex)
        folder = accelerated.cache_dir()  # of now: a later change of the setting is not for this run
        background.pool("acceleration").start(self._acceleration, lambda _: self._try_acceleration(folder))

    def answers(self, uploads: Iterable[Upload]) -> Iterator[tuple[Upload, Answer | Problem]]:
        """An answer, or why there is none, for every upload in its order; images are read beside the network, a few at a time."""
        waiting: deque[tuple[list[Upload], Iterator[XRay | Problem]]] = deque()
        with ThreadPoolExecutor(2) as pool:
            remaining = iter(uploads)
            while group := list(islice(remaining, self.recipe.batch_size)):
                waiting.append((group, pool.map(Upload.outcome, group)))
                if len(waiting) > AHEAD:
                    yield from self._answered(*waiting.popleft())
            while waiting:
                yield from self._answered(*waiting.popleft())

    def heat_map(self, prepared: np.ndarray, label: str, method: str = "gradcam", layer: str = "") -> cam.HeatMap:
        """Where the evidence for class `label` lies in `prepared`, an answer's image as the network saw it; `layer`: one of `layers`.

        Raises:
            UnknownName: no such class, method or layer.
            InvalidSpec: the method does not fit the network.
        """
        return self.heat_maps(prepared, [label], method, layer)[0]

    def heat_maps(self, prepared: np.ndarray, labels: Sequence[str], method: str = "gradcam", layer: str = "") -> list[cam.HeatMap]:
        """`heat_map` of several classes on one image, in one pass where the method allows it."""
        for label in labels:
            if label not in self.classes:
                raise UnknownName.among("class", label, self.classes)
        numbers = [self.classes.index(label) for label in labels]
        place = layer or self.architecture.cam_layer
        return cam.explain_many(self.model, place, self.input(prepared), numbers, self.lock, method, labels)

    def input(self, prepared: np.ndarray) -> torch.Tensor:
        """What the model takes for one prepared image. float32 [1, 1, S, S]"""
        return batches.to_unit(torch.from_numpy(prepared)[None])

    def _try_acceleration(self, folder: Path) -> None:
        how = self.recipe.image.preparation
        phantoms = [prepare(phantom.draw(phantom.CLASSES[n % len(phantom.CLASSES)], n).image, how) for n in range(TRIED)]
        self._fast = accelerated.session(self._run, folder, self._by_torch, phantoms)

    def _passed(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Prepared images, float32 [batch, 1, S, S] → probabilities, float64 [batch, classes], and features [batch, channels]."""
        if self._fast is None:
            logits, features = self._by_torch(x)
            return _softmax(logits), features
        logits, features = self._fast(x)
        shares = _softmax(logits)
        ordered = np.sort(shares, axis=1)
        close = ordered[:, -1] - ordered[:, -2] < MARGIN
        if self.calibration is not None:
            close |= (abs(shares - np.array([self.calibration.thresholds[name] for name in self.classes])) < MARGIN).any(axis=1)
        if close.any():
            shares[close] = _softmax(self._by_torch(x[close])[0])
        return shares, features

    def _by_torch(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits and features."""
        with self.lock, torch.inference_mode(), recorded(self.model.layer(self.architecture.cam_layer)) as found:
            return self.model(torch.from_numpy(x)).numpy(), found[0]

    def _answered(self, uploads: list[Upload], outcomes: Iterator[XRay | Problem]) -> Iterator[tuple[Upload, Answer | Problem]]:
        read = list(outcomes)
        xrays = [outcome for outcome in read if isinstance(outcome, XRay)]
        answers = iter(self.answer_batch(xrays) if xrays else [])
        for upload, outcome in zip(uploads, read, strict=True):
            yield upload, next(answers) if isinstance(outcome, XRay) else outcome

    def _answer(self, xray: XRay, prepared: np.ndarray, shares: np.ndarray, features: np.ndarray) -> Answer:
        colour = 0.0 if xray.colours is None else plausibility.colourfulness(xray.colours)
        doubts = [finding.sentence for finding in plausibility.findings(xray.pixels, colour)]
        neighbours: tuple[Neighbour, ...] = ()
        if self.reference is not None:
            familiarity = self.reference.judge(features, prepared)
            if self._fast is not None and abs(familiarity.score - familiarity.threshold) < NEAR:
                familiarity = self.reference.judge(self._by_torch(self.input(prepared).numpy())[1][0], prepared)
            doubts += [familiarity.sentence] if familiarity.flagged else []
            neighbours = tuple(self.reference.nearest(features))
        calibrated = None
        if self.calibration is not None:
            scaled = calibration.with_temperature(shares[None], self.calibration.temperature)[0]
            calibrated = dict(zip(self.classes, scaled.tolist(), strict=True))
        notes = (wording.SYNTHETIC_NOTE,) if self.recipe.data.synthetic else ()
        return Answer(
            label=self.classes[int(np.argmax(shares))],
            probabilities=dict(zip(self.classes, shares.tolist(), strict=True)),
            prepared=prepared,
            warnings=(*notes, *xray.warnings),
            calibrated=calibrated,
            doubts=tuple(doubts),
            neighbours=neighbours,
        )

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
        with self.lock, torch.inference_mode():
            return self.model(x).double().softmax(dim=1).numpy()


def _softmax(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits).double().softmax(dim=1).numpy()
