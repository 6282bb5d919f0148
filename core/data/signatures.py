"""What stands for an image where images are compared: a hash of its pixels, a perceptual hash, a thumbnail. Computed once a file and kept.

`artifacts/signatures/<data set>.npz` holds those of a data set by the sha256 of the file, plain arrays alone. It may be deleted: what is
missing is read from the files again. This module knows nothing of labels, patients or what makes two images alike.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.data import threads
from core.data.images import READER_VERSION
from core.data.manifest import COPY
from core.data.threads import Progress
from core.files import replacing
from core.settings import artifacts_dir

if TYPE_CHECKING:
    from core.data.manifest import Manifest

VERSION = 1  # stored with the signatures: raise it whenever an image would get another one
SIDE = 64  # pixels: the thumbnail's side
_HASHED = 32  # pixels: side of the picture whose coarsest waves make the perceptual hash


@dataclass(frozen=True, eq=False)
class Signature:
    """One image.

    pixels: sha256 of the decoded greys and their shape, hexadecimal; two files with the same are the same picture, whatever the format.
    hash: 64-bit perceptual hash (pHash), an int of 0 … 2⁶⁴ − 1; alike pictures differ in few bits.
    thumb: the whole image squashed. uint8 [SIDE, SIDE]
    width, height: of the image, in pixels.
    """

    pixels: str
    hash: int
    thumb: np.ndarray
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Signatures:
    """Those of many images: pixels str [rows], hash uint64 [rows], thumb uint8 [rows, SIDE, SIDE], width and height int [rows]."""

    pixels: np.ndarray
    hash: np.ndarray
    thumb: np.ndarray
    width: np.ndarray
    height: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: np.ndarray) -> Signatures:
        """Those of `rows`, in their order. int [some rows]"""
        return Signatures(*(values[rows] for values in vars(self).values()))

    @classmethod
    def joined(cls, several: list[Signatures]) -> Signatures:
        """Those of `several`, one after the other."""
        return cls(*(np.concatenate([getattr(one, name) for one in several]) for name in vars(several[0])))

    @classmethod
    def of(cls, found: list[Signature]) -> Signatures:
        return cls(
            np.array([one.pixels for one in found], dtype="U64"),
            np.array([one.hash for one in found], dtype=np.uint64),
            np.array([one.thumb for one in found], dtype=np.uint8).reshape(-1, SIDE, SIDE),
            np.array([one.width for one in found], dtype=np.int64),
            np.array([one.height for one in found], dtype=np.int64),
        )


def of(pixels: np.ndarray) -> Signature:
    """The signature of an image as it was decoded. A pure function, safe in threads. pixels: uint8 [height, width]"""
    height, width = pixels.shape
    digest = hashlib.sha256(f"{width}x{height}".encode())
    digest.update(np.ascontiguousarray(pixels))
    # The gap makes large images four times as quick; the thumbnail's greys change by one at most.
    thumb = np.array(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0))
    return Signature(digest.hexdigest(), perceptual_hash(thumb), thumb, width, height)


def perceptual_hash(thumb: np.ndarray) -> int:
    """pHash: which of the 8 × 8 coarsest cosine waves are above their median (Zauner 2010), 64 bits. thumb: uint8 [SIDE, SIDE]"""
    block = SIDE // _HASHED
    picture = thumb.reshape(_HASHED, block, _HASHED, block).mean(axis=(1, 3))
    coarse = _waves() @ picture @ _waves().T
    return int.from_bytes(np.packbits(coarse > np.median(coarse)).tobytes(), "big")


@cache
def _waves() -> np.ndarray:
    """The eight coarsest waves of the discrete cosine transform (type II). float64 [8, _HASHED]"""
    return np.cos(np.pi * np.outer(np.arange(8), np.arange(_HASHED) + 0.5) / _HASHED)


def of_manifest(manifest: Manifest, progress: Progress | None = None) -> Signatures:
    """Signatures of all rows, in order; a copy made before a split has that of the image that it is of.

    Only files that were not read before are read; `progress` counts those.

    Raises:
        UnusableData: a file that must be read is gone or changed since the import.
        UnreadableImage: it can no longer be read.
    """
    from core.data.cache import read_unchanged

    sums = [sha256.partition(COPY)[0] for sha256 in manifest.table["sha256"]]
    known = stored(manifest.name)
    files = {sha256: file for sha256, file in zip(sums, manifest.paths(), strict=True) if sha256 not in known}
    if files:
        read = threads.each(lambda item: of(read_unchanged(item[1], item[0], manifest)), files.items(), progress)
        found = dict(zip(files, read, strict=True))
        store(manifest.name, found)
        known |= found
    return Signatures.of([known[sha256] for sha256 in sums])


def stored(data: str) -> dict[str, Signature]:
    """Kept signatures of the data set called `data`, by the sha256 of the file; none where none were kept, or by other versions."""
    try:
        with np.load(_path(data), allow_pickle=False) as kept:
            if kept["version"].tolist() != [VERSION, READER_VERSION]:
                return {}
            columns = [kept[name] for name in ("pixels", "hash", "thumb", "width", "height")]
            return {
                sha256: Signature(pixels, int(number), thumb, int(width), int(height))
                for sha256, pixels, number, thumb, width, height in zip(
                    kept["sha256"].tolist(), columns[0].tolist(), *columns[1:], strict=True
                )
            }
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # missing, damaged or of another kind: all is read anew
        return {}


def store(data: str, found: Mapping[str, Signature]) -> None:
    """Keep `found`, by the sha256 of the file, beside what is kept of the data set called `data`. The file is written whole or not at all.

    Of two processes that store at once, the later one wins; what it did not know is read again when it is needed.
    """
    everything = stored(data) | dict(found)
    if not everything:
        return
    columns = {
        "version": np.array([VERSION, READER_VERSION]),
        "sha256": np.array(list(everything), dtype="U"),
        "pixels": np.array([one.pixels for one in everything.values()], dtype="U64"),
        "hash": np.array([one.hash for one in everything.values()], dtype=np.uint64),
        "width": np.array([one.width for one in everything.values()], dtype=np.int64),
        "height": np.array([one.height for one in everything.values()], dtype=np.int64),
    }
    thumbs = {"descr": "|u1", "fortran_order": False, "shape": (len(everything), SIDE, SIDE)}
    with replacing(_path(data)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, values in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values, allow_pickle=False)
        with archive.open("thumb.npy", "w", force_zip64=True) as member:  # one by one: as an array they would stand in memory twice
            np.lib.format.write_array_header_1_0(member, thumbs)
            for one in everything.values():
                member.write(one.thumb.tobytes())


def forget(data: str) -> None:
    """Remove what is kept of the data set called `data`."""
    _path(data).unlink(missing_ok=True)


def _path(data: str) -> Path:
    return artifacts_dir() / "signatures" / f"{data}.npz"
