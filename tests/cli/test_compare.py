"""Runs compared on the command line: one JSON document, or text for people."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from core.cli.compare import compare
from core.errors import InvalidSpec, UnusableRun
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store
from core.runs.store import Run


def made_run(right: int, *, images: int = 40, **changes: object) -> Run:
    """A run that answers its first `right` test images rightly."""
    run = store.create(compose(DataSpec(name="set", sha256="0" * 64, classes=("a", "b")), "alasfoor-cnn22", **changes))
    labels = np.arange(images) % 2
    shares = 0.1 + 0.8 * np.eye(2)[np.where(np.arange(images) < right, labels, 1 - labels)]
    table = pd.DataFrame(
        {"sample_id": [f"{i}.png" for i in range(images)], "label": np.array(["a", "b"])[labels], "patient_id": "", "split": "test"}
    )
    run.write_split(table.assign(sha256=table["sample_id"]))
    run.write_predictions(table.assign(probability_a=shares[:, 0], probability_b=shares[:, 1]))
    return run


def called(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, [*arguments])


def test_runs_their_differences_and_their_pairs_are_one_document() -> None:
    good, bad = made_run(40, epochs=3), made_run(20, epochs=4)
    found = json.loads(called(good.id, bad.id, "--json").stdout)
    assert [row["run_id"] for row in found["runs"]] == [good.id, bad.id]
    row = found["runs"][1]
    assert (row["model"], row["data"], row["images"]) == ("alasfoor-cnn22", "set", 40)
    assert row["metrics"]["accuracy"]["low"] < row["metrics"]["accuracy"]["value"] == 0.5 < row["metrics"]["accuracy"]["high"]
    assert found["differences"] == [{"field": "epochs", "values": {good.id: 3, bad.id: 4}}]
    (pair,) = found["pairs"]
    assert (pair["a"], pair["b"], pair["better"], pair["only_a_right"], pair["only_b_right"]) == (good.id, bad.id, good.id, 20, 0)
    assert pair["sentence"].startswith(f"{good.id} is better than {bad.id}")


def test_text_is_for_people() -> None:
    one, other = made_run(30), made_run(30, images=41)
    text = called(one.id, other.id).stdout
    assert "75.0 % (" in text
    assert "The recipes are the same." in text
    assert "Runs on different test images cannot be paired: 40 images are shared of 40 and 41." in text
    assert "field" in called(one.id, made_run(30, epochs=3).id).stdout


@pytest.mark.parametrize(("count", "error"), [(1, InvalidSpec), (2, InvalidSpec)])
def test_one_run_alone_or_twice_is_refused(count: int, error: type[Exception]) -> None:
    result = called(*[made_run(20).id] * count)
    assert isinstance(result.exception, error)
    assert result.stdout == ""


def test_a_run_without_predictions_is_named() -> None:
    done, queued = made_run(20), store.create(made_run(20).recipe())
    error = called(done.id, queued.id).exception
    assert isinstance(error, UnusableRun)
    assert queued.id in str(error)
