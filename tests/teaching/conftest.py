"""A run that ended, without training one."""

from __future__ import annotations

import pandas as pd
import pytest

from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store
from core.runs.store import PROBABILITY

CLASSES = ("a", "b")
EPOCHS, STEPS, SECONDS, TESTED = 4, 5, 40.0, 60


@pytest.fixture
def recorded() -> store.Run:
    """Four epochs of five steps in forty seconds; of 60 test images it gets every fourth wrong."""
    run = store.create(compose(DataSpec(name="set", sha256="0" * 64, classes=CLASSES), "alasfoor-cnn22", epochs=EPOCHS))
    for epoch in range(1, EPOCHS + 1):
        for step in range(1, STEPS + 1):
            run.append_metrics({"kind": "step", "epoch": epoch, "step": step, "steps": STEPS, "loss": 1 / epoch, "lr": 0.1})
        values = {f"{part}_{name}": 0.5 for part in ("train", "validation") for name in ("loss", "accuracy")}
        run.append_metrics({"kind": "epoch", "epoch": epoch, "lr": 0.1, "best": epoch == 3, **values})
    labels = [CLASSES[number % 2] for number in range(TESTED)]
    sure = [0.9 if number % 4 else 0.1 for number in range(TESTED)]  # in the true class
    samples = [f"{number}.png" for number in range(TESTED)]
    shares = {PROBABILITY + name: [p if label == name else 1 - p for label, p in zip(labels, sure, strict=True)] for name in CLASSES}
    table = pd.DataFrame({"sample_id": samples, "label": labels, "patient_id": "", "split": "test", **shares})
    run.write_predictions(table)
    run.write_split(pd.DataFrame({"sample_id": samples, "sha256": samples, "patient_id": "", "split": "test"}))
    begun = run.status().created
    ended = run.status().changed(state="running", started=begun, epoch=EPOCHS, step=STEPS, steps=STEPS, images_per_second=50.0)
    ended = ended.changed(state="done", finished=begun + SECONDS)
    history = tuple(moment.model_copy(update={"at": begun + (SECONDS if moment.state == "done" else 0)}) for moment in ended.history)
    run.write_status(ended.model_copy(update={"history": history, "result": {"images": TESTED, "accuracy": 0.75}}))
    return run
