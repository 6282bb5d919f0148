"""The project's own network: what its fixed first step counts, and what its classifier can tell apart."""

from __future__ import annotations

import math

import pytest
import torch

from core.models.edgenet import CELL, DIRECTIONS, EdgeCounts, edgenet

SIDE = 6 * CELL


def ramp(degrees: float, slope: float = 0.01) -> torch.Tensor:
    """An image that grows brighter in one direction, counted clockwise from the right. float32 [1, 1, SIDE, SIDE]"""
    down, across = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    angle = math.radians(degrees)
    return (slope * (across * math.cos(angle) + down * math.sin(angle)))[None, None].float()


def inner(maps: torch.Tensor) -> torch.Tensor:
    """The mean over cells that touch no border. float32 [channels]"""
    return maps[0, :, 1:-1, 1:-1].mean(dim=(1, 2))


@pytest.mark.parametrize("direction", range(DIRECTIONS))
def test_an_edge_counts_most_for_its_own_direction_and_its_opposite_for_another(direction: int) -> None:
    shares = inner(EdgeCounts()(ramp(direction * 360 / DIRECTIONS))).tolist()[:DIRECTIONS]
    assert shares.index(max(shares)) == direction
    assert shares[(direction + 4) % DIRECTIONS] == 0
    assert shares[(direction + 1) % DIRECTIONS] == pytest.approx(shares[(direction - 1) % DIRECTIONS], abs=1e-3)


def test_a_picture_of_twice_the_contrast_has_the_same_shares_and_more_strength() -> None:
    faint, strong = (inner(EdgeCounts()(ramp(30, slope))) for slope in (0.01, 0.02))
    torch.testing.assert_close(faint[:DIRECTIONS], strong[:DIRECTIONS], rtol=0.01, atol=0.0)
    assert (strong - faint)[DIRECTIONS].item() == pytest.approx(math.log(2), abs=0.01)


def test_a_slope_is_a_grey_a_pixel_and_what_is_flat_has_a_finite_gradient() -> None:
    strength = inner(EdgeCounts()(ramp(0, slope=0.1)))[DIRECTIONS].exp().item()
    assert strength == pytest.approx(0.1 * math.hypot(0.5, *(math.cos(math.pi / 4) - 0.5,) * 2), rel=0.01)
    flat = torch.full((1, 1, SIDE, SIDE), 0.5, requires_grad=True)
    EdgeCounts()(flat).sum().backward()
    assert torch.isfinite(flat.grad).all()


def test_a_flipped_image_has_the_flipped_counts_of_the_mirrored_directions() -> None:
    x = torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found, flipped = EdgeCounts()(x), EdgeCounts()(x.flip(3)).flip(3)
    mirrored = [(DIRECTIONS // 2 - direction) % DIRECTIONS for direction in range(DIRECTIONS)]
    torch.testing.assert_close(flipped, found[:, [*mirrored, DIRECTIONS]])


def test_nothing_of_the_counts_is_trained() -> None:
    assert list(EdgeCounts().parameters()) == []


@pytest.mark.parametrize(("size", "side"), [(96, 2), (110, 2), (224, 4), (384, 6)])
def test_the_classifier_takes_the_maps_of_any_size(size: int, side: int) -> None:
    network = edgenet(4, size).eval()
    assert network.forward_features(torch.zeros(2, 1, size, size)).shape == (2, 64, side, side)
    assert network(torch.zeros(2, 1, size, size)).shape == (2, 4)


def test_the_classifier_knows_where_in_the_image_it_looks() -> None:
    torch.manual_seed(0)
    network = edgenet(2, 96).eval()
    above = torch.zeros(1, 1, 96, 96)
    above[..., :48, :] = torch.rand(48, 96)
    assert not torch.allclose(network(above), network(above.roll(48, dims=2)), atol=1e-3)
