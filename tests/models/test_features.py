"""Features are the mean of each map at a layer, for every architecture; nothing of the reading stays behind in the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import InvalidSpec
from core.models import classifier, registry
from core.models.classifier import Classifier
from core.models.features import features, recorded


def model_of(name: str, size: int) -> Classifier:
    torch.manual_seed(0)
    return classifier.create(name, 3, size, "train").eval()


def pictures(size: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", registry.names())
def test_every_architecture_gives_a_feature_a_map_of_its_grad_cam_layer(name: str) -> None:
    size = registry.get(name).smallest
    with torch.device("meta"):
        model = classifier.create(name, 3, size, "train").eval()
    model.to_empty(device="cpu")  # values do not matter here, and to draw them takes long
    layer, shapes = model.layer(registry.get(name).cam_layer), []
    layer.register_forward_hook(lambda _module, _inputs, output: shapes.append(output.shape))
    found = features(model, layer, pictures(size))
    assert found.dtype == np.float32
    assert found.shape == (2, shapes[0][1])


def test_features_are_the_means_of_the_maps() -> None:
    model, x = model_of("alasfoor-cnn22", 32), pictures(32)
    layer, seen = model.layer("relu_4"), []
    layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output.clone()))
    found = features(model, layer, x)
    assert np.ptp(found) > 0
    np.testing.assert_allclose(found, seen[0].mean(dim=(2, 3)).numpy(), rtol=1e-5)


def test_what_works_in_place_on_the_maps_later_does_not_change_them() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(1, 4, 3)
    found = features(nn.Sequential(layer, nn.ReLU(inplace=True)).eval(), layer, pictures(8))
    assert (found < 0).any()


def test_an_image_has_the_same_features_in_any_batch() -> None:
    model, x = model_of("resnet18", 33), pictures(33, 5)
    layer = model.layer("layer4.1")
    np.testing.assert_allclose(features(model, layer, x)[3:4], features(model, layer, x[3:4]), rtol=1e-4, atol=1e-6)


def test_reading_leaves_no_hook_behind_even_where_the_pass_fails() -> None:
    model = model_of("alasfoor-cnn22", 32)
    layer = model.layer("relu_4")
    features(model, layer, pictures(32))
    with pytest.raises(RuntimeError):
        features(model, layer, torch.zeros(1, 2, 3, 3, 3))
    assert not layer._forward_hooks


def test_the_result_of_the_same_pass_can_be_had_too() -> None:
    model, x = model_of("alasfoor-cnn22", 32), pictures(32)
    with torch.inference_mode(), recorded(model.layer("relu_4")) as found:
        logits = model(x)
        model(x[:1])
    assert logits.shape == (2, 3)
    assert [len(part) for part in found] == [2, 1]


def test_half_precision_maps_give_float32_features() -> None:
    model = model_of("alasfoor-cnn22", 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert features(model, model.layer("relu_4"), pictures(32)).dtype == np.float32


def test_a_model_in_training_mode_is_refused() -> None:
    model = model_of("resnet18", 33).train()
    with pytest.raises(InvalidSpec, match="eval mode"):
        features(model, model.layer("layer4.1"), pictures(33))


def test_a_layer_without_maps_is_refused() -> None:
    model = model_of("alasfoor-cnn22", 32)
    with pytest.raises(InvalidSpec, match="gives maps"):
        features(model, model.layer("fc_2"), pictures(32))


def test_a_layer_that_runs_twice_is_refused() -> None:
    shared = nn.Conv2d(1, 1, 3)
    with pytest.raises(InvalidSpec, match="ran 2 times"):
        features(nn.Sequential(shared, shared).eval(), shared, pictures(8))
