"""The cache: every image is decoded once, exactly as the reader reads it, or nothing is kept."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import images, library
from core.data.cache import cache_path, decoded
from core.data.manifest import Manifest
from core.data.preparation import Preparation
from core.errors import UnreadableImage, UnusableData


@pytest.fixture
def data(make_folder: Callable[..., Path]) -> Manifest:
    return library.open_dataset(str(make_folder({"a": 3, "b": 3}, size=40)))


def leftovers(artifacts: Path) -> list[Path]:
    return [path for path in (artifacts / "cache").rglob("*") if path.is_file()] if (artifacts / "cache").exists() else []


@pytest.mark.parametrize("resize", images.RESIZES)
def test_pixels_are_those_of_the_reader_row_by_row(data: Manifest, resize: images.Resize) -> None:
    array = decoded(data, Preparation(16, resize))
    assert (array.shape, array.dtype) == ((6, 16, 16), np.uint8)
    for row, path in enumerate(data.paths()):
        np.testing.assert_array_equal(array[row], images.fit(images.read(path).pixels, 16, resize))


def test_the_array_is_on_the_disk_and_cannot_be_written_to(data: Manifest) -> None:
    array = decoded(data, Preparation(16))
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0, 0] = 1


def test_images_are_decoded_once(data: Manifest, monkeypatch: pytest.MonkeyPatch, artifacts: Path) -> None:
    first = np.array(decoded(data, Preparation(16)))
    monkeypatch.setattr(images, "read", lambda *_: pytest.fail("decoded again"))
    np.testing.assert_array_equal(decoded(data, Preparation(16)), first)
    moved = Manifest("other name", Path("/elsewhere"), data.table.copy())
    np.testing.assert_array_equal(decoded(moved, Preparation(16)), first)
    assert leftovers(artifacts) == [cache_path(data, Preparation(16))]


def test_all_that_decides_the_pixels_has_a_cache_of_its_own(data: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    shuffled = Manifest(data.name, data.root, data.table[::-1].reset_index(drop=True))
    paths = [
        cache_path(data, Preparation(16)),
        cache_path(data, Preparation(17)),
        cache_path(data, Preparation(16, "pad")),
        cache_path(shuffled, Preparation(16)),
    ]
    monkeypatch.setattr(images, "READER_VERSION", images.READER_VERSION + 1)
    paths.append(cache_path(data, Preparation(16)))
    assert len(set(paths)) == len(paths)


def test_labels_and_patients_do_not_decide_the_pixels(data: Manifest) -> None:
    relabelled = Manifest(data.name, data.root, data.table.assign(label="other", patient_id="p"))
    assert cache_path(relabelled, Preparation(16)) == cache_path(data, Preparation(16))


def test_progress_counts_every_image_and_a_cached_array_needs_none(data: Manifest) -> None:
    calls: list[tuple[int, int]] = []
    for _ in range(2):
        decoded(data, Preparation(16), lambda done, total: calls.append((done, total)))
    assert calls == [(done, 6) for done in range(1, 7)]


def test_a_file_that_changed_since_the_import_is_noticed(data: Manifest, artifacts: Path) -> None:
    Image.new("L", (40, 40), 3).save(data.paths()[4])
    with pytest.raises(UnusableData, match=rf"do not change after the import\. Received: {data.paths()[4]}, which did\. Import the folder"):
        decoded(data, Preparation(16))
    assert leftovers(artifacts) == []


def test_a_missing_file_is_named(data: Manifest, artifacts: Path) -> None:
    data.paths()[2].unlink()
    with pytest.raises(UnusableData, match=rf"{data.paths()[2]}, which cannot be read \(No such file or directory\)\. Put it back"):
        decoded(data, Preparation(16))
    assert leftovers(artifacts) == []


def test_a_failed_decode_leaves_nothing(data: Manifest, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_content: bytes, name: str) -> images.XRay:
        raise UnreadableImage("An image is whole.", name, "Save it again.")

    monkeypatch.setattr(images, "read", refuse)
    with pytest.raises(UnreadableImage, match="An image is whole"):
        decoded(data, Preparation(16))
    assert leftovers(artifacts) == []


def test_an_interrupted_decode_leaves_nothing_and_the_next_one_is_whole(data: Manifest, artifacts: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoded(data, Preparation(16), stop)
    assert leftovers(artifacts) == []
    assert decoded(data, Preparation(16)).any(axis=(1, 2)).all()


def test_a_full_disk_is_refused_before_anything_is_written(data: Manifest, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10_000, 9_000, 6 * 16 * 16 - 1))
    with pytest.raises(UnusableData, match=r"must fit on the disk\. Received: .* free in .*CXRLAB_ARTIFACTS"):
        decoded(data, Preparation(16))
    assert leftovers(artifacts) == []
    decoded(data, Preparation(15))
