"""Every architecture, by a walk through the registry: shapes, sizes, Grad-CAM layer, and whether it learns at all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from core.errors import InvalidSpec, UnknownName
from core.models import registry
from core.models.registry import Head

CLASSES = 3
LEARNS_AT = 64  # pixels, or the smallest size where that is larger

FIGURES = {  # parameters for 3 classes and multiply-adds at its own size, and the side of the map that Grad-CAM reads there
    "alasfoor-cnn22": (62_271, 47_002_377, 28),
    "benbakreti-cnn": (17_458_147, 4_561_353_728, 8),
    "zhong-vgg": (63_148_835, 406_943_744, 10),
    "darkcovidnet": (1_167_586, 290_332_913, 13),
    "edgenet": (80_981, 6_379_200, 6),
    "alexnet": (57_016_131, 712_683_520, 13),
    "googlenet": (5_602_979, 1_497_355_264, 7),
    "inception_v3": (21_791_715, 5_711_174_240, 8),
    "resnet18": (11_178_051, 1_813_562_880, 7),
    "resnet50": (23_514_179, 4_087_142_400, 7),
    "resnet101": (42_506_307, 7_799_363_584, 7),
    "resnet50v2": (23_506_499, 4_087_142_400, 7),
    "vgg16": (134_272_835, 15_466_180_608, 14),
    "vgg19": (139_582_531, 19_627_978_752, 14),
    "xception": (20_813_099, 8_355_361_640, 10),
    "inception_resnet_v2": (54_311_075, 13_154_262_624, 8),
    "densenet201": (18_098_691, 4_289_451_648, 7),
    "nasnetalarge": (84_732_249, 23_779_394_754, 11),
}
HEAVY = [name for name, (parameters, _, _) in FIGURES.items() if parameters > 40e6]

every_model = pytest.mark.parametrize("name", registry.names())
every_light_model = pytest.mark.parametrize("name", [name for name in registry.names() if name not in HEAVY])


def build(name: str, image_size: int, classes: int = CLASSES) -> nn.Module:
    torch.manual_seed(0)
    return registry.build(name, classes, image_size)


def on_meta(name: str, image_size: int, classes: int = CLASSES) -> nn.Module:
    """Without weights, so that nothing is computed."""
    with torch.device("meta"):
        return registry.build(name, classes, image_size)


def pictures(name: str, size: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, registry.get(name).channels, size, size, generator=torch.Generator().manual_seed(1))


def map_and_logits(name: str, size: int, *, meta: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Output of the Grad-CAM layer and of the whole network."""
    network, maps = (on_meta if meta else build)(name, size).eval(), []
    network.get_submodule(registry.get(name).cam_layer).register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    with torch.no_grad():
        logits = network(pictures(name, size).to("meta" if meta else "cpu"))
    assert len(maps) == 1
    return maps[0], logits


@every_model
def test_a_forward_pass_gives_finite_logits_and_a_map_for_grad_cam(name: str) -> None:
    found, logits = map_and_logits(name, registry.get(name).smallest, meta=False)
    assert logits.shape == (2, CLASSES)
    assert torch.isfinite(logits).all()
    assert torch.isfinite(found).all()
    assert found.ndim == 4
    assert found.shape[0] == 2
    assert min(found.shape[2:]) >= 2
    assert (found[0] != found[1]).any()


@every_model
def test_the_map_for_grad_cam_has_its_known_side_at_the_architecture_s_own_size(name: str) -> None:
    found, logits = map_and_logits(name, registry.get(name).image_size, meta=True)
    assert logits.shape == (2, CLASSES)
    assert tuple(found.shape[2:]) == (FIGURES[name][2],) * 2


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
@every_model
def test_one_pixel_below_the_smallest_size_there_is_nothing_left_to_see(name: str) -> None:
    size = registry.get(name).smallest - 1
    try:
        found, _ = map_and_logits(name, size, meta=True)
    except RuntimeError:  # a layer has nothing to work on
        return
    assert found.shape[2:] == (1, 1)


@every_model
def test_there_is_a_logit_a_class(name: str) -> None:
    size = registry.get(name).smallest
    assert on_meta(name, size, classes=7).eval()(pictures(name, size).to("meta")).shape == (2, 7)


@every_model
def test_an_entry_describes_itself(name: str) -> None:
    entry = registry.get(name)
    assert entry.name == name
    assert entry.title
    assert entry.smallest <= entry.image_size
    assert entry.channels in (1, 3)
    network = on_meta(name, entry.smallest)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert convolutions[0].in_channels == entry.channels
    assert set(entry.head) <= {child for child, _ in network.named_children()}


@every_model
def test_its_head_is_what_its_trunk_does_not_use(name: str) -> None:
    entry = registry.get(name)
    network = on_meta(name, entry.image_size)
    network.eval().forward_features(pictures(name, entry.image_size).to("meta")).sum().backward()
    unused = {path.split(".")[0] for path, value in network.named_parameters() if value.grad is None}
    weighted = {child for child, module in network.named_children() if any(True for _ in module.parameters())}
    assert unused == set(entry.head) & weighted


@every_model
def test_a_trunk_ends_in_the_map_of_grad_cam_or_one_pooling_after_it(name: str) -> None:
    entry = registry.get(name)
    network, maps = on_meta(name, entry.image_size).eval(), []
    network.get_submodule(entry.cam_layer).register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    features = network.forward_features(pictures(name, entry.image_size).to("meta"))
    assert features.shape[:2] == maps[0].shape[:2]
    assert features.shape[2] in (maps[0].shape[2], maps[0].shape[2] // 2, (maps[0].shape[2] - 3) // 2 + 1)


@every_model
def test_parameters_and_multiply_adds_are_those_known(name: str) -> None:
    size = registry.get(name).image_size
    parameters, multiply_adds, _ = FIGURES[name]
    assert registry.parameters(name, CLASSES, size) == parameters
    assert registry.multiply_adds(name, size, CLASSES) == multiply_adds


def test_multiply_adds_are_counted_as_by_hand() -> None:
    convolutions = sum(side**2 * 9 * wide * deep for side, wide, deep in ((224, 1, 8), (112, 8, 16), (56, 16, 32), (28, 32, 64)))
    assert registry.multiply_adds("alasfoor-cnn22", 224, 3) == convolutions + 64 * 14 * 14 * 3 + 3 * 3


@pytest.mark.parametrize(
    ("name", "paper"),
    [
        *[(name, "benbakreti-2022") for name in ("benbakreti-cnn", "alexnet", "inception_v3", "resnet18")],
        *[(name, "lacruz-2020") for name in ("vgg16", "xception", "resnet50", "resnet101", "inception_resnet_v2", "densenet201")],
        *[(name, "bansal-2020") for name in ("vgg16", "vgg19", "resnet50v2", "inception_v3", "xception", "nasnetalarge")],
        *[("alasfoor-cnn22", "alasfoor-2020"), ("alexnet", "alasfoor-2020"), ("zhong-vgg", "zhong-2020")],
        ("darkcovidnet", "darkcovidnet-2020"),
    ],
)
def test_the_papers_models_are_all_there(name: str, paper: str) -> None:
    assert paper in registry.get(name).papers


def to_learn(name: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network without dropout, which would hide what is learnt in few steps, and two images of two classes."""
    size = max(LEARNS_AT, registry.get(name).smallest)
    network = build(name, size, classes=2)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network, pictures(name, size), torch.tensor([0, 1])


@every_model
def test_a_step_down_the_gradient_lowers_the_loss_and_every_parameter_has_a_part_in_it(name: str) -> None:
    network, x, y = to_learn(name)
    loss = F.cross_entropy(network(x), y)
    loss.backward()
    assert [path for path, value in network.named_parameters() if value.grad is None] == []
    with torch.no_grad():
        length = sum(value.grad.square().sum() for value in network.parameters())
        for value in network.parameters():
            value -= 0.01 * loss / length * value.grad  # short enough for the slope to hold: 1 % of the loss
        assert F.cross_entropy(network(x), y) < loss


@pytest.mark.parametrize("name", ["alasfoor-cnn22", "darkcovidnet", "googlenet", "resnet18", "xception", "test_resnet"])
def test_two_images_can_be_learnt_by_heart(name: str) -> None:
    network, x, y = to_learn(name)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(10):
        loss = F.cross_entropy(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@every_model
def test_weights_come_back_from_the_disk_bit_for_bit(name: str, tmp_path: Path) -> None:
    size, file = registry.get(name).smallest, tmp_path / "model.safetensors"
    network = build(name, size)
    with torch.no_grad():
        network(pictures(name, size))  # moves the running statistics, which are part of the state
    save_file(network.state_dict(), file)
    torch.manual_seed(5)
    other = registry.build(name, CLASSES, size)
    ours, theirs = network.state_dict(), other.state_dict()  # views: they follow what is loaded
    assert any(not torch.equal(ours[key], theirs[key]) for key in ours)
    other.load_state_dict(load_file(file))
    file.unlink()  # half a gigabyte for some
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


@every_light_model
def test_weights_come_from_the_global_generator_alone(name: str) -> None:
    size = registry.get(name).smallest
    one, other = build(name, size).state_dict(), build(name, size).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_name_that_stands_twice_raises() -> None:
    entry = registry.get("resnet18")
    with pytest.raises(ValueError, match="Two architectures are called 'resnet18'"):
        registry.register((entry, replace(entry, title="Another")))


@pytest.mark.parametrize("ask", [registry.get, lambda name: registry.build(name, 2, 64), lambda name: registry.parameters(name, 2, 64)])
def test_an_unknown_model_is_answered_with_the_nearest(ask) -> None:
    with pytest.raises(UnknownName, match=r"A model is chosen by its name\. Received: 'resnet81'\. Did you mean resnet18"):
        ask("resnet81")


def test_the_nearest_may_be_one_of_timm_s() -> None:
    with pytest.raises(UnknownName, match="Did you mean convnext_tiny"):
        registry.get("convnext_tinny")


def test_where_nothing_is_near_ours_are_named() -> None:
    with pytest.raises(UnknownName, match="Choose one of: alasfoor-cnn22, alexnet"):
        registry.get("zzz")


def test_names_and_sizes_are_known_without_torch() -> None:
    code = (
        "import sys; from core.models import registry; [registry.get(name) for name in registry.names()]; "
        "sys.exit(any(module in sys.modules for module in ('torch', 'timm', 'torchvision')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[2], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "size", "smallest", "layer", "head"),
    [
        ("resnet10t", 176, 33, "layer4", ("fc",)),  # its own size is no multiple of its stride
        ("test_resnet", 160, 33, "layer4", ("fc",)),
        ("test_resnet.r160_in1k", 160, 33, "layer4", ("fc",)),
        ("mobilenetv3_small_100", 224, 33, "blocks", ("conv_head", "classifier")),
    ],
)
def test_any_other_model_of_timm_is_there_by_its_name(name: str, size: int, smallest: int, layer: str, head: tuple[str, ...]) -> None:
    entry = registry.get(name)
    assert (entry.image_size, entry.smallest, entry.cam_layer, entry.head) == (size, smallest, layer, head)
    assert name not in registry.names()
    found, logits = map_and_logits(name, smallest, meta=False)
    assert found.shape[2:] == (2, 2)
    assert logits.shape == (2, CLASSES)
    assert torch.isfinite(logits).all()
    assert registry.build(name, 2, size, Head("pooled", hidden=8)).eval()(pictures(name, size)).shape == (2, 2)


def test_a_model_of_timm_brings_its_own_normalisation_and_tag() -> None:
    entry = registry.get("test_resnet")
    assert (entry.mean, entry.std, entry.source) == ((0.5,) * 3, (0.5,) * 3, "test_resnet.r160_in1k")


@pytest.mark.parametrize("name", ["test_vit", "mixer_s16_224", "swin_tiny_patch4_window7_224"])
def test_a_model_without_maps_is_refused_because_grad_cam_could_not_read_it(name: str) -> None:
    with pytest.raises(InvalidSpec, match=f"if Grad-CAM can show where it looked.*{name}, which ends in features without places"):
        registry.get(name)


def test_a_model_of_one_size_alone_refuses_another() -> None:
    assert registry.get("maxvit_pico_rw_256").smallest == 256
    with pytest.raises(InvalidSpec, match=r"takes images of 256 px alone\. Received: image size 300"):
        registry.build("maxvit_pico_rw_256", 2, 300)
