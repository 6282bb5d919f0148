"""Can this picture be a chest X-ray at all? Checks of the decoded picture alone: they know no network and no data set.

Measured by `benchmarks/guard.py`. What they let pass may still be no chest X-ray: see `core.evaluation.familiarity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.data.images import fit

SMALLEST = 28  # pixels of the shorter side; MedMNIST's, the smallest size at which X-rays are published
FLAT = 5.0  # standard deviation, in greys of 255
COLOURFUL = 8.0  # in greys of 255; X-rays with coloured marks or a colour cast, photographed from a screen, stay below
_SIDE = 16  # pixels of the thumbnail that the greys' order is read from
_UPRIGHT = {  # where its rows and columns show what on a frontal X-ray
    "mediastinum": (slice(4, 12), slice(7, 9)),
    "abdomen": (slice(12, 16), slice(4, 12)),
    "right lung": (slice(4, 10), slice(3, 6)),
    "left lung": (slice(4, 10), slice(10, 13)),
    "right corner": (slice(0, 3), slice(0, 2)),
    "left corner": (slice(0, 3), slice(14, 16)),
}


@dataclass(frozen=True)
class Finding:
    """Something that a chest X-ray does not show. `sentence` tells a person what and, where there is one, the way out."""

    name: Literal["tiny", "blank", "colour", "inverted"]
    sentence: str


def findings(pixels: np.ndarray, colourfulness: float = 0.0) -> tuple[Finding, ...]:
    """What speaks against a picture; empty where nothing does.

    Args:
        pixels: as decoded, 0 = black. uint8 [height, width]
        colourfulness: of the file that they were read from, see `colourfulness`.
    """
    found = []
    height, width = pixels.shape
    if min(height, width) < SMALLEST:
        found.append(Finding("tiny", f"The picture is too small to show a chest: {width} × {height} pixels."))
    if colourfulness > COLOURFUL:
        found.append(Finding("colour", "The picture has colours, and not just a tint; an X-ray has none."))
    thumbnail = fit(pixels, 64)
    if thumbnail.std() < FLAT:
        found.append(Finding("blank", "The picture is blank or nearly constant; there is hardly anything to see."))
    elif brightness_order(pixels) < 0:
        found.append(
            Finding(
                "inverted",
                "The greys look inverted, as in a negative: on an upright chest X-ray mediastinum and abdomen are brighter than the lungs "
                "and the upper corners. Invert the picture, or turn it upright.",
            )
        )
    return tuple(found)


def brightness_order(pixels: np.ndarray) -> float:
    """How much brighter mediastinum and abdomen are than lungs and upper corners, where those stand on an upright frontal X-ray.

    In standard deviations of the picture's 16 × 16 thumbnail; inverted greys turn the sign. pixels: uint8 [height, width]
    """
    thumbnail = fit(pixels, _SIDE).astype(np.float64)
    mean = {name: thumbnail[place].mean() for name, place in _UPRIGHT.items()}
    dark = (mean["right lung"] + mean["left lung"] + mean["right corner"] + mean["left corner"]) / 2
    return float((mean["mediastinum"] + mean["abdomen"] - dark) / max(thumbnail.std(), 1e-9))


def colourfulness(colours: np.ndarray) -> float:
    """How far a picture's colours are from any tint; 0 for greys and for every tint that follows the brightness smoothly.

    A tint is taken away from the opponent colours (Hasler & Süsstrunk 2003: red − green and yellow − blue) as a parabola in the
    brightness. Their deviation, the paper's figure, would call an X-ray with a red arrow colourful, and its mean a sepia print: so this
    is the median of what is left. In greys of 255.

    Args:
        colours: averaged down to some 64 × 64 pixels, so that noise and the coding of chroma cancel out. uint8 [height, width, 3]
    """
    red, green, blue = colours.reshape(-1, 3).T.astype(np.float64)
    brightness = (red + green + blue) / 765
    powers = np.stack([np.ones_like(brightness), brightness, brightness**2], axis=1)
    opponents = np.stack([red - green, (red + green) / 2 - blue], axis=1)
    kept = slice(None)
    for _ in range(4):  # least trimmed squares: a mark of a few saturated pixels would bend the tint of all
        tint, *_ = np.linalg.lstsq(powers[kept], opponents[kept], rcond=None)
        distance = np.linalg.norm(opponents - powers @ tint, axis=1)
        kept = distance <= np.quantile(distance, 0.75)
    return float(np.median(distance))
