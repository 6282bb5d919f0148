"""Pictures to look at: a few images of each class, a page of any, and one with what its file says of itself. Read as everything is read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from core import wording
from core.data import images, threads
from core.data.manifest import Manifest
from core.errors import UnreadableImage

KEPT = 600  # thumbnails in memory
_QUALITY = 90  # of their JPEG, as the app sends all pictures
LARGEST = 1024  # pixels: the longer side of an image that is shown alone
MODALITIES = ("CR", "DX", "DR", "RF", "XA", "CT", "MR", "US", "SC", "OT")
VIEWS = ("PA", "AP", "LL", "RL", "RLD", "LLD", "RLO", "LLO")


@dataclass(frozen=True, eq=False)
class Details:
    """One image: its whole `picture` (uint8 [height, width], at most LARGEST), what its file says of itself, and sentences of warning."""

    picture: np.ndarray
    facts: dict[str, str]
    warnings: tuple[str, ...]


def samples(manifest: Manifest, per_class: int, size: int = 192) -> dict[str, list[np.ndarray]]:
    """The first `per_class` images of each class, padded to squares. Lists of uint8 [size, size]

    Raises:
        UnreadableImage: a file can no longer be read.
    """
    return {
        label: [thumbnail(manifest.root / path, size) for path in rows["path"].head(per_class)]
        for label, rows in manifest.table.groupby("label")
    }


def thumbnail(file: Path, size: int = 192) -> np.ndarray:
    """One image, padded to a square. uint8 [size, size]

    Raises:
        UnreadableImage: the file can no longer be read.
    """
    return images.fit(images.read(file).pixels, size, "pad")


def thumbnails(manifest: Manifest, rows: Sequence[int], size: int = 192) -> list[bytes | UnreadableImage]:
    """The images of `rows`, in order, each a JPEG padded to a square of `size` px, or why it cannot be read.

    The last ones are kept: to make them takes longer than all else that a page of pictures does.
    """
    files = [manifest.root / path for path in manifest.table["path"].iloc[list(rows)]]
    return threads.each(lambda file: _kept(file, size), files)


def forget() -> None:
    """Drop the thumbnails that are kept."""
    _thumbnail_of.cache_clear()


def details(file: Path) -> Details:
    """What is worth knowing about the file of one image; of a DICOM file only what concerns the picture.

    Raises:
        UnreadableImage: the file can no longer be read.
    """
    content = images.content(file, file.name)
    xray = images.read(content, file.name)
    height, width = xray.pixels.shape
    facts = {
        "Size": f"{width} × {height} px",
        "File": f"{xray.format}, {len(content):,} bytes",
        "Colour mode": xray.mode,
    }
    picture = Image.fromarray(xray.pixels)
    picture.thumbnail((LARGEST, LARGEST))
    return Details(np.asarray(picture), facts | (_dicom_facts(content) if xray.format == "DICOM" else _depth(xray.mode)), xray.warnings)


def _depth(mode: str) -> dict[str, str]:
    """Of a picture's Pillow mode."""
    bits = {"1": 1, "I": 32, "F": 32}.get(mode, 16 if ";16" in mode else 8)
    return {"Bit depth": wording.count(bits, "bit") + " a channel"}


def _dicom_facts(content: bytes) -> dict[str, str]:
    """Numbers, and words of a known list: a damaged file may have a patient's name in the place of anything else."""
    import pydicom

    tags = ["BitsStored", "PixelSpacing", "ImagerPixelSpacing", "Modality", "ViewPosition"]
    dataset = pydicom.dcmread(io.BytesIO(content), force=True, stop_before_pixels=True, specific_tags=tags)
    facts = {}
    if isinstance(dataset.get("BitsStored"), int):
        facts["Bit depth"] = wording.count(dataset.BitsStored, "bit")
    for name, tag in (("Pixel spacing", "PixelSpacing"), ("Pixel spacing at the detector", "ImagerPixelSpacing")):
        try:
            down, across = (float(millimetres) for millimetres in dataset.get(tag) or ())
            facts[name] = f"{down:g} × {across:g} mm"
        except (TypeError, ValueError):  # missing, or no two numbers
            continue
    for name, tag, known in (("Modality", "Modality", MODALITIES), ("View by the file", "ViewPosition", VIEWS)):
        if dataset.get(tag) in known:
            facts[name] = dataset.get(tag)
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    return facts | ({"Transfer syntax": syntax.name} if syntax is not None and syntax.is_transfer_syntax else {})


def _kept(file: Path, size: int) -> bytes | UnreadableImage:
    try:
        stat = file.stat()
        return _thumbnail_of(file, size, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        return UnreadableImage("An image is read from a file that exists.", f"{file.name} ({error.strerror})", "Import the folder again.")
    except UnreadableImage as error:
        return error


@lru_cache(maxsize=KEPT)
def _thumbnail_of(file: Path, size: int, changed: int, length: int) -> bytes:  # noqa: ARG001  a file that changed is another
    stream = io.BytesIO()
    Image.fromarray(thumbnail(file, size)).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
