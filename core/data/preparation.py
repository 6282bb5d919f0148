"""From an image's greys to a network's input square. The one way there, for training and inference alike."""

from __future__ import annotations

import numpy as np

from core.data.images import fit
from core.data.square import Equalise, Preparation

__all__ = ["CLAHE_LIMIT", "CLAHE_TILES", "VERSION", "Equalise", "Preparation", "prepare"]

CLAHE_LIMIT, CLAHE_TILES = 2.0, (8, 8)  # of the mean height of a histogram bin; 8×8 tiles are also the papers' toolbox's default
VERSION = 1  # part of cache keys: raise it whenever `prepare` would give different pixels


def prepare(pixels: np.ndarray, how: Preparation) -> np.ndarray:
    """uint8 [height, width] → uint8 [size, size]; a pure function, safe in threads."""
    square = fit(pixels, how.size, how.resize)
    if how.equalise == "none":
        return square
    import cv2  # takes a while to load, and most recipes do without

    return cv2.createCLAHE(clipLimit=CLAHE_LIMIT, tileGridSize=CLAHE_TILES).apply(square)
