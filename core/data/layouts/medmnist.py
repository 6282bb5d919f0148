"""A file of MedMNIST (Yang et al. 2023), `<set>.npz` → PNGs in class folders inside train, val and test.

The file holds `train_images` (uint8 [images, side, side], or [images, side, side, 3]) and `train_labels` (int [images, 1], or 0 and 1
[images, findings]), and the same for val and test. Where an image may have several findings (ChestMNIST), images with exactly one take it
as their label, those with none become `No finding`, and those with more are left out and counted.

It is read image by image: the largest of these files do not fit in memory.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from PIL import Image

from core.data import threads
from core.data.threads import Progress
from core.errors import UnusableData

CLASSES = {
    "pneumoniamnist": ("normal", "pneumonia"),
    "chestmnist": (
        *("atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax"),
        *("consolidation", "edema", "emphysema", "fibrosis", "pleural", "hernia"),
    ),
}
"""Names of the labels of the chest sets, in order; the other sets are named by the medmnist package where it is installed."""
PARTS = ("train", "val", "test")
NO_FINDING = "No finding"
_AT_ONCE = 512  # images in memory


def write(npz: Path | bytes | BinaryIO, name: str, folder: Path, progress: Progress | None = None) -> tuple[str, ...]:
    """Write the images of the file `npz`, called `name` (chestmnist_224 …), to `folder`/<part>/<class>/<number>.png.

    `progress` counts images. Returns notes for people.

    Raises:
        UnusableData: no file of MedMNIST, or one that is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(npz) if isinstance(npz, bytes) else npz) as archive:
            labels = {part: _whole(archive, f"{part}_labels.npy") for part in PARTS}
            names = _names(name, max(int(part.max()) + 1 if part.shape[1] == 1 else part.shape[1] for part in labels.values()))
            total, done, skipped = sum(map(len, labels.values())), 0, 0
            for part in PARTS:
                for rows in _chunks(archive, f"{part}_images.npy", len(labels[part])):
                    files = [_place(folder / part, number, labels[part][number], names) for number, _ in rows]
                    threads.each(_save, [(file, pixels) for file, (_, pixels) in zip(files, rows, strict=True) if file])
                    skipped, done = skipped + files.count(None), done + len(rows)
                    if progress:
                        progress(done, total)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, IndexError) as error:
        raise UnusableData(
            "A file of MedMNIST holds images and labels of train, val and test.", f"{name} ({error})", "Fetch it again from medmnist.com."
        ) from error
    return (f"{skipped:,} images with several findings were left out: an image has one label here.",) if skipped else ()


def _names(file: str, count: int) -> tuple[str, ...]:
    """The labels' names, by the name of the file."""
    name = file.lower().partition("_")[0]
    names = CLASSES.get(name) or _published(name) or tuple(f"class {number}" for number in range(count))
    if len(names) < count:
        raise ValueError(f"{count} labels, where {name} has {len(names)}")
    return names


def _published(name: str) -> tuple[str, ...]:
    try:
        from medmnist import INFO
    except ImportError:
        return ()
    return tuple(INFO[name]["label"].values()) if name in INFO else ()


def _place(folder: Path, number: int, label: np.ndarray, names: tuple[str, ...]) -> Path | None:
    """Where the image goes; nowhere where it has several labels."""
    found = [int(label[0])] if len(label) == 1 else np.flatnonzero(label).tolist()
    if len(found) > 1:
        return None
    name = names[found[0]] if found else NO_FINDING
    return folder / name.replace("/", "-") / f"{number:06}.png"


def _save(item: tuple[Path, np.ndarray]) -> None:
    file, pixels = item
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def _chunks(archive: zipfile.ZipFile, member: str, images: int) -> Iterator[list[tuple[int, np.ndarray]]]:
    """The images of `member` with their numbers, some at a time."""
    with archive.open(member) as stream:
        shape = _shape(stream, np.dtype(np.uint8))
        if len(shape) not in (3, 4) or shape[0] != images:
            raise ValueError(f"{member} has the shape {shape}, with {images} labels")
        length = int(np.prod(shape[1:]))
        for start in range(0, images, _AT_ONCE):
            count = min(_AT_ONCE, images - start)
            block = np.frombuffer(_exactly(stream, count * length), np.uint8).reshape(count, *shape[1:])
            yield list(enumerate(block, start))


def _whole(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """Labels. int [images, 1 or findings]"""
    with archive.open(member) as stream:
        labels = np.lib.format.read_array(stream, allow_pickle=False)
    if labels.ndim != 2 or labels.dtype.kind not in "ui" or labels.min(initial=0) < 0:
        raise ValueError(f"{member} holds {labels.dtype} of the shape {labels.shape}")
    return labels


def _shape(stream: IO[bytes], dtype: np.dtype) -> tuple[int, ...]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, stored = read(stream)
    if stored != dtype or fortran:
        raise ValueError(f"images are {stored}{', column by column' if fortran else ''}")
    return shape


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("cut short")
    return data
