"""Runs as their folders hold them, without any training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.recipes import catalogue
from core.recipes.specs import DataSpec
from core.runs import store

CLASSES = ("COVID-19", "<script>alert(1)</script>", "Viral & other")
ENVIRONMENT = {
    "cxr_lab": "0.1.0", "git_commit": "0123456789abcdef", "python": "3.11.9", "packages": {"torch": "2.15.0", "numpy": "2.3.1"},
    "device": "cpu", "device_name": "two cores", "precision": "fp32", "deterministic": False,
    "weights": {"described": "/home/me/secret/first.pt", "loaded": 12, "sha256": "ab" * 32},
}  # fmt: skip
RESULT = {"accuracy": 0.75, "accuracy_low": 0.5, "accuracy_high": 0.9, "loss": 0.625, "images": 12}


@pytest.fixture
def make_run(artifacts: object) -> Callable[..., store.Run]:  # noqa: ARG001  runs go to a folder of the test's own
    """A run with two of three epochs, 60 images in three parts and, where `finished`, predictions; changes are fields of its recipe."""

    def make(*, finished: bool = True, patients: bool = True, synthetic: bool = False, recipe: str = "demo", **changes: Any) -> store.Run:
        data = DataSpec(name="my set", sha256="0" * 64, classes=CLASSES, synthetic=synthetic)
        run = store.create(catalogue.make(data, recipe, **{"epochs": 3, **changes}))
        status = run.status()
        if not finished:
            run.write_status(status.changed(state="failed", created=1e9, message="The file /home/me/x.png is damaged."))
            return run
        rng, labels = np.random.default_rng(0), np.arange(60) % 3
        names = np.array(CLASSES)[labels]
        table = pd.DataFrame({"sample_id": [f"{n}.png" for n in range(60)], "sha256": [f"{n:064}" for n in range(60)], "label": names})
        table = table.assign(patient_id=[f"p{n // 2}" if patients else "" for n in range(60)])
        table = table.assign(split=["test" if n % 5 == 0 else "validation" if n % 5 == 1 else "train" for n in range(60)])
        run.write_split(table)
        shares = rng.dirichlet(np.ones(3), size=60) * 0.65 + 0.35 * np.eye(3)[labels]
        columns = {f"probability_{name}": shares[:, index] for index, name in enumerate(CLASSES)}
        held_out = table.assign(**columns).drop(columns="sha256")
        run.write_predictions(held_out[held_out["split"] != "train"])
        run.write_environment(ENVIRONMENT)
        for epoch in (1, 2):
            for step in (2, 4):
                loss = None if (epoch, step) == (2, 4) else 1 / (epoch * step)
                run.append_metrics({"kind": "step", "epoch": epoch, "step": step, "steps": 4, "loss": loss, "lr": 0.01 / (epoch * step)})
            run.append_metrics(
                {
                    "kind": "epoch", "epoch": epoch, "lr": 0.01 / epoch, "best": epoch == 1, "train_loss": 0.9 / epoch,
                    "train_accuracy": 0.5, "validation_loss": None if epoch == 2 else 0.8, "validation_accuracy": 0.6,
                }
            )  # fmt: skip
        run.write_status(status.changed(state="done", created=1e9, finished=1e9 + 60, epoch=2, epochs=3, best_epoch=1, result=RESULT))
        return run

    return make
