"""One training, opened: data, model and plan built from the recipe and placed on the device; what the loop tells is written down."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from core import wording
from core.data import batches, library
from core.data.manifest import Manifest
from core.errors import UnusableData
from core.models import classifier, weights
from core.recipes import creation, fitting
from core.recipes.recipe import Recipe
from core.recipes.specs import OptimiserSpec, WeightsSpec
from core.runs import continuation, store
from core.runs.store import Run
from core.training import checkpoint, distributed, execution, feeds, frozen, loop, schedules
from core.training.events import BatchSplit, BatchValidated, EpochDone, Event, StepDone
from core.training.worker import cores, environment, final, recovery
from core.training.worker.diary import Diary, Stopped
from core.training.worker.losses import Losses, finite

CHECKPOINT_EVERY = 600.0  # seconds of an epoch, besides its end


class Session:
    """A run's training, from its first step or its last checkpoint to its stored predictions."""

    def __init__(self, run: Run, recipe: Recipe, diary: Diary, how: execution.Execution) -> None:
        self.run, self.recipe, self.diary, self.how = run, recipe, diary, how
        self.losses = Losses(run)
        self._stored = time.monotonic()  # when the last checkpoint was

    @classmethod
    def open(cls, run: Run, device: str | None, diary: Diary, group: distributed.Group = distributed.ALONE) -> Session:
        recipe = run.recipe()
        how = execution.choose(recipe, distributed.device_of(group.size, device), group)
        session = cls(run, recipe, diary, how)
        diary.note(device=how.device_name, phase="opening the data", epochs=recipe.epochs)
        run.write_environment(run.environment() | environment.describe(how))
        session._open_data()
        session._build()
        session._take_up()
        return session

    def train(self) -> None:
        """Follow the loop's events; write what they say.

        Raises:
            Stopped: the run was asked to stop; all that going on needs is stored.
        """
        told = partial(self.diary.working, "computing features")
        feeding = frozen.fed(self.progress, self.data, self.recipe, self.how, told)
        with execution.prepared(self.how), feeding as (train, validation), cores.followed(self.how) as give_way:
            try:
                for event in loop.fit(self.progress, train, validation, self.plan, self.how):
                    give_way()
                    self._write_down(event)
            except Stopped:
                self._store()
                self._note_position()
                raise

    def test(self) -> dict[str, float | int] | None:
        """Predict validation and test with the weights kept, store the predictions, evaluate the test part; None without weights.

        Raises:
            Stopped: the run was asked to stop.
        """
        if not self.progress.best_weights:
            return None
        self.progress.model.load_state_dict(self.progress.best_weights)
        return final.Final(self.run, self.recipe, self.diary, self.how, self.data, self.progress.model).test()

    def _open_data(self) -> None:
        recipe, diary = self.recipe, self.diary
        manifest = library.open_dataset(recipe.data.name, partial(diary.working, "drawing images"))
        _refuse_other_data(fitting.taken(recipe, manifest), recipe)
        known = continuation.source(recipe) if recipe.continues and not self.run.has_split() else self.run
        before = known.split()["split"].to_numpy(dtype=str) if known.has_split() else None
        self.data = feeds.open_feeds(recipe, manifest, self.how.device, partial(diary.working, "decoding images"), before)
        self.run.write_split(self.data.table)
        logging.info("%s: %s, split %s", manifest.name, wording.count(len(self.data.table), "image"), self.data.split.kind)

    def _build(self) -> None:
        recipe, train = self.recipe, self.data.parts["train"]
        torch.manual_seed(recipe.seed)  # this process belongs to the run, so the global generator is its own
        model = creation.untrained(recipe)
        classifier.fit_normalisation(model, recipe.image.normalisation, (x.cpu() for x in self.diary.seen("measuring greys", train)))
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

    def _take_up(self) -> None:
        """Go on from where the run stands, or begin."""
        found = recovery.find(self.run)
        if found.said:
            environment = self.run.environment()
            self.run.write_environment(environment | {"recovered": [*environment.get("recovered", ()), *found.said]})
        if found.state is None and self.recipe.continues:
            continuation.take_over(self.run, self.recipe)
            found = recovery.find(self.run)
        if found.state is None:
            self._begin()
        else:
            self._go_on(found)
        self._note_position()

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

    def _go_on(self, found: recovery.Found) -> None:
        progress = self.progress
        checkpoint.unpack(progress, found.state, found.kept)
        if found.model_missing:
            self.run.write_weights(progress.best_weights, progress.best_epoch)
        self.run.drop_metrics_after(progress.epoch, progress.step)
        logging.info("Going on after epoch %d and %d steps of the next", progress.epoch, progress.step)

    def _note_position(self) -> None:
        """In the status, whose epoch is the one under way once it has a step."""
        progress, steps = self.progress, self.data.parts["train"].steps()
        epoch, step = (progress.epoch + 1, progress.step) if progress.step else (progress.epoch, steps if progress.epoch else 0)
        self.diary.note(epoch=epoch, step=step, steps=steps, best_epoch=progress.best_epoch)

    def _write_down(self, event: Event) -> None:
        if isinstance(event, StepDone):
            self.losses.add(event)
            if time.monotonic() - self._stored > CHECKPOINT_EVERY:
                self._store()
            self.diary.stepped(event, self.recipe.epochs)
        elif isinstance(event, BatchValidated):
            self.diary.validated(event)
        elif isinstance(event, EpochDone):
            self._write_epoch(event)
        else:
            self._note_split(event)

    def _store(self) -> None:
        """All that going on from here needs."""
        self.losses.write_all()
        self.run.write_checkpoint(checkpoint.pack(self.progress), self.progress.epoch, self.progress.step)
        self._stored = time.monotonic()

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
        self._store()
        if event.best:
            self.run.write_weights(self.progress.best_weights, event.epoch)
        logging.info(
            "Epoch %d of %d: training loss %.4f, validation loss %.4f, validation accuracy %s%s",
            event.epoch, self.recipe.epochs, event.train.loss, event.validation.loss,
            wording.percent(event.validation.accuracy), ", best so far" if event.best else "",
        )  # fmt: skip
        self._note_position()


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
