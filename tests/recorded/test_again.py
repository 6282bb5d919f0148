"""Runs made anew beside their records."""

import shutil

import numpy as np
import pytest

from core.benchmark import again
from core.jobs import requests
from core.runs import index, store
from core.training import worker


@pytest.fixture
def trained_again(made, monkeypatch, tmp_path):
    """The recipe of one record, trained a second time where the record's own run is known too."""
    shutil.copytree(made.artifacts, tmp_path / "copy")
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(tmp_path / "copy"))
    monkeypatch.setenv("CXRLAB_RECORDED", str(made.records))
    record = next(row for row in index.rows() if row.recorded)
    run = requests.start(store.at(record.run_id).recipe(), supervised=False)
    worker.run(run)
    return record, run


@pytest.mark.usefixtures("records")
def test_without_a_run_made_anew_there_is_nothing_to_compare():
    assert again.repeats(index.rows()) == []


def test_the_same_recipe_seed_and_fold_come_out_alike(trained_again):
    record, run = trained_again
    (found,) = again.repeats(index.rows())
    assert (found.record, found.run_id) == (record.run_id, run.id)
    assert found.images == record.test_images
    assert found.again == run.status().result["accuracy"]
    assert found.verdict in {"bit for bit", "within the interval"}


def test_other_answers_are_counted_and_leave_the_interval(trained_again):
    _, run = trained_again
    table = run.predictions()
    names = [name for name in table.columns if name.startswith("probability_")]
    table[names] = np.roll(np.eye(len(names))[table["label"].map({name[12:]: i for i, name in enumerate(names)})], 1, axis=1)
    table.to_parquet(run.folder / "predictions.parquet")
    (found,) = again.repeats(index.rows())
    assert (found.again, found.verdict) == (0.0, "outside the interval")
    assert found.changed <= found.images
    assert found.largest > 0.5
    assert found.row()["Verdict"] == "outside the interval"


@pytest.mark.usefixtures("records")
def test_the_run_that_a_record_was_made_of_is_no_repeat(made, monkeypatch):
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(made.artifacts))
    assert any(not row.recorded for row in index.rows())
    assert again.repeats(index.rows()) == []
