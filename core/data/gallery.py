"""Pictures to look at: a few images of each class, read as everything else reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.data import images
from core.data.manifest import Manifest


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
