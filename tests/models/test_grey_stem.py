"""Three channels that are one image are looked at once, and what comes of it is the same."""

import copy

import pytest
import torch
from torch import nn

from core.models import grey_stem
from core.models.classifier import create
from core.models.grey_stem import GreyConv2d

GREY = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
THREE = GREY.expand(-1, 3, -1, -1)


def pair(**settings):
    """A layer of ours and torch's own with the same weights."""
    torch.manual_seed(1)
    own = nn.Conv2d(3, 16, **settings)
    ours = nn.Sequential(copy.deepcopy(own))
    grey_stem.give(ours)
    return ours[0], own


def passed(layer, x, bf16=True):
    """Output and gradients of weight and bias."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y = layer(x)
    y.float().square().sum().backward()
    return [y, layer.weight.grad] + ([layer.bias.grad] if layer.bias is not None else [])


def looked_once(layer, x, bf16=True):
    seen = []
    given = nn.functional.conv2d
    with pytest.MonkeyPatch.context() as patch, torch.autocast("cpu", torch.bfloat16, enabled=bf16), torch.no_grad():
        patch.setattr(nn.functional, "conv2d", lambda x, *rest: seen.append(x.shape[1]) or given(x, *rest))
        layer(x)
    return seen == [1]


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 7, "stride": 2, "padding": 3, "bias": False},
        {"kernel_size": 3, "stride": 2},
        {"kernel_size": 3, "padding": "same", "dilation": 2},
    ],
)
def test_in_bf16_output_and_gradients_are_as_near_to_exact_ones_as_torchs(settings):
    ours, own = pair(**settings)
    exact = passed(copy.deepcopy(own), THREE, bf16=False)
    assert looked_once(ours, THREE)
    for found, usual, true in zip(passed(ours, THREE), passed(own, THREE), exact, strict=True):
        error, allowed = ((value.float() - true).norm() / true.norm() for value in (found, usual))
        assert found.shape == true.shape
        assert error < max(1.2 * allowed, 2**-8)  # which is bf16's own step


def test_the_output_has_the_fast_memory_format():
    ours, _ = pair(kernel_size=3)
    with torch.autocast("cpu", torch.bfloat16):
        assert ours(THREE).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("x", "bf16"), [(THREE, False), (THREE.contiguous(), True), (torch.randn(2, 3, 32, 32), True)])
def test_elsewhere_it_is_torchs_own_bit_for_bit(x, bf16):
    ours, own = pair(kernel_size=3)
    assert not looked_once(ours, x, bf16)
    for found, usual in zip(passed(ours, x, bf16), passed(own, x, bf16), strict=True):
        assert torch.equal(found, usual)


def test_only_first_layers_of_three_channels_that_pad_with_zeros_are_taken():
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), nn.Conv2d(3, 4, 3)
    )
    grey_stem.give(network)
    assert [type(layer) for layer in network] == [nn.Conv2d, nn.Conv2d, nn.Conv2d, GreyConv2d]


@pytest.mark.parametrize(("model", "normalisation", "once"), [("resnet18", "train", True), ("resnet18", "imagenet", False)])
def test_a_classifier_shows_grey_as_one_where_its_channels_have_one_mean(model, normalisation, once):
    made = create(model, 2, 64, normalisation).eval()
    stem = next(layer for layer in made.modules() if isinstance(layer, GreyConv2d))
    shown = []
    stem.register_forward_pre_hook(lambda _layer, given: shown.append(given[0]))
    made(torch.rand(2, 1, 64, 64))
    assert looked_once(stem, shown[0]) is once
