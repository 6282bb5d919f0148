"""The randomisation check: what hangs on the weights passes, what does not is found out."""

from __future__ import annotations

from threading import Lock

import numpy as np
import pytest
import torch
from torch import nn

from core.explain.checks import Randomisation, randomised, spearman, ssim
from core.explain.heatmap import HeatMap
from core.models import classifier, registry


def image(size: int = 32) -> torch.Tensor:
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0))


class Blind(nn.Module):
    """Its maps are the image itself, whatever its weights are."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.head = nn.AvgPool2d(4), nn.Linear(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.places(x).mean(dim=(2, 3)))


class Tuned(nn.Module):
    """Looks at one place of an even image, which its weights alone determine."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.head = nn.Conv2d(1, 4, 4, stride=4), nn.Linear(4 * 64, 2)
        torch.manual_seed(0)
        nn.init.normal_(self.head.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.places(x).flatten(1))


def test_a_map_that_only_shows_the_image_is_found_out() -> None:
    found = randomised(Blind().eval(), "places", image(), 0, Lock(), "eigencam")
    assert found.stages[-1].spearman == pytest.approx(1)
    assert found.stages[-1].ssim == pytest.approx(1)
    assert "do not read it as evidence" in found.reading


def test_a_map_that_hangs_on_the_weights_passes() -> None:
    found = randomised(Tuned().eval(), "places", image(), 0, Lock(), "hirescam", draws=5)
    assert abs(found.stages[-1].spearman) < 0.3
    assert "another one" in found.reading


def test_randomisation_goes_from_the_top_down_to_every_layer() -> None:
    torch.manual_seed(1)
    model = classifier.create("alasfoor-cnn22", 3, 32, "train").eval()
    told: list[tuple[int, int]] = []
    found = randomised(model, "relu_4", image(), 0, Lock(), stages=4, draws=2, progress=lambda *at: told.append(at))
    assert [stage.randomised for stage in found.stages] == [0.25, 0.5, 0.75, 1]
    assert found.stages[-1].down_to == "network.conv_1"
    assert all(stage.heat.layer == "relu_4" for stage in found.stages)
    assert told == [(number, 8) for number in range(1, 9)]


def test_the_trained_model_and_the_global_generator_are_left_alone() -> None:
    torch.manual_seed(1)
    model = classifier.create("alasfoor-cnn22", 3, 32, "train").eval()
    before, state, lock = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state(), Lock()
    first = randomised(model, model.layer(registry.get("alasfoor-cnn22").cam_layer), image(), 1, lock, draws=1)
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert not lock.locked()
    again = randomised(model, "relu_4", image(), 1, lock, draws=1)
    np.testing.assert_array_equal([stage.heat.signed for stage in first.stages], [stage.heat.signed for stage in again.stages])


def test_weights_that_say_not_how_they_start_change_places() -> None:
    class Scaled(Blind):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.arange(64.0).view(8, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head((self.places(x) * self.scale).mean(dim=(2, 3)))

    from core.explain.checks import _make_random

    model = Scaled()
    _make_random(model)
    assert not torch.equal(model.scale, torch.arange(64.0).view(8, 8))
    assert torch.equal(model.scale.detach().flatten().sort().values, torch.arange(64.0))


def test_an_empty_map_leaves_nothing_to_check() -> None:
    empty = HeatMap(np.zeros((2, 2), np.float32), "gradcam")
    assert "nothing to check" in Randomisation(empty, ()).reading


def test_the_reading_follows_the_figure_of_the_wholly_random_network() -> None:
    from core.explain.checks import Stage

    heat = HeatMap(np.eye(2, dtype=np.float32), "gradcam")
    words = {0.9: "do not read it as evidence", 0.5: "with suspicion", 0.1: "another one", -0.9: "another one", np.nan: "says nothing"}
    for figure, expected in words.items():
        stages = tuple(Stage(share, "conv", rank, 0.0, heat) for share, rank in ((0.5, 0.99), (1.0, figure)))
        assert expected in Randomisation(heat, stages).reading


def test_similarities_are_1_for_a_map_and_itself_and_less_for_others() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((32, 32)), rng.random((32, 32))
    assert ssim(one, one) == pytest.approx(1)
    assert ssim(one, other) == pytest.approx(ssim(other, one))
    assert ssim(one, other) < 0.2
    assert ssim(one, 1 - one) < 0
    assert spearman(one, one**3) == pytest.approx(1)
    assert spearman(one, -one) == pytest.approx(-1)
    assert np.isnan(spearman(one, np.zeros((32, 32))))
