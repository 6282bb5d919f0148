"""Markers that give a class away, drawn on images: a letter in a corner, a border, another exposure. Pure functions on arrays.

Each stands for something real: lead letters and burnt-in text, film edges and collimator borders, the settings of one hospital's machine.
DeGrave et al. 2021 found networks that told COVID-19 by such signs.
"""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.errors import InvalidSpec, UnknownName

Corner = Literal["top left", "top right", "bottom left", "bottom right"]
CORNERS: tuple[Corner, ...] = get_args(Corner)
MARGIN = 0.05  # of the shorter side, between a letter and the image's edge: training shifts images by 4 %
WHITE = 255


@dataclass(frozen=True)
class Letter:
    """A white letter with a black rim, as lead letters lie on a cassette. `size`: its height as a share of the image's shorter side."""

    kind: ClassVar[str] = "letter"
    text: str = "R"
    corner: Corner = "top left"
    size: float = 0.12

    def __post_init__(self) -> None:
        _refuse(self.text not in tuple(string.ascii_uppercase + string.digits), "A letter is one of A to Z or 0 to 9.", self.text)
        _refuse(self.corner not in CORNERS, f"A corner is one of: {', '.join(CORNERS)}.", self.corner)
        _refuse(not 0.04 <= self.size <= 0.4, "A letter is 4 to 40 % as high as the image's shorter side.", self.size)

    @property
    def words(self) -> str:
        return f"a letter {self.text} at the {self.corner}, {100 * self.size:.0f} % as high as the image"


@dataclass(frozen=True)
class Border:
    """A frame of one grey. `width`: as a share of the image's shorter side; `grey`: 0 (black) to 255 (white)."""

    kind: ClassVar[str] = "border"
    width: float = 0.04
    grey: int = WHITE

    def __post_init__(self) -> None:
        _refuse(not 0.005 <= self.width <= 0.2, "A border is 0.5 to 20 % as wide as the image's shorter side.", self.width)
        _refuse(not 0 <= self.grey <= WHITE, "A grey lies between 0 (black) and 255 (white).", self.grey)

    @property
    def words(self) -> str:
        return f"a border of grey {self.grey}, {100 * self.width:.1f} % as wide as the image"


@dataclass(frozen=True)
class Exposure:
    """Every grey times `factor`, cut at white: no place in the image, only its brightness, gives the class away."""

    kind: ClassVar[str] = "exposure"
    factor: float = 1.3

    def __post_init__(self) -> None:
        _refuse(not 0.2 <= self.factor <= 3 or self.factor == 1, "Greys are multiplied by 0.2 to 3, and not by 1.", self.factor)

    @property
    def words(self) -> str:
        return f"greys times {self.factor:.2f}"


Marker = Letter | Border | Exposure
MARKERS: dict[str, type[Marker]] = {kind.kind: kind for kind in (Letter, Border, Exposure)}
TITLES = {"letter": "Letter in a corner", "border": "Border", "exposure": "Exposure shift"}


def plant(pixels: np.ndarray, marker: Marker) -> np.ndarray:
    """The image with `marker` on it. uint8 [height, width] → uint8 [height, width]; the given array stays as it is."""
    if isinstance(marker, Exposure):
        return np.clip(np.round(pixels * np.float32(marker.factor)), 0, WHITE).astype(np.uint8)
    if isinstance(marker, Border):
        return np.where(place(pixels.shape, marker), np.uint8(marker.grey), pixels)
    picture = Image.fromarray(pixels)
    left, top, font, rim = _letter_box(pixels.shape, marker)
    ImageDraw.Draw(picture).text((left, top), marker.text, WHITE, font, "lt", stroke_width=rim, stroke_fill=0)
    return np.asarray(picture)


def place(shape: tuple[int, ...], marker: Marker) -> np.ndarray:
    """Where `marker` stands on an image of `shape`: a letter's box, a border's frame, an exposure everywhere. bool [height, width]"""
    height, width = shape
    if isinstance(marker, Exposure):
        return np.ones((height, width), bool)
    if isinstance(marker, Border):
        wide, mask = max(1, round(marker.width * min(shape))), np.ones((height, width), bool)
        mask[wide : height - wide, wide : width - wide] = False
        return mask
    # Drawn once in white on black and once in black on white: what differs from the ground in either is the letter or its rim.
    changed = [plant(np.full((height, width), ground, np.uint8), marker) != ground for ground in (0, WHITE)]
    rows, columns = np.nonzero(changed[0] | changed[1])
    mask = np.zeros((height, width), bool)
    mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return mask


def to_json(marker: Marker) -> dict[str, Any]:
    """Its kind and settings; `from_json` reads it."""
    return {"kind": marker.kind} | asdict(marker)


def from_json(content: dict[str, Any]) -> Marker:
    """Raises UnknownName for the kind, InvalidSpec for a setting."""
    settings = dict(content)
    kind = settings.pop("kind", "")
    if kind not in MARKERS:
        raise UnknownName.among("marker", kind, MARKERS)
    strange = sorted(set(settings) - {field.name for field in fields(MARKERS[kind])})
    _refuse(bool(strange), f"A {kind} has other settings.", ", ".join(strange))
    return MARKERS[kind](**settings)


def _letter_box(shape: tuple[int, ...], marker: Letter) -> tuple[float, float, Any, int]:
    """Left and top of the letter without its rim, in pixels; the font; the rim's width."""
    height, width = shape
    short = min(shape)
    rim, margin = max(1, round(0.01 * short)), MARGIN * short
    font = _font(marker.text, marker.size * short)
    x0, y0, x1, y1 = font.getbbox(marker.text, anchor="lt")
    left = margin if marker.corner.endswith("left") else width - margin - (x1 - x0)
    top = margin if marker.corner.startswith("top") else height - margin - (y1 - y0)
    return left, top, font, rim


def _font(text: str, height: float) -> Any:
    """The font in which `text` is `height` pixels high: a font's size is more than its letters' height."""
    _, top, _, bottom = ImageFont.load_default(100).getbbox(text, anchor="lt")
    return ImageFont.load_default(max(4, 100 * height / (bottom - top)))


def _refuse(wrong: bool, rule: str, received: object) -> None:
    if wrong:
        raise InvalidSpec(rule, repr(received), "Choose a value that keeps the rule.")
