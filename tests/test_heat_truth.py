"""Heat maps of phantom runs against the lesions that were drawn: on test images, kept once measured, refused on other data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core import heat_truth
from core.data import library, phantom
from core.errors import UnusableData
from core.explain import truth
from core.models import classifier
from core.recipes import fitting
from core.runs import store
from core.runs.store import Run
from core.training import feeds


@pytest.fixture
def run(artifacts: Path) -> Run:
    """A run on a small phantom, as if trained: random weights."""
    folder = artifacts / "datasets" / "phantom" / "images"
    phantom.write(folder, per_class=12, size=48)
    manifest = library.import_folder(folder, "phantom", synthetic=True)
    return made(library.open_dataset(manifest.name))


def made(manifest) -> Run:
    import torch

    recipe = fitting.fit(fitting.draft(model="alasfoor-cnn22", **{"image.size": 48, "batch_size": 8}), manifest)[0]
    run = store.create(recipe)
    torch.manual_seed(0)
    run.write_weights(classifier.create("alasfoor-cnn22", len(manifest.classes), 48, "train").state_dict(), epoch=1)
    run.write_split(feeds.open_feeds(recipe, manifest, torch.device("cpu")).table)
    return run


def test_every_method_is_measured_on_test_images_with_a_lesion(run: Run):
    found = heat_truth.measure(run)
    split = run.split().query("split == 'test'")
    assert {score.images for score in found} == {int((split["label"] != "Normal").sum())}
    assert [score.method for score in found] == list(truth.FAST)
    assert all(0 < score.area < 0.5 and score.low <= score.hit_rate <= score.high for score in found)


def test_what_was_measured_is_kept(run: Run, monkeypatch: pytest.MonkeyPatch):
    assert heat_truth.known(run) is None
    found = heat_truth.measure(run)
    monkeypatch.setattr(truth, "against_truth", None)  # nothing may be measured again
    assert heat_truth.known(run) == heat_truth.measure(run) == found


def test_the_table_says_what_a_map_that_knows_nothing_would_reach(run: Run):
    (first, *_) = heat_truth.table([(run, heat_truth.measure(run))])
    assert (first["network"], first["method"]) == ("alasfoor-cnn22", "Grad-CAM")
    assert first["by chance"].endswith("%")


def test_other_data_has_no_known_truth(make_folder: Callable[..., Path]):
    run = made(library.open_dataset(str(make_folder({"a": 10, "b": 10}))))
    with pytest.raises(UnusableData, match=r"on the phantom\. Received: run .*, trained on set"):
        heat_truth.measure(run)
