"""The papers' own networks, row by row as their tables have them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.models.papers import alasfoor_cnn22, benbakreti_cnn, darkcovidnet, zhong_vgg

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


def test_benbakreti_has_the_six_stages_of_table_1() -> None:
    network = benbakreti_cnn(4, 299)
    convolutions = [network.get_submodule(f"conv_{stage}") for stage in range(1, 7)]
    assert [layer.out_channels for layer in convolutions] == [32, 64, 128, 256, 512, 1024]
    assert [layer.kernel_size[0] for layer in convolutions] == [8, 3, 5, 5, 5, 5]
    poolings = [network.get_submodule(f"maxpool_{stage}") for stage in range(1, 7)]
    assert {(layer.kernel_size, layer.stride) for layer in poolings} == {(3, 2)}
    assert [(layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)] == [(1024 * 9, 4)]


def test_benbakreti_s_convolutions_keep_the_size() -> None:
    network, sizes = benbakreti_cnn(4, 127), []
    for stage in range(1, 7):
        network.get_submodule(f"conv_{stage}").register_forward_hook(lambda _m, _i, output: sizes.append(output.shape[-1]))
    network(torch.zeros(1, 1, 127, 127))
    assert sizes == [127, 63, 31, 15, 7, 3]


def test_zhong_joins_the_maxima_of_four_levels_with_the_last_maps() -> None:
    network = zhong_vgg(3, 80).eval()
    assert network.classifier[0].in_features == 352 + 12_800
    assert [layer.out_features for layer in network.classifier if isinstance(layer, nn.Linear)] == [4096, 2048, 3]
    assert [layer.p for layer in network.classifier if isinstance(layer, nn.Dropout)] == [0.5, 0.4]
    x, joined = torch.rand(2, 3, 80, 80), []
    network.classifier.register_forward_pre_hook(lambda _module, inputs: joined.append(inputs[0]))
    network(x)
    expected = []
    for group in network.groups:
        maps = group(x)
        x = nn.functional.max_pool2d(maps, 2)
        expected.append(x.flatten(2).max(dim=2).values)
    torch.testing.assert_close(joined[0], torch.cat([*expected, maps.flatten(1)], dim=1))


def test_zhong_has_ten_convolutions_with_elu_and_the_figure_s_parameters() -> None:
    network = zhong_vgg(3, 80)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [32] * 2 + [64] * 2 + [128] * 6
    assert sum(isinstance(layer, nn.ELU) for layer in network.modules()) == 10 + 2
    assert sum(value.numel() for value in network.parameters()) == 63_148_835


def test_darkcovidnet_ends_in_13_by_13_maps_and_has_the_published_parameters() -> None:
    network, shapes = darkcovidnet(3, 256), []
    network.conv_classes.register_forward_hook(lambda _module, _inputs, output: shapes.append(tuple(output.shape[1:])))
    network(torch.zeros(1, 3, 256, 256))
    assert shapes == [(3, 13, 13)]
    assert sum(value.numel() for value in network.parameters()) == 1_167_586
    assert [layer.bias for layer in network.modules() if isinstance(layer, nn.Conv2d)] == [None] * 17
    assert {layer.negative_slope for layer in network.modules() if isinstance(layer, nn.LeakyReLU)} == {0.1}


@pytest.mark.parametrize("size", [64, 100, 225, 255])
def test_darkcovidnet_s_classifier_fits_every_size(size: int) -> None:
    assert darkcovidnet(2, size).eval()(torch.zeros(1, 3, size, size)).shape == (1, 2)
