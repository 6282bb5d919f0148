"""One training, opened: data, model and plan built from the recipe and placed on the device; what the loop tells is written down."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from core import wording
from core.data import batches, library, splits
from core.data.manifest import Manifest
from core.errors import UnusableData, UnusableRun
from core.evaluation import familiarity
from core.evaluation.metrics import evaluate_predictions
from core.models import classifier, features, registry, weights
from core.recipes import creation, fitting
from core.recipes.recipe import Recipe
from core.recipes.specs import OptimiserSpec, WeightsSpec
from core.runs import store
from core.runs.store import PROBABILITY, Run
from core.training import checkpoint, execution, feeds, frozen, loop, schedules
from core.training.events import BatchSplit, EpochDone, StepDone
from core.training.worker import cores, costs, environment
from core.training.worker.diary import Diary
from core.training.worker.losses import Losses, finite

REFERENCE_SHARE = 0.1  # images read for the reference, of all those that training read: it takes about a thirtieth of its time
REFERENCE_LEAST = 200  # images, where training was so short


class Session:
    """A run's training, from its first step or its last checkpoint to its stored predictions."""

    def __init__(self, run: Run, recipe: Recipe, diary: Diary, how: execution.Execution) -> None:
        self.run, self.recipe, self.diary, self.how = run, recipe, diary, how
        self.losses = Losses(run)

    @classmethod
    def open(cls, run: Run, device: str | None, diary: Diary) -> Session:
        recipe = run.recipe()
        how = execution.choose(recipe, device)
        session = cls(run, recipe, diary, how)
        diary.note(device=how.device_name, phase="opening the data", epochs=recipe.epochs)
        run.write_environment(environment.describe(how))
        session._open_data()
        session._build()
        state = run.checkpoint()
        if state is None:
            session._begin()
        else:
            session._go_on(state)
        return session

    def train(self) -> None:
        """Follow the loop's events; write what they say."""
        told = partial(self.diary.working, "computing features")
        feeding = frozen.fed(self.progress, self.data, self.recipe, self.how, told)
        with execution.prepared(self.how), feeding as (train, validation), cores.followed(self.how) as give_way:
            for event in loop.fit(self.progress, train, validation, self.plan, self.how):
                if isinstance(event, StepDone):
                    self.losses.add(event)
                    give_way()
                    self.diary.stepped(event, self.recipe.epochs)
                elif isinstance(event, EpochDone):
                    self._write_epoch(event)
                else:
                    self._note_split(event)

    def test(self) -> dict[str, float | int] | None:
        """Predict validation and test with the weights kept, store the predictions, evaluate the test part; None without weights."""
        if not self.progress.best_weights:
            return None
        self.diary.note(phase="testing")
        self.progress.model.load_state_dict(self.progress.best_weights)
        exact = replace(self.how, bf16=False)  # as inference does it later, so that both find the same
        begun = time.perf_counter()
        with execution.prepared(exact), features.recorded(self._feature_layer()) as seen:
            validation = self._predictions("validation", exact)
            of_validation = np.concatenate(seen)
            table = pd.concat([validation, self._predictions("test", exact)], ignore_index=True)
        self._note_costs(1000 * (time.perf_counter() - begun) / len(table))
        self._write_reference(of_validation)
        self.run.write_predictions(table)
        evaluation = evaluate_predictions(table, self.recipe.data.classes, "test")
        result: dict[str, float | int] = {"images": evaluation.images}
        for name, estimate in evaluation.metrics.items():
            result |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        logging.info("Test part: accuracy %s, loss %.4f", wording.percent(result["accuracy"]), result["loss"])
        return {name: value for name, value in result.items() if np.isfinite(value)}  # what is undefined is left out

    def _write_reference(self, of_validation: np.ndarray) -> None:
        """Keep what uploads are compared with; a run on few images has none, and says so in its log.

        Training images are read as fast as they were trained on: what bf16 rounds is far smaller than what tells two X-rays apart.
        """
        train, validation = (self.data.parts[part] for part in ("train", "validation"))
        most = min(familiarity.IMAGES, max(REFERENCE_LEAST, int(REFERENCE_SHARE * self.recipe.epochs * len(train))))
        train = replace(train, rows=familiarity.chosen(train.rows, most))
        judged = np.isin(validation.rows, familiarity.chosen(validation.rows))
        layer = self._feature_layer()
        with execution.prepared(self.how), self.how.autocast():
            of_train = np.concatenate([features.features(self.progress.model, layer, x) for x, _ in train.in_order()])
        names = self.data.table.iloc[train.rows]
        try:
            reference = familiarity.fit(
                names["sample_id"].tolist(), names["label"].tolist(), of_train, train.images[train.rows],
                of_validation[judged], validation.images[validation.rows[judged]],
            )  # fmt: skip
        except UnusableRun as error:
            logging.info("Uploads cannot be compared with the training images: %s", error)
            return
        reference.save(self.run.reference)

    def _feature_layer(self) -> nn.Module:
        return self.progress.model.layer(registry.get(self.recipe.model).cam_layer)

    def _note_costs(self, milliseconds_an_image: float) -> None:
        found = costs.of_network(self.recipe) | {
            "milliseconds_an_image": milliseconds_an_image,
            "peak_memory": costs.peak_memory(self.how.device),
        }
        if self.diary.status.images_per_second is not None:  # unknown where training was over within a second
            found["images_per_second"] = self.diary.status.images_per_second
        self.diary.note(costs=found)

    def _open_data(self) -> None:
        recipe, diary = self.recipe, self.diary
        manifest = library.open_dataset(recipe.data.name, partial(diary.working, "drawing images"))
        _refuse_other_data(fitting.taken(recipe, manifest), recipe)
        before = self.run.split()["split"].to_numpy(dtype=str) if self.run.has_split() else None
        self.data = feeds.open_feeds(recipe, manifest, self.how.device, partial(diary.working, "decoding images"), before)
        self.run.write_split(self.data.table)
        logging.info("%s: %s, split %s", manifest.name, wording.count(len(self.data.table), "image"), self.data.split.kind)

    def _build(self) -> None:
        recipe, train = self.recipe, self.data.parts["train"]
        torch.manual_seed(recipe.seed)  # this process belongs to the run, so the global generator is its own
        model = creation.untrained(recipe)
        classifier.fit_normalisation(model, recipe.image.normalisation, (x.cpu() for x, _ in train.in_order()))
        model = self.how.place(model)
        self.progress = loop.Progress(model, _optimiser(recipe.optimiser, model, self.how))
        self.plan = loop.Plan(
            epochs=recipe.epochs,
            rates=schedules.rates(recipe.schedule, recipe.optimiser.lr, recipe.epochs, train.steps()),
            augmentation=self.data.augmentation,
            seed=recipe.seed,
            keep=recipe.keep,
            label_smoothing=recipe.loss.label_smoothing,
            class_weights=_class_weights(recipe, train, self.how.device),
        )

    def _begin(self) -> None:
        self.run.drop_metrics_after(0)
        first, model = self.recipe.weights, self.recipe.model
        if first.source == "random":
            return
        self.diary.note(phase="loading the first weights", message="Loading the first weights.")
        if first.source == "run":
            state = store.find(first.place).weights()
            report = weights.load_state(self.progress.model, state, f"weights of run {first.place}", model=model)
        else:
            report = weights.load(self.progress.model, first.source, first.place, model=model)
        _refuse_other_weights(report, first)
        self.run.write_environment(self.run.environment() | {"weights": asdict(report)})
        logging.info("%s", report)

    def _go_on(self, state: dict[str, Any]) -> None:
        kept = self.run.weights() if self.run.has_model() else {}
        checkpoint.unpack(self.progress, state, kept, self.run.weights_epoch())
        if self.run.weights_epoch() != self.progress.best_epoch:  # interrupted between the two files
            self.run.write_weights(self.progress.best_weights, self.progress.best_epoch)
        self.run.drop_metrics_after(self.progress.epoch)
        logging.info("Going on after epoch %d", self.progress.epoch)

    def _note_split(self, event: BatchSplit) -> None:
        sentence = (
            f"A batch of {self.recipe.batch_size} does not fit into the device's memory: it goes through the network in "
            f"{event.pieces} pieces whose gradients are added up. Batch normalisation then sees the pieces, not the whole batch."
        )
        logging.warning("%s", sentence)
        self.run.write_environment(self.run.environment() | {"batch_pieces": event.pieces, "batch_split": sentence})

    def _write_epoch(self, event: EpochDone) -> None:
        row = {"kind": "epoch", "epoch": event.epoch, "lr": event.lr, "best": event.best}
        for part, result in (("train", event.train), ("validation", event.validation)):
            row |= {f"{part}_loss": finite(result.loss), f"{part}_accuracy": result.accuracy}
        self.losses.write_all()
        self.run.append_metrics(row)
        self.run.write_checkpoint(checkpoint.pack(self.progress))
        if event.best:
            self.run.write_weights(self.progress.best_weights, event.epoch)
        logging.info(
            "Epoch %d of %d: training loss %.4f, validation loss %.4f, validation accuracy %s%s",
            event.epoch, self.recipe.epochs, event.train.loss, event.validation.loss,
            wording.percent(event.validation.accuracy), ", best so far" if event.best else "",
        )  # fmt: skip
        self.diary.note(epoch=event.epoch, step=self.data.parts["train"].steps(), best_epoch=self.progress.best_epoch)

    def _predictions(self, part: splits.Part, how: execution.Execution) -> pd.DataFrame:
        rows = self.data.table.iloc[self.data.parts[part].rows][["sample_id", "label", "patient_id", "split"]].reset_index(drop=True)
        values = loop.probabilities(self.progress.model, self.data.parts[part], how)
        return rows.assign(**{PROBABILITY + name: values[:, index] for index, name in enumerate(self.recipe.data.classes)})


def _optimiser(spec: OptimiserSpec, model: nn.Module, how: execution.Execution) -> torch.optim.Optimizer:
    trained = [value for value in model.parameters() if value.requires_grad]
    settings: dict[str, Any] = {"lr": spec.lr, "weight_decay": spec.weight_decay, "fused": not how.deterministic}
    if spec.name == "sgd":
        return torch.optim.SGD(trained, momentum=spec.momentum, **settings)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[spec.name]
    return kind(trained, **settings)


def _class_weights(recipe: Recipe, train: batches.Feed, device: torch.device) -> torch.Tensor | None:
    """None, as the recipe names them, or inverse frequencies with mean 1 over the training images. float32 [classes]"""
    chosen = recipe.loss.class_weights
    if chosen == "none":
        return None
    if chosen == "balanced":
        counts = np.bincount(train.labels[train.rows], minlength=len(recipe.data.classes))
        return torch.from_numpy(len(train) / (len(counts) * counts)).float().to(device)
    return torch.tensor([chosen[name] for name in recipe.data.classes], dtype=torch.float32, device=device)


def _refuse_other_data(manifest: Manifest, recipe: Recipe) -> None:
    if manifest.sha256 != recipe.data.sha256:
        raise UnusableData(
            "A run is trained on the data that its recipe names.",
            f"{manifest.name}, which has changed since the recipe was made",
            "Start a new run on the data as it is now.",
        )


def _refuse_other_weights(report: weights.Report, first: WeightsSpec) -> None:
    if first.sha256 and report.sha256 != first.sha256:
        raise UnusableData(
            "A run starts from the weights that its recipe names.",
            f"{report.described} with sha256 {report.sha256[:12]}…, not {first.sha256[:12]}…",
            "Put the right file back, or remove weights.sha256 from the recipe.",
        )
