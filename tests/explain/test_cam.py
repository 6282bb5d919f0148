"""Heat maps: the library's own maps, with their magnitude, alone or many at once, one thread at a time, and a model left as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torchvision.models import densenet121

from core.errors import InvalidSpec, UnknownName
from core.explain.cam import METHODS, explain, explain_many, occlude
from core.models import classifier, registry
from core.models.registry import Head

LIBRARY = {
    "gradcam": pytorch_grad_cam.GradCAM,
    "hirescam": pytorch_grad_cam.HiResCAM,
    "gradcam++": pytorch_grad_cam.GradCAMPlusPlus,
    "xgradcam": pytorch_grad_cam.XGradCAM,
    "layercam": pytorch_grad_cam.LayerCAM,
    "gradcamelementwise": pytorch_grad_cam.GradCAMElementWise,
}
SIZES = {"resnet18": 64, "densenet201": 64, "vgg16": 32, "inception_v3": 107, "alasfoor-cnn22": 32}
QUICK = [name for name, method in METHODS.items() if not method.slow and name != "cam"]


def built(model: str, size: int, head: Head = registry.OWN_HEAD) -> tuple[classifier.Classifier, str]:
    """A model with random weights in eval mode, and the layer to look at."""
    torch.manual_seed(1)
    return classifier.create(model, 3, size, "train", head).eval(), registry.get(model).cam_layer


@pytest.fixture(scope="module")
def small() -> tuple[classifier.Classifier, str]:
    return built("alasfoor-cnn22", 32)


def image(size: int, seed: int = 0, count: int = 1) -> torch.Tensor:
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(seed))


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._backward_hooks) for module in model.modules())


def by_library(library: type, model: nn.Module, layer: nn.Module, x: torch.Tensor, index: int) -> np.ndarray:
    """The library's map, scaled to 0…1 and enlarged. float32 [S, S]"""
    with library(model=model, target_layers=[layer]) as cam:
        found = cam(input_tensor=x, targets=[ClassifierOutputTarget(index)])[0]
    model.zero_grad(set_to_none=True)
    return found


def as_library(values: np.ndarray, size: int) -> np.ndarray:
    return scale_cam_image(scale_cam_image(values[None], (size, size)))[0]  # it scales before and after it enlarges


class Pooled(nn.Module):
    """Places above 0 of one convolution, averaged, with the weights given: its maps can be worked out by hand."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.places = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
        self.head = nn.Linear(1, len(weights), bias=False)
        nn.init.ones_(self.places[0].weight)
        self.head.weight.data = torch.tensor(weights)[:, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.places(x).mean(dim=(2, 3)))


@pytest.mark.parametrize("name", SIZES)
def test_maps_are_the_library_s_own(name: str) -> None:
    made, path = built(name, size := SIZES[name])
    x = image(size)
    index = int(np.argmax([heat.peak for heat in explain_many(made, path, x, range(3), Lock())]))
    methods = ("gradcam",) if name == "vgg16" else LIBRARY  # of VGG16 the library fills 134 million gradients each time
    for method in methods:
        found = explain(made, path, x, index, Lock(), method)
        expected = by_library(LIBRARY[method], made, made.layer(path), x, index)
        np.testing.assert_allclose(as_library(found.values, size), expected, atol=1e-5)
        assert found.has_evidence
        assert (found.method, found.layer, found.class_index) == (method, path, index)


@pytest.mark.parametrize(("method", "library"), [("scorecam", pytorch_grad_cam.ScoreCAM), ("ablationcam", pytorch_grad_cam.AblationCAM)])
def test_maps_by_many_passes_are_the_library_s_own(method: str, library: type, small: tuple[classifier.Classifier, str]) -> None:
    made, path = small
    compared = 0
    for seed in range(4):
        x = image(32, seed)
        for index in np.flatnonzero(made(x)[0].detach().numpy() > 0):  # the library divides by the logit, which turns maps over below 0
            found = explain(made, path, x, int(index), Lock(), method)
            np.testing.assert_allclose(as_library(found.values, 32), by_library(library, made, made.layer(path), x, int(index)), atol=1e-4)
            compared += found.has_evidence
    assert compared > 2


def test_the_map_is_what_the_paper_s_formula_gives() -> None:
    x = image(6)
    found = explain(model := Pooled(3.0, -1.0).eval(), model.places, x, 0, Lock())
    np.testing.assert_allclose(found.values, 3.0 / 36 * x[0, 0].numpy(), rtol=1e-5)  # Selvaraju et al. 2017, equations 1 and 2


def test_what_works_in_place_on_the_layer_s_output_leaves_the_map_as_it_was() -> None:
    """torchvision's DenseNet applies its last ReLU in place on the layer's output."""
    torch.manual_seed(0)
    model, x = densenet121(num_classes=2).eval(), image(64).expand(1, 3, 64, 64)
    found = explain(model, "features.norm5", x, 1, Lock(), "hirescam")
    kept: list[torch.Tensor] = []
    handle = model.features.norm5.register_forward_hook(lambda _module, _inputs, output: kept.append(output) or output.clone())
    gradient = torch.autograd.grad(model(x)[0, 1], kept[0])[0]
    handle.remove()
    assert kept[0].min() < 0  # before the ReLU
    np.testing.assert_allclose(found.signed, (gradient * kept[0]).sum(dim=1)[0].detach().numpy(), rtol=1e-4, atol=1e-6)


def test_a_stronger_head_gives_a_stronger_map_of_the_same_shape() -> None:
    made, layer = built("resnet18", 64)
    strengths = [heat.peak for heat in explain_many(made, layer, image(64), range(3), Lock())]
    number = int(np.argmax(strengths))
    weak = explain(made, layer, image(64), number, Lock())
    with torch.no_grad():
        made.network.fc.weight *= 10
    strong = explain(made, layer, image(64), number, Lock())
    assert strong.peak == pytest.approx(10 * weak.peak, rel=1e-4)
    np.testing.assert_allclose(strong.scaled(64, 64), weak.scaled(64, 64), atol=1e-5)


@pytest.mark.parametrize("method", [*QUICK, "scorecam", "ablationcam", "occlusion"])
def test_many_at_once_are_what_they_are_one_by_one(method: str, small: tuple[classifier.Classifier, str]) -> None:
    made, path = small
    x = image(32, count=4)
    images = explain_many(made, path, x, [0, 2, 1, 2], Lock(), method, list("acbc"))
    classes = explain_many(made, path, x[:1], [0, 2, 1, 2], Lock(), method)
    for number, (index, label) in enumerate(zip([0, 2, 1, 2], "acbc", strict=True)):
        alone = explain(made, path, x[number : number + 1], index, Lock(), method)
        np.testing.assert_allclose(images[number].signed, alone.signed, atol=1e-5 * max(alone.peak, 1e-3), rtol=1e-3)
        assert images[number].label == label
        alone = explain(made, path, x[:1], index, Lock(), method)
        np.testing.assert_allclose(classes[number].signed, alone.signed, atol=1e-5 * max(alone.peak, 1e-3), rtol=1e-3)


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_a_cam_averages_to_the_logit_less_its_bias(name: str) -> None:
    made, path = built(name, 64)
    found = explain_many(made, path, x := image(64), range(3), Lock(), "cam")
    expected = (made(x)[0] - made.network.fc.bias).detach().numpy()
    np.testing.assert_allclose([heat.signed.mean() for heat in found], expected, rtol=1e-3, atol=1e-6)


def test_a_pooled_head_without_a_hidden_layer_has_a_cam_and_one_with_it_has_none() -> None:
    last = "maxpool_4"  # what the head averages
    made, path = built("alasfoor-cnn22", 32, Head("pooled", batch_norm=True, dropout=0.5))
    assert explain(made, last, image(32), 0, Lock(), "cam").values.shape == (2, 2)
    with pytest.raises(InvalidSpec, match=r"CAM needs .*takes maxima"):
        explain(made, path, image(32), 0, Lock(), "cam")
    made, _ = built("alasfoor-cnn22", 32, Head("pooled", hidden=16))
    with pytest.raises(InvalidSpec, match=r"CAM needs .*more than one linear layer"):
        explain(made, last, image(32), 0, Lock(), "cam")


def test_a_network_that_does_not_average_its_maps_has_no_cam(small: tuple[classifier.Classifier, str]) -> None:
    with pytest.raises(InvalidSpec, match=r"CAM needs .*flattens them.*Choose Grad-CAM"):
        explain(*small, image(32), 0, Lock(), "cam")


def test_an_ablation_is_the_fall_of_the_logit_also_where_other_paths_bypass_the_layer() -> None:
    class Bypassed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.places, self.head = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 5, 3), nn.Linear(7, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            early = self.first(x)
            return self.rest(early, self.places(early))

        def rest(self, early: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
            return self.head(torch.cat([early.amax(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1))

    torch.manual_seed(0)
    model, x = Bypassed().eval(), image(9)
    with torch.no_grad():
        maps = model.places(model.first(x))
        without = maps * (1 - torch.eye(5)[:, :, None, None])
        drops = [model(x)[0, 1] - model.rest(model.first(x), one[None])[0, 1] for one in without]
        expected = sum(drop * one for drop, one in zip(drops, maps[0], strict=True))
    assert any(drops)
    np.testing.assert_allclose(explain(model, "places", x, 1, Lock(), "ablationcam").signed, expected.numpy(), atol=1e-5)


def test_eigencam_knows_no_class_and_says_so(small: tuple[classifier.Classifier, str]) -> None:
    one, other = explain_many(*small, image(32), [0, 1], Lock(), "eigencam")
    np.testing.assert_array_equal(one.values, other.values)
    assert one.class_index is None
    assert "EigenCAM knows no class" in one.warnings()[0]


def test_eigencam_is_the_first_principal_component_with_its_strongest_side_up(small: tuple[classifier.Classifier, str]) -> None:
    from sklearn.decomposition import PCA

    made, path = small
    kept: list[torch.Tensor] = []
    handle = made.layer(path).register_forward_hook(lambda _module, _inputs, output: kept.append(output.detach()))
    made(image(32))
    handle.remove()
    component = PCA(1, svd_solver="full").fit_transform(kept[0][0].flatten(1).T.numpy()).reshape(4, 4)
    found = explain(made, path, image(32), 0, Lock(), "eigencam")
    np.testing.assert_allclose(np.abs(found.signed), np.abs(component), atol=1e-5)
    assert found.peak >= found.against


def test_occlusion_is_the_fall_of_the_logit_under_each_patch(small: tuple[classifier.Classifier, str]) -> None:
    made, x = small[0], image(32)
    found = occlude(made, x, 2, Lock(), patch=8, stride=8, label="c")
    assert found.signed.shape == (4, 4)
    with torch.no_grad():
        covered = x.clone()
        covered[..., 8:16, 24:32] = x.mean()
        expected = made(x)[0, 2] - made(covered)[0, 2]
    assert found.signed[1, 3] == pytest.approx(float(expected), abs=1e-6)
    assert "8 × 8 px" in found.detail
    assert found.layer == ""


@pytest.mark.parametrize(("patch", "stride"), [(0, 8), (8, 0), (33, 8)])
def test_an_impossible_patch_is_refused(patch: int, stride: int, small: tuple[classifier.Classifier, str]) -> None:
    with pytest.raises(InvalidSpec, match="of an occlusion map is 1 to 32 pixels"):
        occlude(small[0], image(32), 0, Lock(), patch=patch, stride=stride)


def test_slow_methods_tell_how_far_they_are(small: tuple[classifier.Classifier, str]) -> None:
    told: list[tuple[int, int]] = []
    explain_many(*small, image(32), [0, 1], Lock(), "scorecam", progress=lambda *at: told.append(at))
    assert told[0] == (16, 128)
    assert told[-1] == (128, 128)
    assert told == sorted(told)


def test_without_positive_evidence_the_map_is_empty_and_says_so() -> None:
    model = Pooled(3.0, -1.0).eval()
    found = explain(model, model.places, image(6), 1, Lock())
    assert (found.peak, found.has_evidence) == (0, False)
    assert found.against == pytest.approx(float(image(6).max()) / 36, rel=1e-5)
    assert not found.scaled(12, 12).any()
    assert "the heat map is empty" in found.warnings()[0]
    assert explain(model, model.places, image(6), 0, Lock()).warnings() == []


@pytest.mark.parametrize("method", ["gradcam", "ablationcam"])
def test_eight_threads_on_one_model_find_what_one_finds(method: str, small: tuple[classifier.Classifier, str]) -> None:
    tasks, lock = [(image(32, seed), seed % 3) for seed in range(400 if method == "gradcam" else 24)], Lock()

    def one(task: tuple[torch.Tensor, int]) -> np.ndarray:
        return explain(*small, *task, lock, method).values

    alone = [one(task) for task in tasks]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(one, tasks))
    assert len({values.tobytes() for values in alone}) > len(tasks) // 2  # else equality would say little
    for expected, found in zip(alone, together, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", [*QUICK, "scorecam", "ablationcam", "occlusion"])
@pytest.mark.parametrize("index", [0, 7, -1])  # only the first is a class
def test_the_model_is_left_as_it_was(index: int, method: str) -> None:
    made, layer = built("alasfoor-cnn22", 32)
    before, lock, x = {name: value.clone() for name, value in made.state_dict().items()}, Lock(), image(32)
    if index == 0 or method == "eigencam":
        explain(made, layer, x, index, lock, method)
    else:
        with pytest.raises(InvalidSpec, match=rf"numbered from 0 to 2\. Received: {index}\."):
            explain(made, layer, x, index, lock, method)
    assert hooks(made) == 0
    assert all(value.grad is None for value in made.parameters())
    assert x.grad is None
    assert not made.training
    assert not lock.locked()
    assert torch.is_grad_enabled()
    torch.testing.assert_close(dict(made.state_dict()), before, rtol=0, atol=0)


def test_a_frozen_model_under_inference_mode_gives_the_same_map() -> None:
    made, layer = built("alasfoor-cnn22", 32)
    expected = explain(made, layer, image(32), 0, Lock())
    made.requires_grad_(False)
    with torch.inference_mode():
        x = image(32)
        assert x.is_inference()
        found = explain(made, layer, x, 0, Lock())
        assert torch.is_inference_mode_enabled()
    np.testing.assert_array_equal(found.signed, expected.signed)


def test_a_model_in_training_is_refused() -> None:
    made, layer = built("alasfoor-cnn22", 32)
    with pytest.raises(InvalidSpec, match="in eval mode"):
        explain(made.train(), layer, image(32), 0, Lock())


def test_layers_without_places_or_run_twice_are_refused() -> None:
    class Twice(Pooled):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(self.places(x))

    made, _ = built("alasfoor-cnn22", 32)
    with pytest.raises(InvalidSpec, match=r"has places.*an output of \[1, 3\]"):
        explain(made, "fc_1", image(32), 0, Lock())
    with pytest.raises(UnknownName, match=r"A layer is chosen by its name.*relu_4"):
        explain(made, "relu_44", image(32), 0, Lock())
    twice = Twice(1.0).eval()
    with pytest.raises(InvalidSpec, match="more than once"):
        explain(twice, twice.places, image(6), 0, Lock())
    with pytest.raises(InvalidSpec, match="does not run"):
        explain(made, twice.places, image(32), 0, Lock())
    assert hooks(made) + hooks(twice) == 0


def test_as_many_classes_as_neither_one_image_nor_all_take_are_refused(small: tuple[classifier.Classifier, str]) -> None:
    with pytest.raises(InvalidSpec, match="2 images and 3 classes"):
        explain_many(*small, image(32, count=2), [0, 1, 2], Lock())


def test_an_unknown_method_is_refused_before_anything_is_done(small: tuple[classifier.Classifier, str]) -> None:
    with pytest.raises(UnknownName, match=r"A heat-map method is chosen by its name\. Received: 'gradcan'\. Did you mean gradcam"):
        explain(*small, image(32), 0, Lock(), method="gradcan")
