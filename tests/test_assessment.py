"""Predictions for any part and any data set: never of what the run has seen, by the weights asked for, and made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import assessment
from core.data import library
from core.data.manifest import Manifest
from core.errors import UnusableData, UnusableRun
from core.inference import Predictor
from core.recipes import fitting
from core.runs import store
from core.runs.store import PROBABILITY, Run
from core.training import worker

LIGHT = {"image.size": 24, "epochs": 3, "batch_size": 8, "optimiser.lr": 0.02}


@pytest.fixture
def folder(make_folder: Callable[..., Path]) -> Path:
    return make_folder({"covid": 15, "normal": 16}, name="own")


@pytest.fixture
def run(folder: Path) -> Run:
    """A run of a second's training whose best epoch is not its last."""
    made = store.create(fitting.fit(fitting.draft(model="alasfoor-cnn22", **LIGHT), library.open_dataset(str(folder)))[0])
    worker.run(made)
    made.write_weights({name: value.clone() for name, value in made.weights().items()}, epoch=1)
    return made


@pytest.fixture
def manifest(make_folder: Callable[..., Path]) -> Manifest:
    return library.open_dataset(str(make_folder({"covid": 5, "normal": 6}, name="set", seed=1)))


def remember(run: Run, manifest: Manifest, parts: list[str]) -> None:
    """Store a split of the run: `parts` of the first rows of `manifest`."""
    table = manifest.table.iloc[: len(parts)][["sha256", "patient_id"]]
    run.write_split(table.assign(sample_id=[f"elsewhere/{i}.png" for i in range(len(parts))], split=parts))


def test_the_stored_predictions_are_taken_as_they_are(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Predictor, "__init__", None)  # no network may be asked
    for part in ("validation", "test"):
        stored = run.predictions().query("split == @part")
        pd.testing.assert_frame_equal(assessment.of_part(run, part), stored.reset_index(drop=True))


def test_a_part_computed_anew_equals_what_the_trainer_stored(run: Run) -> None:
    stored = run.predictions().query("split == 'test'").reset_index(drop=True)
    (run.folder / "predictions.parquet").unlink()
    found = assessment.of_part(run, "test")
    assert found.drop(columns=[PROBABILITY + "covid", PROBABILITY + "normal"]).equals(
        stored.drop(columns=[PROBABILITY + "covid", PROBABILITY + "normal"])
    )
    np.testing.assert_allclose(found[PROBABILITY + "covid"], stored[PROBABILITY + "covid"], atol=1e-5)


def test_the_training_part_is_every_image_of_it_once(run: Run) -> None:
    found, split = assessment.of_part(run, "train"), run.split()
    assert found["sample_id"].tolist() == split.loc[split["split"] == "train", "sample_id"].tolist()


def test_the_last_weights_are_others_than_the_best(run: Run) -> None:
    assert assessment.weights_epochs(run) == {"best": 1, "last": 3}
    best, last = (assessment.of_part(run, "train", weights)[PROBABILITY + "covid"] for weights in ("best", "last"))
    state = Predictor(run, run.checkpoint()["model"])
    assert state.recipe == run.recipe()
    assert len(best) == len(last)
    assert sorted(path.name for path in (run.folder / "assessments").iterdir()) == ["epoch1-train.parquet", "epoch3-train.parquet"]


def test_weights_that_were_not_kept_are_refused(run: Run) -> None:
    for stored in run.checkpoints():
        stored.path.unlink()
    with pytest.raises(UnusableRun, match=f"last weights. Received: run {run.id} without them"):
        assessment.of_part(run, "train", "last")


def test_a_data_set_that_has_changed_since_is_refused(run: Run, folder: Path) -> None:
    (folder / "covid" / "000.png").write_bytes((folder / "covid" / "001.png").read_bytes())
    library.import_folder(folder, "own")
    with pytest.raises(UnusableData, match="own, which has changed since"):
        assessment.of_part(run, "train")


def test_images_trained_on_are_left_out_by_their_content(run: Run, manifest: Manifest) -> None:
    remember(run, manifest, ["train", "validation", "test", "train"])
    found = assessment.of_data(run, manifest)
    assert found.seen == 3
    assert found.predictions["sample_id"].tolist() == manifest.table["path"].drop([0, 1, 3]).tolist()


def test_predictions_for_a_data_set_are_made_once(run: Run, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assessment.kept_of_data(run, manifest) is None
    made = assessment.of_data(run, manifest)
    monkeypatch.setattr(Predictor, "__init__", None)  # no network may be asked
    for again in (assessment.of_data(run, manifest), assessment.kept_of_data(run, manifest)):
        pd.testing.assert_frame_equal(again.predictions, made.predictions)
        assert (again.seen, again.other_classes) == (made.seen, made.other_classes)


def test_a_set_that_was_trained_on_as_a_whole_is_refused(run: Run, manifest: Manifest) -> None:
    remember(run, manifest, ["train"] * len(manifest))
    with pytest.raises(UnusableData, match=r"has not seen\. Received: set, all of whose 11 images"):
        assessment.of_data(run, manifest)


def test_classes_that_the_run_does_not_know_are_refused_by_name(run: Run, make_folder: Callable[..., Path]) -> None:
    other = library.open_dataset(str(make_folder({"covid": 2, "tb": 2, "nodule": 2}, name="other")))
    with pytest.raises(UnusableData, match=r"Received: other with nodule, tb\. .*knows covid, normal"):
        assessment.of_data(run, other)


def test_or_they_are_left_out_where_asked_and_named(run: Run, make_folder: Callable[..., Path]) -> None:
    other = library.open_dataset(str(make_folder({"covid": 2, "tb": 2}, name="other", seed=4)))
    found = assessment.of_data(run, other, some_classes=True)
    assert (len(found.predictions), found.other_classes) == (2, ("tb",))


def test_classes_written_otherwise_are_mapped_to_the_run_s_own(run: Run, make_folder: Callable[..., Path]) -> None:
    other = library.open_dataset(str(make_folder({"COVID-19": 2, "No_findings": 3}, name="other", seed=4)))
    assert assessment.of_data(run, other).predictions["label"].tolist() == ["covid"] * 2 + ["normal"] * 3


def test_sets_without_a_common_class_are_refused(run: Run, make_folder: Callable[..., Path]) -> None:
    other = library.open_dataset(str(make_folder({"tb": 2, "nodule": 2}, name="other")))
    with pytest.raises(UnusableData, match="other with nodule, tb"):
        assessment.of_data(run, other, some_classes=True)
