"""A heat map laid over its X-ray. Knows arrays, not networks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageDraw

from core.errors import InvalidSpec, UnknownName
from core.explain.methods import METHODS
from core.files import replacing

if TYPE_CHECKING:
    from core.explain.heatmap import HeatMap

Style = Literal["colours", "contours"]

COLOURS = "inferno"  # even steps look even, also to colour-blind people
COLOUR_MAPS = (COLOURS, "magma", "viridis", "cividis", "turbo")
"""matplotlib's names. All but turbo have even steps; turbo is the rainbow that older papers show, with steps that are not in the data."""

LEVELS = (0.5, 0.75)  # of the peak, for contours


def blend(pixels: np.ndarray, heat: HeatMap, opacity: float = 0.5, colours: str = COLOURS, top: float | None = None) -> np.ndarray:
    """The X-ray with the map over it; where the map is cold the X-ray stays as it is.

    Args:
        pixels: uint8 [height, width]
        opacity: 0…1 at the map's hottest place.
        colours: one of COLOUR_MAPS.
        top: the value that gets the hottest colour, the map's own peak unless given.

    Returns:
        uint8 [height, width, 3]

    Raises:
        UnknownName: no such colours.
        InvalidSpec: an opacity outside 0…1.
    """
    from matplotlib import colormaps

    _refuse_unknown_colours(colours)
    if not 0 <= opacity <= 1:
        raise InvalidSpec("Opacity lies between 0 and 1.", opacity, "Choose a share such as 0.5.")
    share = heat.scaled(*pixels.shape, top)
    colour = colormaps[colours](share)[..., :3]
    weight = (opacity * np.sqrt(share))[..., None]  # the root keeps the map's outskirts visible
    return np.round(255 * (_grey(pixels) / 255 * (1 - weight) + colour * weight)).astype(np.uint8)


def contours(
    pixels: np.ndarray, heat: HeatMap, colours: str = COLOURS, top: float | None = None, levels: Sequence[float] = LEVELS
) -> np.ndarray:
    """The X-ray with lines at `levels` (shares of the peak, or of `top`) and nothing hidden by colour; as `blend` otherwise."""
    from contourpy import contour_generator
    from matplotlib import colormaps

    _refuse_unknown_colours(colours)
    picture = Image.fromarray(_grey(pixels))
    pen, lines = ImageDraw.Draw(picture), contour_generator(z=heat.scaled(*pixels.shape, top))
    for level in levels:
        colour = tuple(round(255 * part) for part in colormaps[colours](0.4 + 0.6 * level)[:3])  # the darkest vanish on an X-ray
        for line in lines.lines(level):
            pen.line([tuple(point) for point in line.tolist()], fill=colour, width=max(1, round(max(pixels.shape) / 150)))
    return np.asarray(picture)


def side_by_side(
    pixels: np.ndarray,
    heats: Sequence[HeatMap],
    titles: Sequence[str],
    *,
    style: Style = "colours",
    opacity: float = 0.5,
    colours: str = COLOURS,
    inches: float = 4,
) -> bytes:
    """Maps of one X-ray on a common scale, so that a weak one looks weak, with a bar that says what a colour is worth; a PNG.

    Args:
        pixels: uint8 [height, width]
        heats: of one method, with a title each: the classes. One alone is drawn with its bar as well.
        inches: width of each picture, at 100 pixels an inch.

    Raises:
        InvalidSpec: maps of different methods, whose units cannot be compared, or not one title each.
        UnknownName: no such colours.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure  # without pyplot, whose figures all threads share

    methods = {heat.method for heat in heats}
    if len(methods) != 1 or len(titles) != len(heats):
        received = f"{len(heats)} maps of {' and '.join(sorted(methods)) or 'nothing'}, {len(titles)} titles"
        raise InvalidSpec("Maps on a common scale are of one method and have a title each.", received, "Draw other methods apart.")
    _refuse_unknown_colours(colours)
    top = max(heat.peak for heat in heats)
    figure = Figure(figsize=(inches * len(heats) + 1, inches + 0.4), dpi=100, layout="constrained")
    axes = figure.subplots(1, len(heats), squeeze=False)[0]
    for axis, heat, title in zip(axes, heats, titles, strict=True):
        lines = style == "contours"
        axis.imshow(contours(pixels, heat, colours, top) if lines else blend(pixels, heat, opacity, colours, top))
        axis.set_title(f"{title} (peak {heat.peak:.3g})", fontsize=10)
        axis.set_axis_off()
    method = METHODS[methods.pop()]
    scale = ScalarMappable(Normalize(0, top or 1), colours)
    figure.colorbar(scale, ax=list(axes), label=f"{method.title}, {method.unit}", fraction=0.05)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 [height, width, 3], as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def save(pixels: np.ndarray, heat: HeatMap, folder: Path, name: str, size: int = 512) -> Path:
    """Save the overlay of the image called `name` as a PNG of at least `size` pixels; an older file is never written over."""
    folder.mkdir(parents=True, exist_ok=True)
    stems = (f"{name}.{heat.method}" + (f"-{number}" if number else "") for number in count())
    path = next(path for path in (folder / f"{stem}.png" for stem in stems) if not path.exists())
    side = max(size, *pixels.shape)
    with replacing(path) as temporary:
        Image.fromarray(blend(pixels, heat)).resize((side, side), Image.Resampling.BICUBIC).save(temporary, format="PNG")
    return path


def _grey(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., None], 3, axis=2)


def _refuse_unknown_colours(colours: str) -> None:
    if colours not in COLOUR_MAPS:
        raise UnknownName.among("colour map", colours, COLOUR_MAPS)
