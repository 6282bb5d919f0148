"""Grad-CAM: the library's map, with its magnitude, one thread at a time, and a model left as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from core.errors import UnknownName
from core.explain.cam import METHODS, HeatMap, explain
from core.models import classifier, registry

MODELS = [("resnet18", 64, (2, 2)), ("alasfoor-cnn22", 32, (4, 4))]


def built(model: str, size: int) -> tuple[classifier.Classifier, nn.Module]:
    """A model with random weights in eval mode, and the layer to look at."""
    torch.manual_seed(1)
    made = classifier.create(model, 3, size, "train").eval()
    return made, made.layer(registry.get(model).cam_layer)


def image(size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(seed))


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._backward_hooks) for module in model.modules())


class Pooled(nn.Module):
    """Places above `bias` of one convolution, summed with the weights given: its maps can be worked out by hand."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.places = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
        self.head = nn.Linear(1, len(weights), bias=False)
        nn.init.ones_(self.places[0].weight)
        self.head.weight.data = torch.tensor(weights)[:, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.places(x).mean(dim=(2, 3)))


@pytest.mark.parametrize(("model", "size", "shape"), MODELS)
def test_the_map_is_the_library_s_own(model: str, size: int, shape: tuple[int, int]) -> None:
    made, layer = built(model, size)
    evidence = 0
    for number in range(3):
        x = image(size, number)
        found = explain(made, layer, x, number, Lock())
        with GradCAM(model=made, target_layers=[layer]) as library:
            expected = library(input_tensor=x, targets=[ClassifierOutputTarget(number)])
        assert (found.values.shape, found.values.dtype) == (shape, np.float32)
        # the library scales to 0…1 before and after it enlarges
        np.testing.assert_allclose(scale_cam_image(scale_cam_image(found.values[None], (size, size))), expected, atol=1e-5)
        evidence += found.has_evidence
    assert evidence


def test_the_map_is_what_the_paper_s_formula_gives() -> None:
    x = image(6)
    found = explain(model := Pooled(3.0, -1.0).eval(), model.places, x, 0, Lock())
    np.testing.assert_allclose(found.values, 3.0 / 36 * x[0, 0].numpy(), rtol=1e-5)  # Selvaraju et al. 2017, equations 1 and 2


def test_a_stronger_head_gives_a_stronger_map_of_the_same_shape() -> None:
    made, layer = built("resnet18", 64)
    strengths = [explain(made, layer, image(64), number, Lock()).peak for number in range(3)]
    number = int(np.argmax(strengths))
    weak = explain(made, layer, image(64), number, Lock())
    with torch.no_grad():
        made.network.fc.weight *= 10
    strong = explain(made, layer, image(64), number, Lock())
    assert strong.peak == pytest.approx(10 * weak.peak, rel=1e-4)
    np.testing.assert_allclose(strong.scaled(64, 64), weak.scaled(64, 64), atol=1e-5)


def test_without_positive_evidence_the_map_is_empty_and_says_so() -> None:
    model = Pooled(3.0, -1.0).eval()
    found = explain(model, model.places, image(6), 1, Lock())
    assert (found.peak, found.has_evidence) == (0, False)
    assert not found.scaled(12, 12).any()
    assert "the heat map is empty" in found.warnings()[0]
    assert explain(model, model.places, image(6), 0, Lock()).warnings() == []


def test_eight_threads_on_one_model_find_what_one_finds() -> None:
    made, layer = built("alasfoor-cnn22", 32)
    tasks, lock = [(image(32, seed), seed % 3) for seed in range(48)], Lock()

    def one(task: tuple[torch.Tensor, int]) -> np.ndarray:
        return explain(made, layer, *task, lock).values

    alone = [one(task) for task in tasks]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(one, tasks))
    assert len({values.tobytes() for values in alone}) > 24  # else equality would say little
    for expected, found in zip(alone, together, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("number", [0, 7])  # the second is no class: the library raises in the middle
def test_the_model_is_left_as_it_was(number: int) -> None:
    made, layer = built("alasfoor-cnn22", 32)
    before, lock, x = {name: value.clone() for name, value in made.state_dict().items()}, Lock(), image(32)
    if number < 3:
        explain(made, layer, x, number, lock)
    else:
        with pytest.raises(IndexError):
            explain(made, layer, x, number, lock)
    assert hooks(made) == 0
    assert all(value.grad is None for value in made.parameters())
    assert x.grad is None
    assert not made.training
    assert not lock.locked()
    torch.testing.assert_close(dict(made.state_dict()), before, rtol=0, atol=0)


def test_an_unknown_method_is_refused_before_anything_is_done() -> None:
    made, layer = built("alasfoor-cnn22", 32)
    with pytest.raises(UnknownName, match=r"A heat-map method is chosen by its name\. Received: 'gradcan'\. Did you mean gradcam\?"):
        explain(made, layer, image(32), 0, Lock(), method="gradcan")
    assert METHODS == ("gradcam",)


def test_enlarging_keeps_the_place_and_the_range() -> None:
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 5.0
    scaled = HeatMap(values, "gradcam").scaled(40, 80)
    assert scaled.shape == (40, 80)
    assert (scaled.min(), scaled.max()) == (0, pytest.approx(1, abs=0.05))
    row, column = np.unravel_index(scaled.argmax(), scaled.shape)
    assert (row // 10, column // 20) == (1, 2)
