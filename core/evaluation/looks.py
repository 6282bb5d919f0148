"""What the shortcut probes see of images, as numbers: files, borders, greys, thumbnails; nothing that a diagnosis could rest on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data import images, threads
from core.data.threads import Progress

if TYPE_CHECKING:
    from core.data.manifest import Manifest

SIDE = 80  # pixels: every image is squashed to this square once, and shrunk from there by whole factors
COARSE = 40  # pixels: side of what is seen by the probes that are blind to the centre
GREYS = 32  # bins of the histogram


@dataclass(frozen=True, eq=False)
class Looks:
    """What the probes see of some images, by row.

    sizes: width and height in pixels, int [rows, 2]. files: bytes, bits a channel, and numbers that stand for colour mode and file type,
    int [rows, 4]. greys: share of the pixels in each of `GREYS` equal bins, float32 [rows, GREYS]. sources: whether the image comes from
    each of the known sources, float32 [rows, sources]. pixels: uint8 [rows, SIDE, SIDE]
    """

    sizes: np.ndarray
    files: np.ndarray
    greys: np.ndarray
    sources: np.ndarray
    pixels: np.ndarray


def look(manifest: Manifest, rows: np.ndarray, progress: Progress | None = None) -> Looks:
    """Read `rows` (int [images]) of `manifest` once, for all probes.

    Raises:
        UnusableData: a file is gone or changed since the import.
        UnreadableImage: a file can no longer be read.
    """
    from core.data.cache import read_unchanged

    paths, sums = manifest.paths(), manifest.table["sha256"].tolist()

    def seen(row: int) -> tuple[tuple[int, int], tuple[int, int, str, str], np.ndarray, np.ndarray]:
        pixels = read_unchanged(paths[row], sums[row], manifest)
        greys = np.bincount(pixels.ravel() >> 3, minlength=GREYS)
        return pixels.shape[::-1], _file(paths[row]), (greys / pixels.size).astype(np.float32), images.fit(pixels, SIDE)

    sizes, files, greys, pixels = zip(*threads.each(seen, rows, progress), strict=True)
    numbers = [_numbered([file[column] for file in files]) for column in (2, 3)]
    known = manifest.table["source"].to_numpy(dtype=str)
    sources = [known[rows] == name for name in sorted(set(known.tolist()) - {""})]
    return Looks(
        np.array(sizes),
        np.column_stack([np.array([file[:2] for file in files]), *numbers]),
        np.stack(greys),
        np.array(sources, dtype=np.float32).reshape(len(sources), len(rows)).T,
        np.stack(pixels),
    )


def _file(path: Path) -> tuple[int, int, str, str]:
    """Bytes, bits a channel, colour mode and type of a file that was read before; of a picture's inside, its header alone is looked at."""
    content = path.read_bytes()
    kind = images.kind_of(content, path.name)
    mode = images.DECODERS[kind](io.BytesIO(content)).mode if kind in images.DECODERS else kind
    bits = 1 if mode == "1" else 32 if mode in ("I", "F") else 16 if ";16" in mode or kind == "DICOM" else 8
    return len(content), bits, mode, kind


def _numbered(words: list[str]) -> np.ndarray:
    """A number for every word, in alphabetical order. int [words]"""
    return np.unique(words, return_inverse=True)[1]


def size(looks: Looks) -> np.ndarray:
    width, height = looks.sizes.T
    return np.stack([width, height, width / height], axis=1)


def file(looks: Looks) -> np.ndarray:
    return np.column_stack([size(looks), looks.files])


def histogram(looks: Looks) -> np.ndarray:
    return looks.greys


def source(looks: Looks) -> np.ndarray:
    return looks.sources


def border(looks: Looks) -> np.ndarray:
    return _outside(looks, 0.8)


def surroundings(looks: Looks) -> np.ndarray:
    return _outside(looks, 0.6)


def thumbnail(looks: Looks) -> np.ndarray:
    return _shrunk(looks, 16).reshape(len(looks.pixels), -1)


def _outside(looks: Looks, share: float) -> np.ndarray:
    """What lies outside the central square with `share` of the side. float32 [rows, pixels]"""
    seen, start = np.ones((COARSE, COARSE), dtype=bool), round(COARSE * (1 - share) / 2)
    seen[start:-start, start:-start] = False
    return _shrunk(looks, COARSE)[:, seen]


def _shrunk(looks: Looks, side: int) -> np.ndarray:
    """Means of equal blocks. float32 [rows, side, side]"""
    block = SIDE // side
    return looks.pixels.reshape(-1, side, block, side, block).mean(axis=(2, 4), dtype=np.float32)
