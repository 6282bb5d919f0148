"""A heat map laid over its X-ray. Knows arrays, not networks."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from core.explain.cam import HeatMap
from core.files import replacing

COLOURS = "inferno"  # even steps look even, also to colour-blind people


def blend(pixels: np.ndarray, heat: HeatMap, opacity: float = 0.5) -> np.ndarray:
    """The X-ray with the map over it; where the map is cold the X-ray stays as it is.

    Args:
        pixels: uint8 [height, width]
        opacity: 0…1 at the map's hottest place.

    Returns:
        uint8 [height, width, 3]
    """
    share = heat.scaled(*pixels.shape)
    colour = colormaps[COLOURS](share)[..., :3]
    weight = (opacity * np.sqrt(share))[..., None]  # the root keeps the map's outskirts visible
    grey = np.repeat(pixels[..., None] / 255, 3, axis=2)
    return np.round(255 * (grey * (1 - weight) + colour * weight)).astype(np.uint8)


def save(pixels: np.ndarray, heat: HeatMap, folder: Path, name: str, size: int = 512) -> Path:
    """Save the overlay of the image called `name` as a PNG of at least `size` pixels; an older file is never written over."""
    folder.mkdir(parents=True, exist_ok=True)
    stems = (f"{name}.{heat.method}" + (f"-{number}" if number else "") for number in count())
    path = next(path for path in (folder / f"{stem}.png" for stem in stems) if not path.exists())
    side = max(size, *pixels.shape)
    with replacing(path) as temporary:
        Image.fromarray(blend(pixels, heat)).resize((side, side), Image.Resampling.BICUBIC).save(temporary, format="PNG")
    return path
