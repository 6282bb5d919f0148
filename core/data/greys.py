"""What all image formats share: the limits, the refusals, and how numbers and colours become 8-bit greys. Knows no file format.

It stands apart so that the formats cannot drift away from each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image

from core.errors import UnreadableImage

MAX_PIXELS = 60_000_000  # the largest X-ray detectors give about 20 million
MAX_BYTES = 200 * 2**20
MAX_JPEG_SCANS = 40  # progressive files have about ten; each takes a pass over all pixels, so a small file could take hours
WAY_OUT = "Save the image as PNG, JPEG, TIFF or DICOM and try again."
STRETCHED = "The greys were stretched: the darkest value of the file became black, the brightest white."
_SCAN = re.compile(rb"\xff\xda")  # thrice as fast as bytes.count


def refusal(rule: str, name: str, seems: str, way_out: str) -> UnreadableImage:
    """The error for the file `name`; `seems` says in words what it is."""
    return UnreadableImage(rule, f"{name or 'a file without a name'}, {seems}", way_out)


@contextmanager
def decoding(name: str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into UnreadableImage. The decoder's own words are left out: they may quote the file."""
    try:
        yield
    except UnreadableImage:
        raise
    except Image.DecompressionBombError:  # some decoders look at the size before check_pixels can
        rule = f"An image has at most {MAX_PIXELS:,} pixels."
        raise refusal(rule, name, f"a {kind} file of far more", "Export it at a smaller size.") from None
    except Exception as error:  # damaged bytes lead decoders to any error: OSError, SyntaxError, struct.error, KeyError, MemoryError …
        seems = f"a {kind} file that is damaged, cut short or of an unsupported variety ({type(error).__name__})"
        raise refusal("An image file must decode completely.", name, seems, f"Fetch the file again, or: {WAY_OUT}") from None


def check_pixels(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        seems = f"of {width} × {height} = {width * height:,} pixels"
        raise refusal(f"An image has at most {MAX_PIXELS:,} pixels.", name, seems, "Export it at a smaller size.")


def check_frames(frames: int, name: str, kind: str) -> None:
    if frames > 1:
        way_out = "Save the frame that is meant as a file of its own."
        raise refusal("An image file holds one image.", name, f"a {kind} file of {frames} frames", way_out)


def has_too_many_scans(jpeg: bytes) -> bool:
    """Whether a JPEG stream has more than MAX_JPEG_SCANS scans."""
    return next(islice(_SCAN.finditer(jpeg), MAX_JPEG_SCANS, None), None) is not None


@dataclass(frozen=True, eq=False)
class Grey:
    """A picture of 8 bits as mode "L"; what is said of its colours; and these, averaged down, where it has any. uint8 [64, 64, 3]"""

    image: Image.Image
    warnings: list[str]
    colours: np.ndarray | None = None


def luminance(image: Image.Image) -> Grey:
    """An image of 8 bits a channel in grey."""
    if image.has_transparency_data:  # laid on black; dropping alpha would bring hidden pixels to light
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size)
        image.paste(clear, mask=clear.getchannel("A"))
    if image.mode in ("L", "1"):
        return Grey(image.convert("L") if image.mode == "1" else image, [])
    if image.mode != "RGB":
        image = image.convert("RGB")
    colours = np.asarray(image.resize((64, 64), Image.Resampling.BOX))  # averaged down, JPEG noise cancels out
    warnings = _about_colour(colours)
    return Grey(image.convert("L"), warnings, colours if warnings else None)


def to_8_bits(values: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    """Numbers of any type as uint8 of the same shape, and a warning where they were stretched.

    Whole numbers of 0…65535 are taken to have the smallest usual depth (8, 10, 12, 14, 16 bits) that holds the largest of them, and are
    divided by its range: black stays black, the order stays, and 12-bit data in a 16-bit file does not come out nearly black. A
    stretch to the image's own range would lose the black level. Other numbers have no known depth and are stretched so.
    """
    low, high = values.min(), values.max()
    if values.dtype.kind in "ui" and low >= 0 and high < 2**16:
        depth = next(bits for bits in (8, 10, 12, 14, 16) if high < 2**bits)
        table = np.round(np.arange(2**depth) * (255 / (2**depth - 1))).astype(np.uint8)
        return table[values], []
    return linear(values, float(low), float(high), name), [STRETCHED]


def linear(values: np.ndarray, low: float, high: float, name: str) -> np.ndarray:
    """`values` as uint8, `low` → 0, `high` → 255; all 0 where the two are equal. Refuses what is not finite."""
    scaled = values.astype(np.float64)
    if not (np.isfinite([low, high]).all() and np.isfinite(scaled).all()):
        raise refusal("Pixel values are finite numbers.", name, "which holds NaN or infinite values", WAY_OUT)
    if high == low:
        return np.zeros(values.shape, np.uint8)
    scaled -= low
    scaled /= high - low  # two steps: 255 / (high - low) overflows for tiny ranges
    return np.round(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def _about_colour(colours: np.ndarray) -> list[str]:
    """What to say of a picture, averaged down, whose channels differ. uint8 [height, width, 3]

    They differ where the mean gap between a pixel's largest and smallest channel exceeds 5 of 255. They are a tint, not colours, where
    each channel follows the others (correlation > 0.97).
    """
    channels = colours.reshape(-1, 3).T.astype(np.float64)
    if np.ptp(channels, axis=0).mean() <= 5:
        return []
    varied = channels[channels.std(axis=1) > 1]
    if len(varied) < 2 or np.corrcoef(varied).min() > 0.97:
        return ["The file holds a tinted grey image; the tint was dropped."]
    return ["The file holds colours; only their brightness was kept. Is it an X-ray?"]
