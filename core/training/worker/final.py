"""What follows on training: validation and test predicted with the weights kept, the result, and what uploads are compared with."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from torch import nn

from core import wording
from core.data import splits
from core.errors import UnusableRun
from core.evaluation import familiarity
from core.evaluation.metrics import evaluate_predictions
from core.models import features, registry
from core.models.classifier import Classifier
from core.recipes.recipe import Recipe
from core.runs.store import PROBABILITY, Run
from core.training import execution, loop
from core.training.feeds import Feeds
from core.training.worker import costs
from core.training.worker.diary import Diary

REFERENCE_SHARE = 0.1  # images read for the reference, of all those that training read: it takes about a thirtieth of its time
REFERENCE_LEAST = 200  # images, where training was so short


@dataclass(frozen=True)
class Final:
    """`model` has the weights kept."""

    run: Run
    recipe: Recipe
    diary: Diary
    how: execution.Execution
    data: Feeds
    model: Classifier

    def test(self) -> dict[str, float | int]:
        """Store the predictions; the figures of the test part, each with its bounds.

        Raises:
            Stopped: the run was asked to stop.
        """
        self.diary.note(phase="testing")
        exact = replace(self.how, bf16=False)  # as inference does it later, so that both find the same
        begun = time.perf_counter()
        with execution.prepared(exact), features.recorded(self._feature_layer()) as seen:
            validation = self._predictions("validation", exact)
            of_validation = np.concatenate(self.how.group.dealt(seen))
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
            images = self.diary.seen("comparing with training images", train)
            of_train = np.concatenate([features.features(self.model, layer, x) for x in images])
        names = self.data.table.iloc[train.rows]
        try:
            reference = familiarity.fit(
                names["sample_id"].tolist(), names["label"].tolist(), of_train, train.images[train.rows],
                of_validation[judged], validation.images[validation.rows[judged]],
            )  # fmt: skip
        except UnusableRun as error:
            logging.info("Uploads cannot be compared with the training images: %s", error)
            return
        if self.how.group.first:
            reference.save(self.run.reference)

    def _feature_layer(self) -> nn.Module:
        return self.model.layer(registry.get(self.recipe.model).cam_layer)

    def _note_costs(self, milliseconds_an_image: float) -> None:
        found = costs.of_network(self.recipe) | {
            "milliseconds_an_image": milliseconds_an_image,
            "peak_memory": costs.peak_memory(self.how.device),
        }
        if self.diary.status.images_per_second is not None:  # unknown where training was over within a second
            found["images_per_second"] = self.diary.status.images_per_second
        self.diary.note(costs=found)

    def _predictions(self, part: splits.Part, how: execution.Execution) -> pd.DataFrame:
        rows = self.data.table.iloc[self.data.parts[part].rows][["sample_id", "label", "patient_id", "split"]].reset_index(drop=True)
        values = loop.probabilities(self.model, self.data.parts[part], how, partial(self.diary.working, "testing"))
        return rows.assign(**{PROBABILITY + name: values[:, index] for index, name in enumerate(self.recipe.data.classes)})
