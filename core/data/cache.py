"""Every image decoded once: a memory-mapped greyscale array a (content, size). Knows files and pixels, not labels or parts.

Arrays are written with plain writes and mapped for reading only: on a full disk a write fails, but a mapped page ends the process.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np

from core import wording
from core.data import images, threads
from core.data.manifest import COPY, Manifest
from core.data.preparation import VERSION, Preparation, prepare
from core.data.threads import Progress
from core.errors import UnusableData
from core.files import replacing
from core.settings import artifacts_dir

FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
"""What a write fails with where the disk has no room."""


def cache_path(manifest: Manifest, how: Preparation) -> Path:
    """Where the prepared images of `manifest` lie, or will lie: the name is a hash of all that decides the pixels."""
    return path_of(manifest.table["sha256"], how)


def path_of(sums: Iterable[str], how: Preparation) -> Path:
    """As `cache_path`, of the images whose files have the sha256 `sums`, row by row."""
    content = "\n".join([f"reader {images.READER_VERSION} {VERSION} {how}", *sums])
    return artifacts_dir() / "cache" / f"{hashlib.sha256(content.encode()).hexdigest()[:20]}-{how.size}.npy"


def decoded(manifest: Manifest, how: Preparation, progress: Progress | None = None) -> np.ndarray:
    """All images of `manifest`, decoded on the first call and memory-mapped from then on. uint8 [rows, size, size], read only

    Raises:
        UnusableData: a file is gone or changed since the import, or the disk has no room.
        UnreadableImage: a file can no longer be read.
    """
    path = cache_path(manifest, how)
    if not path.is_file():
        _decode_all(manifest, how, path, progress)
    return np.load(path, mmap_mode="r")


@dataclass(frozen=True)
class Prepared:
    """A file of prepared images, written row by row, from several threads if need be."""

    file: BinaryIO
    how: Preparation
    start: int  # bytes before the first row
    lock: Lock

    def put(self, row: int, pixels: np.ndarray) -> None:
        """Prepare the decoded image `pixels` (uint8 [height, width]) and write it as `row`."""
        data = prepare(pixels, self.how)
        with self.lock:
            self.file.seek(self._place(row))
            self.file.write(data)

    def flush(self) -> None:
        """Have on the disk what was put."""
        with self.lock:
            self.file.flush()
            os.fsync(self.file.fileno())

    def keep(self, rows: Sequence[int]) -> None:
        """Leave only `rows`, which rise: each moves up to its place, and the file becomes the array of these."""
        for place, row in enumerate(rows):
            if place != row:
                self.file.seek(self._place(row))
                data = self.file.read(self.how.size**2)
                self.file.seek(self._place(place))
                self.file.write(data)
        self.file.truncate(self._place(len(rows)))
        self.file.seek(0)
        self.file.write(_header(len(rows), self.how.size))

    def _place(self, row: int) -> int:
        return self.start + row * self.how.size**2


@contextmanager
def preparing(path: Path, how: Preparation, rows: int) -> Iterator[Prepared]:
    """The file `path` as a place for `rows` prepared images; what stands in it stays.

    Raises:
        UnusableData: the disk has no room for them, or has none left while they are written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    needed = rows * how.size**2
    try:
        _refuse_full_disk(path.parent, needed - path.stat().st_size)
        with open(path, "r+b") as file:
            header = _header(rows, how.size)
            file.write(header)
            yield Prepared(file, how, len(header), Lock())
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _no_room(path.parent, needed) from error


def _decode_all(manifest: Manifest, how: Preparation, path: Path, progress: Progress | None) -> None:
    files, sums = manifest.paths(), [sha256.partition(COPY)[0] for sha256 in manifest.table["sha256"]]
    with replacing(path) as temporary, preparing(temporary, how, len(manifest)) as prepared:
        threads.each(lambda row: prepared.put(row, read_unchanged(files[row], sums[row], manifest)), range(len(manifest)), progress)


def read_unchanged(file: Path, sha256: str, manifest: Manifest) -> np.ndarray:
    """The image in `file`, whose content must have the hash `sha256`. uint8 [height, width]

    Raises:
        UnusableData: the file is gone or changed since the import.
        UnreadableImage: it can no longer be read.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UnusableData(
            "The images of a data set stay where they were imported from.",
            f"{file}, which cannot be read ({error.strerror})",
            f"Put it back, or import the folder of {manifest.name} again.",
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UnusableData(
            "The images of a data set do not change after the import.", f"{file}, which did", f"Import the folder of {manifest.name} again."
        )
    return images.read(content, file.name).pixels


def _header(rows: int, size: int) -> bytes:
    """How an .npy file of uint8 [rows, size, size] begins; NumPy makes it equally long for all numbers of rows."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (rows, size, size)})
    return stream.getvalue()


def _refuse_full_disk(folder: Path, needed: int) -> None:
    if needed > shutil.disk_usage(folder).free:
        raise _no_room(folder, needed)


def _no_room(folder: Path, needed: int) -> UnusableData:
    return UnusableData(
        "The decoded images must fit on the disk.",
        f"{wording.size(needed)} for {wording.size(shutil.disk_usage(folder).free)} free in {folder}",
        "Choose a smaller image size, free some room, or set CXRLAB_ARTIFACTS to a folder on a larger disk.",
    )
