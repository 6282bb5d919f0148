"""A classifier normalises its own input, and the normalisation travels with the weights."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.models import classifier, registry
from core.models.classifier import Classifier, create, fit_normalisation
from core.models.registry import Normalisation

SIZE = 48


def batches(*, seed: int = 0) -> list[torch.Tensor]:
    """Grey images of unequal batches, dark and of low contrast, so that a wrong weighting shows."""
    generator = torch.Generator().manual_seed(seed)
    return [0.1 * i + 0.3 * torch.rand(count, 1, SIZE, SIZE, generator=generator) for i, count in enumerate((8, 8, 3))]


def what_the_network_gets(model: Classifier, x: torch.Tensor) -> torch.Tensor:
    class Seeing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    network, model.network = model.network, Seeing()
    try:
        return model(x)
    finally:
        model.network = network


@pytest.mark.parametrize("model", ["resnet18", "alasfoor-cnn22"])
def test_the_training_images_get_mean_0_and_deviation_1(model: str) -> None:
    fresh = create(model, 2, SIZE, "train")
    fit_normalisation(fresh, "train", iter(batches()))
    x = torch.cat(batches())
    seen = what_the_network_gets(fresh, x)
    assert seen.shape == (19, registry.get(model).channels, SIZE, SIZE)
    assert seen.mean().item() == pytest.approx(0, abs=1e-5)
    assert seen.std(correction=0).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("model", ["resnet18", "alasfoor-cnn22"])
def test_the_mean_image_is_subtracted_and_nothing_is_scaled(model: str) -> None:
    fresh = create(model, 2, SIZE, "train-mean-image")
    fit_normalisation(fresh, "train-mean-image", batches())
    x = torch.cat(batches())
    expected = (x - x.mean(dim=0)).expand(-1, registry.get(model).channels, -1, -1)
    torch.testing.assert_close(what_the_network_gets(fresh, x), expected, atol=1e-6, rtol=0)


def test_imagenet_on_three_channels_is_each_channels_own() -> None:
    seen = what_the_network_gets(create("resnet18", 2, SIZE, "imagenet"), torch.full((1, 1, SIZE, SIZE), 0.5))
    expected = [(0.5 - mean) / std for mean, std in zip(classifier.IMAGENET_MEAN, classifier.IMAGENET_STD, strict=True)]
    torch.testing.assert_close(seen[0, :, 0, 0], torch.tensor(expected))


@pytest.mark.parametrize("model", ["googlenet", "resnet50v2", "test_resnet"])
def test_imagenet_is_what_the_architecture_s_own_weights_expect(model: str) -> None:
    fresh = create(model, 2, SIZE, "imagenet")
    assert fresh.mean.flatten().tolist() == fresh.std.flatten().tolist() == [0.5] * 3


def test_imagenet_on_one_channel_is_the_channels_mean() -> None:
    seen = what_the_network_gets(create("alasfoor-cnn22", 2, SIZE, "imagenet"), torch.full((1, 1, SIZE, SIZE), 0.5))
    assert seen.shape == (1, 1, SIZE, SIZE)
    assert seen[0, 0, 0, 0].item() == pytest.approx((0.5 - 0.449) / 0.226, abs=1e-4)


def test_imagenet_is_not_fitted() -> None:
    fresh = create("resnet18", 2, SIZE, "imagenet")
    fit_normalisation(fresh, "imagenet", iter(lambda: pytest.fail("the images were read"), None))
    torch.testing.assert_close(fresh.mean.flatten(), torch.tensor(classifier.IMAGENET_MEAN))


@pytest.mark.parametrize("normalisation", ["train", "train-mean-image"])
def test_a_fresh_classifier_is_neutral(normalisation: Normalisation) -> None:
    x = torch.rand(2, 1, SIZE, SIZE)
    torch.testing.assert_close(what_the_network_gets(create("alasfoor-cnn22", 2, SIZE, normalisation), x), x)


def test_images_without_contrast_give_finite_logits() -> None:
    fresh = create("resnet18", 2, SIZE, "train")
    fit_normalisation(fresh, "train", [torch.full((4, 1, SIZE, SIZE), 0.25)])
    assert torch.isfinite(fresh.eval()(torch.rand(2, 1, SIZE, SIZE))).all()


@pytest.mark.parametrize("normalisation", get_args(Normalisation))
@pytest.mark.parametrize("model", ["resnet18", "alasfoor-cnn22", "googlenet"])
def test_the_normalisation_is_stored_with_the_weights(model: str, normalisation: Normalisation, tmp_path: Path) -> None:
    fitted = create(model, 2, SIZE, normalisation)
    fit_normalisation(fitted, normalisation, batches())
    save_file(fitted.state_dict(), tmp_path / "model.safetensors")
    other = create(model, 2, SIZE, normalisation)
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    x = torch.rand(2, 1, SIZE, SIZE)
    assert torch.equal(fitted.eval()(x), other.eval()(x))


@pytest.mark.parametrize("model", registry.names())
def test_the_grad_cam_layer_is_found_inside_the_network(model: str) -> None:
    with torch.device("meta"):
        fresh = create(model, 2, registry.get(model).image_size, "train")
    assert fresh.layer(registry.get(model).cam_layer) in list(fresh.network.modules())
