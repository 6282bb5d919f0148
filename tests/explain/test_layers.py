"""The layers that heat maps read: which there are, that their maps are whole, and that those are what the formula gives."""

from __future__ import annotations

from threading import Lock

import numpy as np
import pytest
import torch

from core.errors import UnknownName
from core.explain.cam import explain, explain_many, layers
from core.explain.layers import find, name_of
from core.models import classifier, registry
from core.models.classifier import Classifier
from core.models.registry import Head

HEADS = pytest.mark.parametrize("head", [Head(), Head("pooled", hidden=16, batch_norm=True, dropout=0.5)], ids=["own", "pooled"])
SPARED = ("vgg16", "vgg19", "resnet101", "inception_resnet_v2")  # as in test_cam, as vgg16, resnet50 and inception_v3, and slow


def built(name: str, head: Head) -> tuple[Classifier, torch.Tensor]:
    torch.manual_seed(1)
    size = max(64, registry.get(name).smallest)
    x = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0))
    return classifier.create(name, 3, size, "train", head).eval(), x


def by_hand(model: Classifier, layer: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    """Selvaraju et al. 2017, equations 1 and 2, for all classes, on a copy of the activation taken before anything else can change it."""
    kept: list[torch.Tensor] = []

    def keep(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        kept.extend([output, output.detach().clone()])
        return output.clone()  # what follows works on a copy

    handle = layer.register_forward_hook(keep)
    logits = model(x)[0]
    handle.remove()
    gradients = [torch.autograd.grad(logit, kept[0], retain_graph=True)[0] for logit in logits]
    return torch.cat([(gradient.mean(dim=(2, 3), keepdim=True) * kept[1]).sum(dim=1) for gradient in gradients]).clamp_min(0).numpy()


@HEADS
@pytest.mark.parametrize("name", [*(name for name in registry.names() if name not in SPARED), "test_resnet"])
def test_the_map_is_the_formula_s_on_the_cpu_under_either_head(name: str, head: Head) -> None:
    model, x = built(name, head)
    layer = model.layer(registry.get(name).cam_layer)
    for heat, expected in zip(explain_many(model, layer, x, range(3), Lock()), by_hand(model, layer, x), strict=True):
        found = heat.values
        assert np.isfinite(found).all()
        assert min(found.shape) > 1
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


CHOICES = {
    "alasfoor-cnn22": ("relu_1", "relu_2", "relu_3", "relu_4"),
    "zhong-vgg": ("groups.0.1", "groups.0.3", "groups.1.1", "groups.1.3", "groups.2.1", "groups.2.3", "groups.2.5", "groups.3"),
    "resnet18": ("act1", *(f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1))),
    "resnet50v2": ("stages.0", "stages.1", "stages.2", "stages.3", "norm"),
}


@pytest.mark.parametrize("name", CHOICES)
@HEADS
def test_layers_to_choose_from_are_the_blocks_in_the_order_in_which_they_run(name: str, head: Head) -> None:
    model, x = built(name, head)
    found = layers(model, x.shape[-1], registry.get(name).cam_layer, Lock())
    assert found == CHOICES[name]
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ["resnet18", "alasfoor-cnn22", "googlenet"])
def test_every_layer_to_choose_from_gives_a_map(name: str) -> None:
    model, x = built(name, Head())
    for path in layers(model, x.shape[-1], registry.get(name).cam_layer, Lock()):
        found = explain(model, path, x, 0, Lock(), "layercam")
        assert found.layer == path
        assert min(found.values.shape) > 1
        assert np.isfinite(found.values).all()


def test_a_layer_is_found_by_its_path_whatever_head_stands_on_the_network() -> None:
    for head in (Head(), Head("pooled")):
        model, _ = built("alasfoor-cnn22", head)
        layer = find(model, "relu_4")
        assert layer is model.layer("relu_4")
        assert name_of(model, layer) == "relu_4"
        with pytest.raises(UnknownName, match="Did you mean relu_4"):
            find(model, "relu4")
