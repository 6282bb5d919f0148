"""The estimate counts what lives in a step, scales with what it should, and allocates nothing."""

from __future__ import annotations

import psutil
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.models import registry
from core.recipes import creation, fitting
from core.training import memory

SMALL = {"image.size": 64, "batch_size": 8, "precision": "fp32"}
HEAD = {"frozen": True, "head": {"kind": "pooled", "hidden": 16}}


def draft(model="resnet18", **changes):
    return fitting.draft(model=model, **(SMALL | changes))


def test_the_weights_are_those_of_the_network_and_of_its_best_epoch():
    found = memory.estimate(draft(), 100, "cpu")
    with torch.device("meta"):
        state = creation.untrained(draft()).state_dict()
    assert found.weights == 2 * sum(value.nbytes for value in state.values())
    assert found.optimiser == 2 * 4 * registry.parameters("resnet18", 2, 64)
    assert found.data == 100 * 64 * 64
    assert found.total == found.weights + found.optimiser + found.activations + found.data + found.process


def test_activations_grow_with_batch_and_image():
    base = memory.estimate(draft(), 100, "cpu").activations
    assert memory.estimate(draft(batch_size=32), 100, "cpu").activations > base
    assert memory.estimate(draft(**{"image.size": 128}), 100, "cpu").activations > base


def test_the_bytes_living_in_a_step_are_counted_by_hand_for_a_small_network():
    """Two convolutions: what is kept for the backward pass, and the gradients."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1))
    with memory._Living() as living:
        x = torch.zeros(2, 1, 10, 10, device="meta")
        y = network(x)
        assert living.now == (2 * 1 + 2 * 4 + 2 * 4) * 100 * 4
        network[1](y.detach()).sum()
        assert living.now == (2 * 1 + 2 * 4 + 2 * 4) * 100 * 4  # what nobody holds any more is not counted
        del y
        assert living.now == 2 * 1 * 100 * 4
    assert living.peak > living.now


def test_gaps_are_counted_by_the_largest_block_of_a_step(monkeypatch):
    recipe = draft(model="vgg16")
    found = memory.estimate(recipe, 100, "cpu").activations
    monkeypatch.setitem(memory.GAPS, "cpu", 0)
    with torch.device("meta"):
        largest = max(value.nbytes for value in creation.untrained(recipe).parameters())
    assert found - memory.estimate(recipe, 100, "cpu").activations == 2 * largest


def test_the_activations_hold_all_that_autograd_really_saves():
    recipe = draft(model="alasfoor-cnn22")
    model, saved = creation.untrained(recipe), {}
    own = {value.untyped_storage()._cdata for value in model.state_dict().values()}

    def keep(value):
        if value.untyped_storage()._cdata not in own:
            saved[value.untyped_storage()._cdata] = value.untyped_storage().nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        loss = F.cross_entropy(model(torch.rand(8, 1, 64, 64)), torch.zeros(8, dtype=torch.int64))
    estimated = memory.estimate(recipe, 100, "cpu").activations
    assert sum(saved.values()) <= estimated < 2 * sum(saved.values())
    assert loss.isfinite()


def test_a_frozen_network_needs_less_and_its_stored_features_are_counted():
    whole = memory.estimate(draft(), 100, "cpu")
    stored = memory.estimate(draft(**HEAD, frozen_views=8), 100, "cpu")
    anew = memory.estimate(draft(**HEAD, frozen_views=0), 100, "cpu")
    assert stored.activations < whole.activations / 2
    assert anew.activations < whole.activations
    assert stored.optimiser < whole.optimiser / 100
    assert stored.data - anew.data == 100 * 8 * 512 * 4


def test_a_training_that_does_not_fit_is_warned_of_with_the_batch_that_would(monkeypatch):
    recipe = draft(batch_size=64)
    fits = memory.estimate(recipe, 100, "cpu")
    assert fits.warning == ""
    assert fits.fitting_batch == 64
    monkeypatch.setattr(memory, "available", lambda _device: fits.total - fits.activations // 2)
    found = memory.estimate(recipe, 100, "cpu")
    assert 2 <= found.fitting_batch < 64
    assert f"A batch size of {found.fitting_batch} would fit" in found.warning
    assert memory.estimate(draft(batch_size=found.fitting_batch), 100, "cpu").warning == ""


def test_where_no_batch_fits_the_warning_says_so(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda _device: 1000)
    found = memory.estimate(draft(), 100, "cpu")
    assert found.fitting_batch == 0
    assert "A smaller image size or network is needed" in found.warning


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_largest_network_is_estimated_without_its_weights(precision):
    memory.estimate(draft(), 100, "cpu")  # so that all is imported
    before, state = psutil.Process().memory_info().rss, torch.get_rng_state()
    recipe = fitting.draft(model="vgg19", precision=precision, batch_size=8, **{"image.size": 224})
    found = memory.estimate(recipe, 1124, "cpu")
    assert found.weights > 1_000_000_000
    assert psutil.Process().memory_info().rss - before < 100_000_000
    assert torch.equal(torch.get_rng_state(), state)


def test_bf16_activations_take_less():
    fp32, bf16 = (memory.estimate(draft(batch_size=32, precision=name), 100, "cpu") for name in ("fp32", "bf16"))
    assert bf16.activations < fp32.activations
    assert bf16.weights == fp32.weights


@pytest.mark.parametrize("normalisation", ["imagenet", "train-mean-image"])
def test_any_normalisation_can_be_estimated(normalisation):
    assert memory.estimate(draft(**{"image.normalisation": normalisation}), 100, "cpu").total > 0


def test_the_text_reads_as_people_say_it():
    found = memory.Estimate(1_000_000_000, 500_000_000, 700_000_000, 0, 900_000_000, 23_000_000_000, 8)
    assert found.text == "3.1 of 23.0 GB"
