"""Every image decoded once: a memory-mapped greyscale array a (content, size). Knows files and pixels, not labels or parts."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np

from core.data import images, threads
from core.data.manifest import COPY, Manifest
from core.data.preparation import VERSION, Preparation, prepare
from core.data.threads import Progress
from core.errors import UnusableData
from core.files import replacing
from core.settings import artifacts_dir


def cache_path(manifest: Manifest, how: Preparation) -> Path:
    """Where the prepared images of `manifest` lie, or will lie: the name is a hash of all that decides the pixels."""
    content = "\n".join([f"reader {images.READER_VERSION} {VERSION} {how}", *manifest.table["sha256"]])
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


def _decode_all(manifest: Manifest, how: Preparation, path: Path, progress: Progress | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_full_disk(path.parent, len(manifest) * how.size**2)
    with replacing(path) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(len(manifest), how.size, how.size))

        def decode(row: int) -> None:
            array[row] = prepare(read_unchanged(files[row], sums[row], manifest), how)

        files, sums = manifest.paths(), [sha256.partition(COPY)[0] for sha256 in manifest.table["sha256"]]
        threads.each(decode, range(len(manifest)), progress)
        array.flush()


def read_unchanged(file: Path, sha256: str, manifest: Manifest) -> np.ndarray:
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


def _refuse_full_disk(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UnusableData(
            "The decoded images must fit on the disk.",
            f"{needed / 1e9:.1f} GB for {free / 1e9:.1f} GB free in {folder}",
            "Choose a smaller image size, free some room, or set CXRLAB_ARTIFACTS to a folder on a larger disk.",
        )
