"""Copies are found however they were made; pictures that only look alike are not; what has no detail is told by its pixels alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.data import duplicates, images, library, phantom, signatures
from core.data.signatures import Signatures

Change = Callable[[np.ndarray], np.ndarray]


def picture(seed: int, size: int = 192) -> np.ndarray:
    """Shades of the breadths that X-rays have. uint8 [size, size]"""
    noise = np.random.default_rng(seed).normal(size=(3, size, size))
    mixed = sum(gaussian_filter(layer, sigma) * sigma for layer, sigma in zip(noise, (8, 16, 32), strict=True))
    return np.clip(128 + 60 * mixed / mixed.std(), 0, 255).astype(np.uint8)


def resized(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape
    return np.asarray(Image.fromarray(pixels).resize((width * 2 // 3, height * 2 // 3), Image.Resampling.BICUBIC))


def recompressed(pixels: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


def brighter(pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels * 0.8 + 30, 0, 255).astype(np.uint8)


def cropped(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape
    return pixels[round(height * 0.02) : round(height * 0.97), round(width * 0.04) : round(width * 0.99)]


def mirrored(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels[:, ::-1])


CHANGES: tuple[Change, ...] = (np.copy, resized, recompressed, brighter, cropped, mirrored)


def found(pictures: list[np.ndarray]) -> duplicates.Duplicates:
    return duplicates.find(Signatures.of([signatures.of(pixels) for pixels in pictures]))


def tied(result: duplicates.Duplicates) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in result.ties}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_found_however_it_was_made(change: Change) -> None:
    originals = [picture(seed) for seed in range(8)]
    result = found([*originals, *map(change, originals)])
    assert tied(result) == {(row, row + 8) for row in range(8)}
    assert (len(result.same) == 8) == (change is np.copy)
    assert result.mirrored.all() == (change is mirrored) or change is np.copy


def test_at_least_95_in_100_copies_of_real_x_rays_are_found_with_at_most_one_false_pair_in_1000(real_data: Path) -> None:
    folder = real_data / "darkcovidnet-384"
    if not folder.is_dir():
        pytest.skip("the real X-rays are not beside the repository")
    originals = [images.read(path).pixels for path in sorted(folder.glob("*/*.jpg"))[::9]]
    planted = np.random.default_rng(0).choice(len(originals), 10 * len(CHANGES), replace=False)
    copies = [CHANGES[number % len(CHANGES)](originals[row]) for number, row in enumerate(planted)]
    before, after = tied(found(originals)), tied(found([*originals, *copies]))
    wanted = {(int(row), len(originals) + number) for number, row in enumerate(planted)}
    assert len(wanted & after) >= 0.95 * len(wanted)
    assert len(after - wanted - before) <= (len(originals) + len(copies)) / 1000


def test_what_agrees_as_it_lies_is_the_same_copy_when_it_is_aligned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    original = picture(1)
    pictures = [original, *(change(original) for change in CHANGES), *(brighter(picture(seed)) for seed in range(3))]
    quick = found(pictures)
    monkeypatch.setattr(duplicates, "SETTLED", 2.0)
    aligned = found(pictures)
    assert tied(quick) == tied(aligned)
    np.testing.assert_allclose(quick.correlation, aligned.correlation, atol=1 - 0.98)


def test_pictures_drawn_alike_are_no_copies() -> None:
    assert not len(found([phantom.draw("Normal", patient, size=128).image for patient in range(12)]).ties)


def test_what_has_no_detail_or_few_pixels_is_told_by_its_pixels_alone() -> None:
    flat = [np.full((64, 64), grey, np.uint8) for grey in (10, 10, 11)]
    tiny = [resized(picture(1, 40)), brighter(resized(picture(1, 40)))]
    assert tied(found([*flat, *tiny])) == {(0, 1)}


def test_every_copy_is_reached_through_the_ties() -> None:
    original = picture(1)
    assert tied(found([original, resized(original), original, resized(original)])) == {(0, 2), (1, 3), (0, 1)}


def test_part_of_a_set_is_answered_from_what_is_kept_of_the_whole(make_folder: Callable[..., Path]) -> None:
    folder = make_folder({"a": 6}, size=48)
    for source, copy in (("000", "010"), ("000", "011"), ("001", "012")):
        (folder / "a" / f"{copy}.png").write_bytes((folder / "a" / f"{source}.png").read_bytes())
    manifest = library.open_dataset(str(folder))
    assert tied(duplicates.of_manifest(manifest)) == {(0, 6), (0, 7), (1, 8)}
    part = type(manifest)(manifest.name, Path("/nowhere"), manifest.table.iloc[[1, 6, 7]].reset_index(drop=True))
    signatures.forget(manifest.name)
    assert tied(duplicates.of_manifest(part)) == {(1, 2)}
