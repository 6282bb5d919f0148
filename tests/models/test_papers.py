"""The papers' own networks, row by row as their tables have them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.models.papers import alasfoor_cnn22

ALASFOOR_TABLE_1 = [
    *[row for i in (1, 2, 3, 4) for row in (f"conv_{i}", f"batchnorm_{i}", f"relu_{i}", f"maxpool_{i}")],
    *("dropout_1", "fc_1", "dropout_2", "fc_2"),
]  # then softmax and class output: 22 layers


def test_alasfoor_has_the_layers_of_table_1_in_their_order() -> None:
    layers = [name for name, _ in alasfoor_cnn22(3, 224).named_children()]
    assert [name for name in layers if name != "flatten"] == ALASFOOR_TABLE_1
    assert len(ALASFOOR_TABLE_1) + 2 == 22
    assert layers.index("flatten") == layers.index("maxpool_4") + 1


@pytest.mark.parametrize(("block", "filters"), list(enumerate((8, 16, 32, 64), start=1)))
def test_alasfoor_blocks_are_configured_as_in_table_1(block: int, filters: int) -> None:
    network = alasfoor_cnn22(3, 224)
    convolution, normalisation, pooling = (network.get_submodule(f"{kind}_{block}") for kind in ("conv", "batchnorm", "maxpool"))
    assert (convolution.kernel_size, convolution.stride, convolution.out_channels) == ((3, 3), (1, 1), filters)
    assert normalisation.eps == 1e-5
    assert isinstance(network.get_submodule(f"relu_{block}"), nn.ReLU)
    assert (pooling.kernel_size, pooling.stride, pooling.padding) == (2, 2, 0)


def test_alasfoor_classifies_with_two_layers_of_the_class_count_and_two_dropouts() -> None:
    network = alasfoor_cnn22(3, 224)
    assert (network.dropout_1.p, network.dropout_2.p) == (0.5, 0.3)
    assert (network.fc_1.out_features, network.fc_2.in_features, network.fc_2.out_features) == (3, 3, 3)
    assert not any(isinstance(module, nn.Softmax) for module in network.modules())  # logits: the loss has the softmax


def test_alasfoor_halves_the_map_in_every_block() -> None:
    network, sizes = alasfoor_cnn22(3, 224), []
    for block in (1, 2, 3, 4):
        network.get_submodule(f"maxpool_{block}").register_forward_hook(lambda _m, _i, output: sizes.append(tuple(output.shape[1:])))
    network(torch.zeros(2, 1, 224, 224))
    assert sizes == [(8, 112, 112), (16, 56, 56), (32, 28, 28), (64, 14, 14)]


@pytest.mark.parametrize("size", [16, 31, 32, 100, 225])
def test_alasfoor_takes_sizes_that_are_no_multiple_of_16(size: int) -> None:
    assert alasfoor_cnn22(4, size)(torch.zeros(2, 1, size, size)).shape == (2, 4)
