"""A network that reads the marker and one that does not: what the three conditions show of either, and what is kept."""

import numpy as np
import pytest
import torch
from torch import nn

from core import inference
from core.data import library
from core.errors import UnusableRun
from core.models import classifier
from core.runs import store
from core.runs.store import Run
from core.shortcuts import findings, lab, reading, sets, unmasking
from core.shortcuts.planting import Exposure
from core.training import feeds


class CornerReader(nn.Module):
    """Calls everything "a" whose top left corner holds much pure white, as the letter does."""

    def forward(self, x):
        corner = x[:, 0, 6:46, 6:40].flatten(1)
        return torch.stack([torch.where((corner > 0.97).sum(1) > 15, 5.0, -5.0), torch.zeros(len(x))], dim=1)


def made(data: str) -> Run:
    """A run as if trained: random weights."""
    manifest = library.open_dataset(data)
    recipe = lab.recipe(data).model_copy(update={"reference": True})
    run = store.create(recipe)
    torch.manual_seed(0)
    run.write_weights(classifier.create(lab.MODEL, len(manifest.classes), lab.SIZE, "train").state_dict(), epoch=1)
    run.write_split(feeds.open_feeds(recipe, manifest, torch.device("cpu")).table)
    return run


@pytest.fixture
def run(planted) -> Run:
    return made(planted.name)


@pytest.fixture
def reads_the_corner(monkeypatch):
    def shares(_self, x):
        return CornerReader()(x).double().softmax(dim=1).numpy()

    monkeypatch.setattr(inference.Predictor, "_shares", shares)


@pytest.mark.usefixtures("reads_the_corner")
def test_a_network_that_reads_the_corner_collapses(run, planted):
    found = unmasking.unmask(run, planted)
    values = {name: answers.accuracy.value for name, answers in found.answers.items()}
    assert values == {"trained": 1.0, "absent": 0.5, "swapped": 0.0}
    assert found.answers["absent"].sensitivity.value == 0
    assert found.answers["swapped"].called == 4
    assert reading.collapse(found) == "100.0 % → 50.0 % → 0.0 %"


def test_heat_is_measured_on_the_marked_class_against_the_markers_area(run, planted):
    found = unmasking.unmask(run, planted)
    assert found.heat.images == 4
    assert 0.03 < found.heat.area < 0.2
    assert 0 <= found.heat.marked.low <= found.heat.marked.value <= found.heat.marked.high <= 1
    example = found.examples[0]
    assert example.marked.shape == (lab.SIZE, lab.SIZE)
    assert (example.marked != example.unmarked).any()
    assert example.sample_id in sets.marked(planted)


def test_what_was_found_is_kept_and_read_without_a_network(run, planted, monkeypatch):
    assert findings.known(run, planted) is None
    ticks = []
    first = unmasking.unmask(run, planted, lambda done, total: ticks.append((done, total)))
    assert ticks[-1][0] == ticks[-1][1]
    assert ticks == sorted(ticks)
    monkeypatch.setattr(unmasking, "Predictor", None)
    again = unmasking.unmask(run, planted)
    assert again.heat == first.heat
    assert all((again.answers[name].confusion == answers.confusion).all() for name, answers in first.answers.items())
    assert np.allclose(again.examples[0].heat_marked.values, first.examples[0].heat_marked.values)


def test_an_exposure_has_no_place_for_heat(source):
    planted = sets.make(sets.Plan(source, "a", Exposure(1.5), against=("b",)))
    found = unmasking.unmask(made(planted.name), planted)
    assert found.heat is None
    assert "no place of its own" in reading.heat(found)


def test_a_run_on_other_data_is_refused(source, planted):
    with pytest.raises(UnusableRun, match="trained on plain"):
        unmasking.unmask(made(source), planted)


def test_the_lab_finds_the_runs_of_a_planted_set_the_newest_first(planted):
    assert lab.runs(planted) == lab.Runs(None, None)
    first, clean, second = made(planted.name), made(planted.clean), made(planted.name)
    assert lab.runs(planted) == lab.Runs(second, clean)
    assert lab.runs(planted, first.id).marked == first
    assert lab.planted_of(first.id) == planted
    assert lab.planted_of(clean.id) is None
    assert lab.planted_of("nothing") is None
