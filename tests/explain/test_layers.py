"""The layers that Grad-CAM reads: their maps are whole, and are what the formula gives on the same network."""

from __future__ import annotations

from threading import Lock

import numpy as np
import pytest
import torch

from core.explain.cam import explain
from core.models import classifier, registry
from core.models.classifier import Classifier
from core.models.registry import Head

HEADS = pytest.mark.parametrize("head", [Head(), Head("pooled", hidden=16, batch_norm=True, dropout=0.5)], ids=["own", "pooled"])
SPARED = ("vgg19", "resnet101", "inception_resnet_v2")  # as vgg16, resnet50 and inception_v3, and slow


def built(name: str, head: Head) -> tuple[Classifier, torch.Tensor]:
    torch.manual_seed(1)
    size = max(64, registry.get(name).smallest)
    x = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0))
    return classifier.create(name, 3, size, "train", head).eval(), x


def by_hand(model: Classifier, layer: torch.nn.Module, x: torch.Tensor, number: int) -> np.ndarray:
    """Selvaraju et al. 2017, equations 1 and 2, on a copy of the activation taken before anything else can change it."""
    kept: list[torch.Tensor] = []

    def keep(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        kept.extend([output, output.detach().clone()])
        return output.clone()  # what follows works on a copy

    handle = layer.register_forward_hook(keep)
    logit = model(x)[0, number]
    handle.remove()
    weights = torch.autograd.grad(logit, kept[0])[0].mean(dim=(2, 3), keepdim=True)
    return (weights * kept[1]).sum(dim=1)[0].clamp_min(0).numpy()


@HEADS
@pytest.mark.parametrize("name", [*(name for name in registry.names() if name not in SPARED), "test_resnet"])
def test_the_map_is_the_formula_s_on_the_cpu_under_either_head(name: str, head: Head) -> None:
    model, x = built(name, head)
    layer = model.layer(registry.get(name).cam_layer)
    for number in range(3):
        found = explain(model, layer, x, number, Lock()).values
        assert np.isfinite(found).all()
        assert min(found.shape) > 1
        expected = by_hand(model, layer, x, number)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * max(expected.max(), 1e-6))


@pytest.mark.parametrize("name", [name for name in registry.names() if name not in SPARED])
def test_nothing_after_the_layer_changes_its_output_in_place(name: str) -> None:
    model, x = built(name, Head())
    kept: list[torch.Tensor] = []
    hook = lambda _module, _inputs, output: kept.extend([output, output.clone()])  # noqa: E731
    model.layer(registry.get(name).cam_layer).register_forward_hook(hook)
    with torch.no_grad():
        model(x)
    assert torch.equal(*kept)
