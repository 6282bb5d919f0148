"""Every architecture, by a walk through the registry: shapes, sizes, Grad-CAM layer, and whether it learns at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from core.errors import UnknownName
from core.models import registry

CLASSES = 3
LEARNS_AT = 64  # pixels: small, and enough for every entry so far

every_model = pytest.mark.parametrize("name", registry.names())


def build(name: str, image_size: int, classes: int = CLASSES) -> nn.Module:
    torch.manual_seed(0)
    return registry.build(name, classes, image_size)


def pictures(name: str, size: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, registry.get(name).channels, size, size, generator=torch.Generator().manual_seed(1))


def map_and_logits(name: str, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Output of the Grad-CAM layer and of the whole network."""
    network, maps = build(name, size).eval(), []
    network.get_submodule(registry.get(name).cam_layer).register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    with torch.no_grad():
        logits = network(pictures(name, size))
    return maps[0], logits


@every_model
@pytest.mark.parametrize("size", ["smallest", "image_size"])
def test_a_forward_pass_gives_finite_logits_and_a_map_for_grad_cam(name: str, size: str) -> None:
    found, logits = map_and_logits(name, getattr(registry.get(name), size))
    assert logits.shape == (2, CLASSES)
    assert torch.isfinite(logits).all()
    assert found.ndim == 4
    assert found.shape[0] == 2
    assert min(found.shape[2:]) >= 2
    assert (found[0] != found[1]).any()


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
@every_model
def test_one_pixel_below_the_smallest_size_there_is_nothing_left_to_see(name: str) -> None:
    size = registry.get(name).smallest - 1
    try:
        found, _ = map_and_logits(name, size)
    except RuntimeError:  # a layer has nothing to work on
        return
    assert found.shape[2:] == (1, 1)


@every_model
@pytest.mark.parametrize("classes", [2, 7])
def test_there_is_a_logit_a_class(name: str, classes: int) -> None:
    size = registry.get(name).smallest
    assert build(name, size, classes).eval()(pictures(name, size)).shape == (2, classes)


@every_model
def test_an_entry_describes_itself(name: str) -> None:
    entry = registry.get(name)
    assert entry.name == name
    assert entry.title
    assert entry.smallest <= entry.image_size
    assert entry.channels in (1, 3)
    convolutions = [module for module in build(name, entry.smallest).modules() if isinstance(module, nn.Conv2d)]
    assert convolutions[0].in_channels == entry.channels


@every_model
def test_parameters_are_counted_without_building(name: str) -> None:
    size = registry.get(name).smallest
    assert registry.parameters(name, CLASSES, size) == sum(value.numel() for value in build(name, size).parameters())


@pytest.mark.parametrize(
    ("name", "size", "count"),
    [
        # convolutions 80 + 1,168 + 4,640 + 18,496; batch normalisation 2 × 120; fully connected 64 × 14 × 14 × 3 + 3 and 3 × 3 + 3
        ("alasfoor-cnn22", 224, 62_271),
        ("resnet18", 224, 11_178_051),
    ],
)
def test_parameter_counts_are_those_of_the_papers_for_three_classes(name: str, size: int, count: int) -> None:
    assert registry.parameters(name, 3, size) == count


@every_model
def test_two_images_can_be_learnt_by_heart(name: str) -> None:
    network, x, y = build(name, LEARNS_AT, classes=2), pictures(name, LEARNS_AT), torch.tensor([0, 1])
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # it would hide what is learnt in so few steps
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = F.cross_entropy(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@every_model
def test_every_parameter_has_a_part_in_the_answer(name: str) -> None:
    size = registry.get(name).smallest
    network = build(name, size)
    network(pictures(name, size)).square().sum().backward()
    assert [path for path, value in network.named_parameters() if value.grad is None] == []


@every_model
def test_weights_come_back_from_the_disk_bit_for_bit(name: str, tmp_path: Path) -> None:
    size = registry.get(name).smallest
    network = build(name, size)
    network(pictures(name, size))  # moves the running statistics, which are part of the state
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    torch.manual_seed(5)
    other = registry.build(name, CLASSES, size)
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    for key, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key
    x = pictures(name, size)
    assert torch.equal(network.eval()(x), other.eval()(x))


@every_model
def test_weights_come_from_the_global_generator_alone(name: str) -> None:
    size = registry.get(name).smallest
    one, other = build(name, size).state_dict(), build(name, size).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)
    torch.manual_seed(1)
    third = registry.build(name, CLASSES, size).state_dict()
    assert any(not torch.equal(one[key], third[key]) for key in one)


def test_a_name_that_stands_twice_raises() -> None:
    entry = registry.get("resnet18")
    with pytest.raises(ValueError, match="Two architectures are called 'resnet18'"):
        registry.register((entry, replace(entry, title="Another")))


@pytest.mark.parametrize("ask", [registry.get, lambda name: registry.build(name, 2, 64), lambda name: registry.parameters(name, 2, 64)])
def test_an_unknown_model_is_answered_with_the_nearest(ask) -> None:
    with pytest.raises(UnknownName, match=r"A model is chosen by its name\. Received: 'resnet81'\. Did you mean resnet18"):
        ask("resnet81")
