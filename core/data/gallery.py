"""Pictures to look at: a few images of each class, read as everything else reads them."""

from __future__ import annotations

import numpy as np

from core.data import images
from core.data.manifest import Manifest


def samples(manifest: Manifest, per_class: int, size: int = 192) -> dict[str, list[np.ndarray]]:
    """The first `per_class` images of each class, padded to squares. Lists of uint8 [size, size]

    Raises:
        UnreadableImage: a file can no longer be read.
    """
    return {
        label: [images.fit(images.read(manifest.root / path).pixels, size, "pad") for path in rows["path"].head(per_class)]
        for label, rows in manifest.table.groupby("label")
    }
