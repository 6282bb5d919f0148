"""Batches: every image once an epoch, one draw an image, and turns, zooms and shifts in the direction that they are named for."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

from core.data.batches import RESIDENT_SHARE, Augmentation, Feed, affine, augment, grid, resident_on, steps, stream, to_unit

CPU = torch.device("cpu")
EVERYTHING = Augmentation(rotation=10, zoom=0.1, shift=0.1, flip=True, brightness=0.1, contrast=0.2)


def feed(images: int, batch_size: int, *, size: int = 4, rows: np.ndarray | None = None) -> Feed:
    """Image i is all of grey i (up to 255) and has the label 1000 + i."""
    pixels = np.broadcast_to(np.arange(images, dtype=np.uint8)[:, None, None], (images, size, size))
    return Feed(pixels, np.arange(images) + 1000, np.arange(images) if rows is None else rows, batch_size, CPU)


def seen(batches: object) -> list[list[int]]:
    """Numbers of the images of each batch, after a check that image and label belong together."""
    found = []
    for x, y in batches:  # type: ignore[attr-defined]
        assert torch.equal((x[:, 0, 0, 0] * 255).round().long() + 1000, y)
        found.append((y - 1000).tolist())
    return found


def picture(size: int = 32) -> torch.Tensor:
    """A smooth picture without symmetry, black at the border as a resampling assumes. float32 [1, 1, size, size]"""
    noise = torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    inner = F.interpolate(noise, size=(size // 2, size // 2), mode="bicubic", align_corners=False).clamp(0, 1)
    return F.pad(inner, (size // 4,) * 4)


def resampled(
    x: torch.Tensor, *, angle: float = 0, scale: float = 1, shift: tuple[float, float] = (0, 0), flip: bool = False
) -> torch.Tensor:
    angles, scales, shifts = (torch.tensor([value], dtype=torch.float32) for value in (math.radians(angle), scale, shift))
    matrices = affine(angles, scales, shifts, torch.tensor([flip]))
    return F.grid_sample(x, grid(matrices, x.shape[-1]), mode="bilinear", padding_mode="zeros", align_corners=False)


@given(images=st.integers(1, 200), batch_size=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_every_image_comes_once_an_epoch_but_for_a_last_single_one(images: int, batch_size: int) -> None:
    source = feed(images, batch_size)
    batches = seen(source.shuffled(Augmentation(), seed=0, epoch=0))
    flat = [image for batch in batches for image in batch]
    assert len(batches) == source.steps()
    assert len(set(flat)) == len(flat)
    assert images - len(flat) == int(images > batch_size > 1 and images % batch_size == 1)
    assert all(len(batch) == batch_size for batch in batches[:-1])


@pytest.mark.parametrize(
    ("images", "batch_size", "steps"), [(8, 4, 2), (9, 4, 2), (10, 4, 3), (1, 4, 1), (3, 4, 1), (5, 4, 1), (3, 1, 3), (0, 4, 0)]
)
def test_a_last_batch_of_one_image_is_left_out_unless_it_is_the_only_one(images: int, batch_size: int, steps: int) -> None:
    assert feed(images, batch_size).steps() == steps


def test_in_order_gives_every_image_once_as_stored() -> None:
    assert seen(feed(9, 4).in_order()) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_only_the_rows_of_the_part_are_fed() -> None:
    part = feed(20, 2, rows=np.array([3, 5, 19, 7]))
    assert len(part) == 4
    assert seen(part.in_order()) == [[3, 5], [19, 7]]
    assert sorted(sum(seen(part.shuffled(Augmentation(), 0, 0)), [])) == [3, 5, 7, 19]  # noqa: RUF017


def test_seed_and_epoch_decide_the_batches() -> None:
    source = Feed(np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8), np.arange(12), np.arange(12), 4, CPU)

    def epoch(seed: int, epoch: int) -> torch.Tensor:
        return torch.cat([x.flatten(1) for x, _ in source.shuffled(EVERYTHING, seed, epoch)])

    first = epoch(3, 5)
    torch.manual_seed(99)
    assert torch.equal(first, epoch(3, 5))
    for other in (epoch(3, 6), epoch(4, 5), epoch(5, 3)):
        assert not torch.equal(first, other)


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    list(feed(8, 4).shuffled(EVERYTHING, 0, 0))
    assert torch.equal(torch.rand(1), expected)


@given(st.integers(0, 2**32 - 1), st.integers(0, 10_000))
def test_a_stream_is_a_seed_that_torch_takes_and_no_neighbours(seed: int, epoch: int) -> None:
    assert 0 <= stream(seed, epoch) < 2**63
    assert stream(seed, epoch) != stream(seed, epoch + 1)


def test_a_memory_map_is_fed_as_an_array_is(tmp_path) -> None:
    source = feed(6, 4)
    np.save(tmp_path / "a.npy", source.images)
    mapped = Feed(np.load(tmp_path / "a.npy", mmap_mode="r"), source.labels, source.rows, 4, CPU)
    assert seen(mapped.in_order()) == seen(source.in_order())


def test_pixels_become_shares_of_white() -> None:
    x = to_unit(torch.tensor([[[0, 51], [255, 102]]], dtype=torch.uint8))
    assert x.shape == (1, 1, 2, 2)
    torch.testing.assert_close(x[0, 0], torch.tensor([[0, 0.2], [1, 0.4]]))


def test_without_augmentation_the_batch_is_as_it_was() -> None:
    x = torch.rand(3, 1, 8, 8)
    assert augment(x, Augmentation(), torch.Generator()) is x


@pytest.mark.parametrize(
    "change",
    [Augmentation(rotation=20), Augmentation(zoom=0.3), Augmentation(shift=0.2), Augmentation(brightness=0.3), Augmentation(contrast=0.5)],
)
def test_each_image_gets_its_own_draw(change: Augmentation) -> None:
    x = picture().expand(16, -1, -1, -1)
    changed = augment(x, change, torch.Generator().manual_seed(0))
    assert len({tuple(image.flatten().tolist()) for image in changed}) == 16


def test_about_half_of_the_images_are_flipped_and_nothing_else_is_done() -> None:
    x = picture().expand(400, -1, -1, -1)
    changed = augment(x, Augmentation(flip=True), torch.Generator().manual_seed(0))
    flipped = (changed - x.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-5
    same = (changed - x).abs().amax(dim=(1, 2, 3)) < 1e-5
    assert (flipped ^ same).all()
    assert 150 < flipped.sum() < 250


def test_as_many_images_are_changed_as_the_probability_says_and_those_as_without_it() -> None:
    x = picture().expand(400, -1, -1, -1)
    always = augment(x, Augmentation(rotation=20, noise=0.1), torch.Generator().manual_seed(0))
    sometimes = augment(x, Augmentation(rotation=20, noise=0.1, probability=0.8), torch.Generator().manual_seed(0))
    stored, changed = ((sometimes == other).flatten(1).all(dim=1) for other in (x, always))
    assert (stored ^ changed).all()
    assert 290 < changed.sum() < 350


def test_no_image_is_flipped_unless_asked() -> None:
    x = picture().expand(64, -1, -1, -1)
    changed = augment(x, Augmentation(rotation=1e-4), torch.Generator().manual_seed(0))
    torch.testing.assert_close(changed, x, atol=1e-3, rtol=0)


@given(
    change=st.builds(
        Augmentation,
        rotation=st.floats(0, 180),
        zoom=st.floats(0, 0.9),
        shift=st.floats(0, 0.9),
        flip=st.booleans(),
        brightness=st.floats(0, 1),
        contrast=st.floats(0, 0.9),
        probability=st.floats(0.1, 1),
    ),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_drawn_stays_in_shape_and_range_and_leaves_its_input(change: Augmentation, seed: int) -> None:
    x = torch.rand(4, 1, 9, 9, generator=torch.Generator().manual_seed(seed))
    before = x.clone()
    changed = augment(x, change, torch.Generator().manual_seed(seed))
    assert (changed.shape, changed.dtype) == (x.shape, x.dtype)
    assert torch.isfinite(changed).all()
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(x, before)


def test_brightness_is_added_and_contrast_multiplied_around_the_mean_within_their_limits() -> None:
    x = (0.4 + 0.2 * picture()).expand(200, -1, -1, -1)  # far from the ends of the range
    deviation, mean = x.std(dim=(1, 2, 3)), x.mean(dim=(1, 2, 3))
    brighter = augment(x, Augmentation(brightness=0.1), torch.Generator().manual_seed(0))
    added = brighter.mean(dim=(1, 2, 3)) - mean
    torch.testing.assert_close(brighter.std(dim=(1, 2, 3)), deviation)
    assert added.abs().max() <= 0.1 + 1e-6
    assert added.min() < -0.09
    assert added.max() > 0.09
    steeper = augment(x, Augmentation(contrast=0.5), torch.Generator().manual_seed(0))
    gain = steeper.std(dim=(1, 2, 3)) / deviation
    torch.testing.assert_close(steeper.mean(dim=(1, 2, 3)), mean)
    assert gain.min() >= 0.5 - 1e-3
    assert gain.max() <= 1.5 + 1e-3
    assert gain.max() - gain.min() > 0.9


@pytest.mark.parametrize("angle", [-120, -90, -10, 7, 90])
def test_a_positive_angle_turns_counter_clockwise(angle: float) -> None:
    x = picture()
    torch.testing.assert_close(resampled(x, angle=angle), TF.rotate(x, angle, InterpolationMode.BILINEAR), atol=1e-4, rtol=0)


@given(angle=st.floats(-180, 180), scale=st.floats(0.1, 2), shift=st.floats(-1, 1), flip=st.booleans(), size=st.integers(1, 40))
@settings(deadline=None)
def test_the_grid_is_that_of_torch(angle: float, scale: float, shift: float, flip: bool, size: int) -> None:
    numbers = [torch.tensor([value, 0.5]) for value in (math.radians(angle), scale)]
    matrices = affine(*numbers, torch.tensor([[shift, 0.1], [0.2, shift]]), torch.tensor([flip, False]))
    expected = F.affine_grid(matrices, [2, 1, size, size], align_corners=False)
    torch.testing.assert_close(grid(matrices, size), expected, atol=1e-5, rtol=1e-5)


def test_a_quarter_turn_brings_the_right_side_up() -> None:
    x = torch.zeros(1, 1, 9, 9)
    x[..., 4, 8] = 1
    torch.testing.assert_close(resampled(x, angle=90), torch.rot90(x, 1, (2, 3)), atol=1e-5, rtol=0)
    assert resampled(x, angle=90)[..., 0, 4] > 0.99


def test_a_scale_above_one_enlarges() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[..., 6:10, 6:10] = 1
    assert resampled(x, scale=1.5).sum() > 2 * x.sum()
    assert resampled(x, scale=0.5).sum() < 0.5 * x.sum()


def test_a_shift_goes_to_the_right_and_down_by_its_share() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[..., 3, 2] = 1
    moved = resampled(x, shift=(2 / 8, 1 / 8))
    assert moved[..., 4, 4] > 0.99
    torch.testing.assert_close(moved.sum(), torch.tensor(1.0), atol=1e-4, rtol=0)


def test_a_flip_is_left_to_right() -> None:
    x = picture()
    torch.testing.assert_close(resampled(x, flip=True), TF.hflip(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("angle", "scale", "shift"), [(7, 1.1, (2, -1)), (-33, 0.8, (-3, 4)), (90, 1.0, (5, 0)), (0, 1.3, (-2, -2))])
def test_all_together_agrees_with_torchvision_with_the_flip_first(angle: float, scale: float, shift: tuple[int, int], flip: bool) -> None:
    x = picture()
    expected = TF.affine(
        TF.hflip(x) if flip else x, -angle, list(shift), scale, [0.0], InterpolationMode.BILINEAR
    )  # its angle is clockwise
    ours = resampled(x, angle=angle, scale=scale, shift=(shift[0] / 32, shift[1] / 32), flip=flip)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)


def test_every_image_of_a_batch_has_its_own_map() -> None:
    parameters = [(7.0, 1.1, (0.1, 0.0), True), (-20.0, 0.9, (0.0, 0.2), False)]
    angle, scale, shift, flip = (torch.tensor(values) for values in zip(*parameters, strict=True))
    together = affine(torch.deg2rad(angle), scale, shift, flip)
    for i in range(2):
        alone = affine(torch.deg2rad(angle[i : i + 1]), scale[i : i + 1], shift[i : i + 1], flip[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)


def test_images_on_the_device_give_the_batches_that_copied_ones_give() -> None:
    copied = feed(300, 16, rows=np.arange(3, 300, 7))
    resident = dataclasses.replace(copied, resident=resident_on(CPU, copied.images, free=10**9))
    assert resident.resident is not None
    for one, other in ((copied.in_order(), resident.in_order()), *((f.shuffled(EVERYTHING, 1, 2) for f in (copied, resident)),)):
        for (x, y), (same_x, same_y) in zip(one, other, strict=True):
            assert torch.equal(x, same_x)
            assert torch.equal(y, same_y)


def test_images_that_would_crowd_the_device_stay_where_they_are() -> None:
    images = feed(20, 4).images
    assert resident_on(CPU, images, free=int(images.nbytes / RESIDENT_SHARE)) is not None
    assert resident_on(CPU, images, free=int(images.nbytes / RESIDENT_SHARE) - 1) is None


@pytest.mark.parametrize("resident", [False, True])
@pytest.mark.parametrize("start", [0, 1, 4, 6, 7])
def test_an_epoch_entered_in_the_middle_gives_what_is_left_of_it(start: int, resident: bool) -> None:
    source = feed(27, 4)
    if resident:
        source = dataclasses.replace(source, resident=resident_on(CPU, source.images, free=10**9))
    whole, rest = (list(source.shuffled(EVERYTHING, 1, 2, first)) for first in (0, start))
    assert len(whole) == source.steps() == 7
    for (x, y), (same_x, same_y) in zip(whole[start:], rest, strict=True):
        assert torch.equal(x, same_x)
        assert torch.equal(y, same_y)


def test_batches_before_the_start_are_not_read() -> None:
    class Watched(np.ndarray):
        read: list[int] = []  # noqa: RUF012  shared by the views of one test

        def __getitem__(self, rows):
            self.read.extend(np.atleast_1d(rows).tolist())
            return np.asarray(self)[rows]

    source = feed(20, 5)
    list(dataclasses.replace(source, images=source.images.view(Watched)).shuffled(Augmentation(), 0, 1, start=3))
    assert len(Watched.read) == 5


def test_batches_dealt_out_in_turns_are_all_batches_once() -> None:
    source = feed(23, 5)
    whole = seen(source.in_order())
    dealt = [seen(source.in_order(first, 3)) for first in range(3)]
    assert dealt == [[whole[0], whole[3]], [whole[1], whole[4]], [whole[2]]]


@pytest.mark.parametrize(
    ("images", "smallest", "expected"), [(21, 2, 2), (22, 2, 3), (23, 4, 2), (24, 4, 3), (3, 4, 1), (20, 4, 2), (0, 2, 0)]
)
def test_a_last_batch_that_is_too_small_is_left_out(images: int, smallest: int, expected: int) -> None:
    assert steps(images, 10, smallest) == expected
