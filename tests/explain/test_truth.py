"""Methods against known lesions: a network that finds bright places, and one that looks elsewhere."""

from __future__ import annotations

from threading import Lock

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import UnknownName, UnusableData
from core.explain.truth import FAST, against_truth


class Bright(nn.Module):
    """Class 1 sums what is brighter than half; class 0 what is not, and its evidence lies elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.head = nn.Sequential(nn.AvgPool2d(4), nn.Conv2d(1, 2, 1), nn.ReLU()), nn.Linear(2, 2, bias=False)
        self.places[1].weight.data = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
        self.places[1].bias.data = torch.tensor([0.5, -0.5])
        self.head.weight.data = torch.eye(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.places(x).mean(dim=(2, 3)))


def made(count: int, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with one bright square each, and where it is."""
    rng = np.random.default_rng(0)
    masks = np.zeros((count, size, size), bool)
    for mask in masks:
        top, left = rng.integers(0, 5, 2) * 4
        mask[top : top + 12, left : left + 12] = True
    return np.where(masks, 230, rng.integers(20, 60, masks.shape)).astype(np.uint8), masks


def test_a_network_that_looks_at_the_lesion_hits_it_every_time() -> None:
    images, masks = made(20)
    told: list[tuple[int, int]] = []
    found = against_truth(
        Bright().eval(), "places", images, masks, [1] * 20, Lock(), ("gradcam", "cam"), progress=lambda *at: told.append(at)
    )
    assert [score.method for score in found] == ["gradcam", "cam"]
    for score in found:
        assert (score.images, score.hits, score.hit_rate, score.empty) == (20, 20, 1, 0)
        assert score.low == pytest.approx(0.8389, abs=1e-4)  # Wilson, 20 of 20
        assert score.high == 1
        assert score.heat_inside > 0.8
        assert score.overlap > 0.7
        assert score.area == pytest.approx(144 / 1024)
    assert told == [(16, 40), (20, 40), (36, 40), (40, 40)]


def test_evidence_for_another_class_lies_elsewhere() -> None:
    images, masks = made(6)
    score = against_truth(Bright().eval(), "places", images, masks, [0] * 6, Lock(), ["gradcam"])[0]
    assert (score.hits, score.low) == (0, pytest.approx(0))
    assert score.heat_inside < score.area


def test_images_without_a_lesion_are_left_out_and_empty_maps_are_misses() -> None:
    images, masks = made(4)
    masks[0] = False
    images[1] = 30  # nothing bright: no evidence for class 1
    score = against_truth(Bright().eval(), "places", images, masks, np.ones(4, int), Lock(), ["gradcam"])[0]
    assert (score.images, score.hits, score.empty) == (3, 2, 1)
    assert score.heat_inside < 0.67


def test_the_methods_compared_by_default_run_on_every_network() -> None:
    images, masks = made(3)
    found = against_truth(Bright().eval(), "places", images, masks, [1] * 3, Lock())
    assert tuple(score.method for score in found) == FAST
    assert all(0 <= figure <= 1 for score in found for figure in (score.hit_rate, score.heat_inside, score.overlap))


def test_what_cannot_be_compared_is_refused() -> None:
    images, masks = made(3)
    model = Bright().eval()
    with pytest.raises(UnusableData, match=r"images \[3, 32, 32\], masks \[2, 32, 32\], 3 classes"):
        against_truth(model, "places", images, masks[:2], [1] * 3, Lock())
    with pytest.raises(UnusableData, match="no image with a lesion"):
        against_truth(model, "places", images, np.zeros_like(masks), [1] * 3, Lock())
    with pytest.raises(UnknownName, match="heat-map method"):
        against_truth(model, "places", images, masks, [1] * 3, Lock(), ["saliency"])
