"""MedMNIST files: images by class and part, several findings left out, nothing taken on trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import library
from core.data.layouts import find, medmnist
from core.errors import UnusableData


def write_npz(path: Path, labels: dict[str, list], **changes: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    arrays = {f"{part}_labels": np.array(values, np.uint8) for part, values in labels.items()}
    arrays |= {f"{part}_images": rng.integers(0, 256, (len(values), 28, 28), np.uint8) for part, values in labels.items()}
    np.savez_compressed(path, **(arrays | changes))
    return path


PNEUMONIA = {"train": [[0], [1], [1]], "val": [[0]], "test": [[1]]}


def test_images_become_pngs_by_part_and_class_with_their_pixels(tmp_path: Path) -> None:
    npz = write_npz(tmp_path / "pneumoniamnist.npz", PNEUMONIA)
    calls: list[tuple[int, int]] = []
    assert medmnist.write(npz, npz.stem, tmp_path / "out", lambda done, total: calls.append((done, total))) == ()
    assert calls == [(3, 5), (4, 5), (5, 5)]
    listing = find(tmp_path / "out")
    assert listing.rows[["path", "label"]].to_numpy().tolist() == [
        ["test/pneumonia/000000.png", "pneumonia"],
        ["train/normal/000000.png", "normal"],
        ["train/pneumonia/000001.png", "pneumonia"],
        ["train/pneumonia/000002.png", "pneumonia"],
        ["val/normal/000000.png", "normal"],
    ]
    with np.load(npz) as arrays, Image.open(tmp_path / "out" / "train/pneumonia/000002.png") as image:
        np.testing.assert_array_equal(np.asarray(image), arrays["train_images"][2])


def test_an_image_with_several_findings_is_left_out_and_one_with_none_is_named(tmp_path: Path) -> None:
    labels = np.zeros((4, 14), int)
    labels[1, 6] = labels[2, 0] = labels[2, 13] = 1
    npz = write_npz(tmp_path / "chestmnist_64.npz", {"train": labels.tolist(), "val": labels[:1].tolist(), "test": labels[:1].tolist()})
    record = library.import_zip(npz)
    assert record.name == "chestmnist_64"
    assert record.classes == {"No finding": 4, "pneumonia": 1}
    assert any(note.startswith("1 images with several findings") for note in record.notes)


def test_a_set_without_published_names_has_numbers(tmp_path: Path) -> None:
    npz = write_npz(tmp_path / "mine.npz", {"train": [[0], [2]], "val": [[1]], "test": [[1]]})
    assert library.import_source(str(npz)).classes == {"class 0": 1, "class 1": 2, "class 2": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"train_images": np.zeros((3, 4, 4), np.float32)},
        {"train_images": np.zeros((2, 4, 4), np.uint8)},
        {"train_labels": np.array([0, 1, 1])},
        {"train_labels": np.array([[0], [1], [7]])},
        {"val_labels": np.array([[-1]])},
        {"test_images": np.array([{}], object)},
    ],
)
def test_arrays_of_another_kind_are_refused_and_nothing_is_left(tmp_path: Path, artifacts: Path, changes: dict[str, np.ndarray]) -> None:
    npz = write_npz(tmp_path / "pneumoniamnist.npz", PNEUMONIA, **changes)
    with pytest.raises(UnusableData, match="holds images and labels of train, val and test"):
        library.import_zip(npz)
    assert library.datasets() == []
    assert not list((artifacts / "datasets").rglob("*.png"))
