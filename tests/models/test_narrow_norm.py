"""Batch normalisation of few channels: torch's own, quicker."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.models import narrow_norm
from core.models.narrow_norm import NarrowBatchNorm2d
from core.models.papers import alasfoor_cnn22


def images(channels=8, side=16, dtype=torch.float32, batch=4, seed=0):
    drawn = torch.randn(batch, channels, side, side, generator=torch.Generator().manual_seed(seed)) * 2 + 1
    return drawn.to(dtype).to(memory_format=torch.channels_last).requires_grad_()


def pair(channels=8, seed=1):
    """A layer of ours and torch's own with the same weights."""
    generator = torch.Generator().manual_seed(seed)
    ours, own = NarrowBatchNorm2d(channels), nn.BatchNorm2d(channels)
    with torch.no_grad():
        ours.weight.copy_(torch.rand(channels, generator=generator) + 0.5)
        ours.bias.copy_(torch.randn(channels, generator=generator))
    own.load_state_dict(ours.state_dict())
    return ours, own


def passed(layer, x, dtype=torch.float32):
    """Output, gradients of input, weight and bias, and running statistics after one step."""
    x = x.detach().clone().requires_grad_()
    y = layer(x)
    pull = torch.randn(y.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    y.backward(pull)
    return y, x.grad, layer.weight.grad, layer.bias.grad, layer.running_mean, layer.running_var, layer.num_batches_tracked


def is_ours(y):
    return "_Normalised" in type(y.grad_fn).__name__


@settings(deadline=None)
@given(channels=st.integers(2, 8), side=st.sampled_from([4, 8, 20]), batch=st.integers(1, 5), seed=st.integers(0, 99))
def test_in_full_precision_it_is_torchs_normalisation_and_so_are_all_gradients(channels, side, batch, seed):
    ours, own = pair(channels, seed)
    x = images(channels, side, batch=batch, seed=seed)
    found, expected = passed(ours, x), passed(own, x)
    assert is_ours(found[0])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_in_bf16_it_rounds_no_worse_than_torch():
    ours, own = pair()
    x = images(side=64, dtype=torch.bfloat16)
    exact = passed(copy.deepcopy(own).double(), x.double(), torch.float64)
    errors = [
        [((found - true).norm() / true.norm()).item() for found, true in zip(passed(layer, x, torch.bfloat16)[:6], exact[:6], strict=True)]
        for layer in (ours, own)
    ]
    assert all(one <= 2 * other + 1e-3 for one, other in zip(*errors, strict=True)), errors


def test_a_channel_that_is_the_same_everywhere_stays_finite_and_disturbs_no_other():
    ours, own = pair()
    x = images().detach()
    x[:, 3] = 0.7
    others = torch.arange(8) != 3
    for one, other in zip(passed(ours, x), passed(own, x), strict=True):
        assert one.isfinite().all()
        if one.dim():
            dimension = 1 if one.dim() == 4 else 0
            one, other = (value.movedim(dimension, 0)[others] for value in (one, other))
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "x",
    [images(channels=9), images().contiguous(), images(side=3)],
    ids=["many channels", "not channels last", "pixels that do not divide"],
)
def test_elsewhere_it_is_torchs_very_computation(x):
    ours, own = pair(x.shape[1])
    found, expected = passed(ours, x), passed(own, x)
    assert not is_ours(found[0])
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_in_evaluation_it_is_torchs_very_computation():
    ours, own = pair()
    x = images()
    assert torch.equal(ours.eval()(x), own.eval()(x))


def test_a_network_can_be_had_in_torchs_own_layers_with_the_same_weights():
    network = alasfoor_cnn22(3, 32)
    names = list(network.state_dict())
    plain = narrow_norm.without(copy.deepcopy(network))
    assert not any(isinstance(module, NarrowBatchNorm2d) for module in plain.modules())
    assert list(plain.state_dict()) == names
    assert any(isinstance(module, NarrowBatchNorm2d) for module in network.modules())
