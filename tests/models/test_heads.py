"""Another head on every trunk, and a trunk that stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.models import classifier, registry
from core.models.classifier import Classifier, create
from core.models.heads import Headed, pooled
from core.models.registry import Head

LACRUZ = Head("pooled", hidden=512, batch_norm=True, dropout=0.5)
LIGHT = ["alasfoor-cnn22", "darkcovidnet", "googlenet", "resnet18", "densenet201", "test_resnet"]


def made(model: str, head: Head, size: int | None = None) -> Classifier:
    torch.manual_seed(0)
    return create(model, 3, size or max(40, registry.get(model).smallest), "train", head)


def pictures(size: int = 64) -> torch.Tensor:
    return torch.rand(4, 1, size, size, generator=torch.Generator().manual_seed(0))


def step(model: Classifier, x: torch.Tensor, lr: float = 0.05) -> None:
    """One step of training on whatever takes gradients."""
    model.train()
    taking = [value for value in model.parameters() if value.requires_grad]
    optimiser = torch.optim.SGD(taking, lr=lr, momentum=0.9)
    F.cross_entropy(model(x), torch.arange(len(x)) % 3).backward()
    optimiser.step()


@pytest.mark.parametrize(
    ("head", "layers"),
    [
        (LACRUZ, ["pool", "flatten", "hidden", "relu", "batch_norm", "dropout", "logits"]),
        (Head("pooled", hidden=64), ["pool", "flatten", "hidden", "relu", "logits"]),
        (Head("pooled"), ["pool", "flatten", "logits"]),
        (Head("pooled", batch_norm=True, dropout=0.2), ["pool", "flatten", "batch_norm", "dropout", "logits"]),
    ],
)
def test_a_pooled_head_has_the_layers_asked_for_in_their_order(head: Head, layers: list[str]) -> None:
    built = pooled(8, 3, head)
    assert [name for name, _ in built.named_children()] == layers
    assert built(torch.rand(2, 8, 5, 4)).shape == (2, 3)


def test_a_pooled_head_averages_each_map() -> None:
    built = pooled(4, 3, Head("pooled"))
    x = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(built(x), built.logits(x.mean(dim=(2, 3))))


@pytest.mark.parametrize("name", registry.names())
def test_a_pooled_head_stands_on_every_trunk_and_nothing_of_the_old_one_is_left(name: str) -> None:
    entry = registry.get(name)
    with torch.device("meta"):
        network = registry.build(name, 3, entry.image_size, LACRUZ)
        network(torch.zeros(2, entry.channels, entry.image_size, entry.image_size)).sum().backward()
    assert isinstance(network, Headed)
    assert [path for path, value in network.named_parameters() if value.grad is None] == []


def test_the_parameters_of_a_pooled_head_are_counted() -> None:
    trunk = registry.parameters("resnet18", 3, 224) - (512 * 3 + 3)
    assert registry.parameters("resnet18", 3, 224, LACRUZ) == trunk + (512 * 512 + 512) + 2 * 512 + (512 * 3 + 3)


@pytest.mark.parametrize("name", ["alasfoor-cnn22", "zhong-vgg", "resnet18", "test_resnet"])
def test_a_pooled_network_answers_with_its_trunk_s_maps(name: str) -> None:
    network = made(name, Head("pooled", hidden=16)).network.eval()
    x = torch.rand(2, registry.get(name).channels, 40, 40)
    torch.testing.assert_close(network(x), network.head(network.trunk.forward_features(x)))


@pytest.mark.parametrize("name", LIGHT)
def test_a_pooled_network_learns(name: str) -> None:
    model, x, y = made(name, Head("pooled", hidden=32, batch_norm=True), 64), pictures(), torch.tensor([0, 1, 2, 0])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(6):
        loss = F.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", LIGHT)
def test_weights_of_a_pooled_network_come_from_the_global_generator_alone(name: str) -> None:
    registry._trunk_channels.cache_clear()  # a first build counts channels; that must not draw from the generator
    one, other = made(name, LACRUZ).state_dict(), made(name, LACRUZ).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("head", [Head(), LACRUZ], ids=["own", "pooled"])
@pytest.mark.parametrize("name", LIGHT)
def test_the_layer_for_grad_cam_is_found_under_any_head(name: str, head: Head) -> None:
    model = made(name, head, 64).eval()
    maps = []
    model.layer(registry.get(name).cam_layer).register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    model(pictures())
    assert maps[0].ndim == 4


@pytest.mark.parametrize("head", [Head(), LACRUZ], ids=["own", "pooled"])
@pytest.mark.parametrize("name", [*LIGHT, "zhong-vgg"])
def test_a_frozen_trunk_keeps_weights_and_batch_statistics_while_the_head_learns(name: str, head: Head) -> None:
    model = made(name, head, 64)
    model.freeze()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    step(model, pictures())
    after = model.state_dict()
    changed = {key.removeprefix("network.") for key in after if not torch.equal(before[key], after[key])}
    assert changed
    assert all(any(key.startswith(f"{path}.") for path in model.head) for key in changed)


def test_a_frozen_trunk_stays_in_eval_mode_whatever_train_says() -> None:
    model = made("resnet18", LACRUZ)
    model.freeze()
    for mode in (True, False, True):
        model.train(mode)
        assert not any(module.training for module in model.network.trunk.modules())
        assert all(module.training == mode for module in model.network.head.modules())
        assert model.training == mode


def test_a_trunk_that_is_not_frozen_trains() -> None:
    model = made("resnet18", Head())
    before = model.network.bn1.running_mean.clone()
    step(model, pictures(40))
    assert not torch.equal(before, model.network.bn1.running_mean)
    assert all(value.requires_grad for value in model.parameters())


@pytest.mark.parametrize(
    ("name", "trained"),
    [
        ("resnet18", {"fc"}),
        ("alasfoor-cnn22", {"fc_1", "fc_2"}),
        ("alexnet", {"classifier.1", "classifier.4", "classifier.6"}),
        ("vgg16", {"pre_logits.fc1", "pre_logits.fc2", "head.fc"}),
        ("densenet201", {"classifier"}),
    ],
)
def test_below_a_frozen_trunk_all_that_comes_after_the_convolutions_is_trained(name: str, trained: set[str]) -> None:
    with torch.device("meta"):
        model = create(name, 3, 64, "train")
    model.freeze()
    taking = {path.removeprefix("network.").rpartition(".")[0] for path, value in model.named_parameters() if value.requires_grad}
    assert taking == trained


def test_the_frozen_trunk_keeps_no_graph() -> None:
    model, seen = made("resnet18", Head()), []
    model.freeze()
    model.layer("layer4").register_forward_hook(lambda _module, _inputs, output: seen.append(output.requires_grad))
    assert model(pictures(40)).requires_grad
    assert seen == [False]


@pytest.mark.parametrize("head", [Head(), LACRUZ], ids=["own", "pooled"])
@pytest.mark.parametrize("name", [*LIGHT, "benbakreti-cnn", "alexnet", "xception"])
def test_a_head_alone_gives_from_its_features_what_the_network_gives(name: str, head: Head) -> None:
    model = made(name, head, max(64, registry.get(name).smallest)).eval()
    features, logits = model.features(pictures(max(64, registry.get(name).smallest)))
    assert not features.requires_grad
    assert torch.equal(model.head_alone()(features), logits)


def test_the_features_of_a_pooled_head_are_pooled() -> None:
    assert made("resnet18", LACRUZ, 64).eval().features(pictures())[0].shape == (4, 512, 1, 1)


def test_a_head_alone_trains_and_is_stored_as_the_whole_network() -> None:
    model = made("resnet18", LACRUZ, 64)
    model.freeze()
    features, _ = model.eval().features(pictures())
    alone, before = model.head_alone(), {key: value.clone() for key, value in model.state_dict().items()}
    alone.train()
    assert model.network.head.dropout.training
    assert not model.network.trunk.bn1.training
    F.cross_entropy(alone(features), torch.arange(4) % 3).backward()
    torch.optim.SGD([value for value in alone.parameters() if value.requires_grad], lr=0.1).step()
    assert alone.state_dict().keys() == before.keys()
    assert not torch.equal(model.network.head.logits.weight, before["network.head.logits.weight"])
    alone.load_state_dict(before)
    assert torch.equal(model.network.head.logits.weight, before["network.head.logits.weight"])
    assert len(list(alone.parameters())) == len(list(model.parameters()))


def test_a_classifier_by_hand_is_as_before() -> None:
    model = Classifier(nn.Identity(), 1, torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    x = torch.rand(2, 1, 4, 4)
    torch.testing.assert_close(model(x), x)
    assert classifier.Head() == Head()
