"""Some two hundred pictures that are no chest X-rays: photographs, textures, noise, text, drawings. Made offline, always the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PHOTOS = ("astronaut", "cat", "coffee", "rocket", "retina", "immunohistochemistry", "hubble_deep_field")
TEXTURES = ("camera", "coins", "moon", "page", "text", "brick", "grass", "gravel", "cell", "clock", "horse", "shepp_logan_phantom")
SIDE = 256  # pixels of what is drawn here


def pictures() -> dict[str, np.ndarray]:
    """Every picture by its name, "kind/what": uint8 [height, width] or, in colour, [height, width, 3]."""
    kinds = {
        "colour": _colour(), "grey photo": _grey_photos(), "texture": _textures(), "face": _faces(), "mirrored": _mirrored(),
        "noise": _noise(), "text": _text(), "drawing": _drawings(), "ramp": _ramps(), "digit": _digits(), "flat": _flat(),
    }  # fmt: skip
    return {f"{kind}/{name}": picture for kind, found in kinds.items() for name, picture in found}


def _photos() -> Iterator[tuple[str, np.ndarray]]:
    from skimage import data
    from sklearn.datasets import load_sample_images

    yield from ((name, np.asarray(getattr(data, name)())) for name in PHOTOS)
    samples = load_sample_images()
    yield from ((str(name), picture) for name, picture in zip(("china", "flower"), samples.images, strict=True))


def _colour() -> Iterator[tuple[str, np.ndarray]]:
    for name, picture in _photos():
        yield name, picture
        yield f"{name} cut", _cut(picture)


def _grey_photos() -> Iterator[tuple[str, np.ndarray]]:
    for name, picture in _photos():
        grey = np.asarray(Image.fromarray(picture).convert("L"))
        yield name, grey
        yield f"{name} cut", _cut(grey)
        yield f"{name} upside down", grey[::-1]
        yield f"{name} negative", 255 - grey


def _textures() -> Iterator[tuple[str, np.ndarray]]:
    for name, grey in _grey_textures():
        yield name, grey
        yield f"{name} cut", _cut(grey)
        yield f"{name} flipped", grey[:, ::-1]


def _grey_textures() -> Iterator[tuple[str, np.ndarray]]:
    from skimage import data

    for name in TEXTURES:
        values = np.asarray(getattr(data, name)(), dtype=np.float64)
        yield name, _grey(values)


def _faces() -> Iterator[tuple[str, np.ndarray]]:
    from skimage import data

    for number, face in enumerate(data.lfw_subset()[:8]):
        yield str(number), np.asarray(Image.fromarray(_grey(face)).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _mirrored() -> Iterator[tuple[str, np.ndarray]]:
    """Left half and its mirror image: as symmetrical as a chest."""
    for name, grey in list(_grey_textures())[:10]:
        left = grey[:, : grey.shape[1] // 2]
        yield name, np.concatenate([left, left[:, ::-1]], axis=1)


def _noise() -> Iterator[tuple[str, np.ndarray]]:
    from scipy.ndimage import gaussian_filter

    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    frequency[0, 0] = 1
    for seed in range(3):
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((SIDE, SIDE))
        yield f"uniform {seed}", rng.integers(0, 256, (SIDE, SIDE), np.uint8)
        yield f"normal {seed}", np.clip(128 + 40 * normal, 0, 255).astype(np.uint8)
        yield f"salt and pepper {seed}", np.where(normal > 0, np.uint8(255), np.uint8(0))
        yield f"columns {seed}", np.tile(rng.integers(0, 256, SIDE).astype(np.uint8), (SIDE, 1))
        for width in (2, 8, 24, 48):
            yield f"blurred by {width} {seed}", _grey(gaussian_filter(normal, width))
        yield f"pink {seed}", _grey(np.fft.irfft2(np.fft.rfft2(normal) / frequency, s=(SIDE, SIDE)))


def _text() -> Iterator[tuple[str, np.ndarray]]:
    words = ("the", "lungs", "are", "clear", "and", "no", "effusion", "was", "seen", "in", "this", "letter")
    for seed in range(10):
        rng = np.random.default_rng(seed)
        ink, paper = (0, 255) if seed % 2 else (230, 20)
        page = Image.new("L", (SIDE, SIDE + 80), paper)
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=10 + seed)
        for line in range(2, SIDE + 70, 16 + seed):
            draw.text((8, line), " ".join(rng.choice(words, 8)), fill=ink, font=font)
        yield str(seed), np.asarray(page)


def _drawings() -> Iterator[tuple[str, np.ndarray]]:
    kinds = {"circles": _circles, "lines": _lines, "face": _face, "bars": _bars, "curve": _curve, "lungs": _ovals}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        ink, paper = (0, 255) if seed % 2 else (255, 0)
        for name, draw_on in kinds.items():
            canvas = Image.new("L", (SIDE, SIDE), paper)
            draw_on(ImageDraw.Draw(canvas), rng, ink)
            yield f"{name} {seed}", np.asarray(canvas)


def _circles(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: int) -> None:
    for x, y, radius in rng.integers(10, 220, (12, 3)):
        draw.circle((int(x), int(y)), int(radius) // 4, outline=ink, width=3)


def _lines(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: int) -> None:
    for ends in rng.integers(0, SIDE, (20, 4)):
        draw.line([int(end) for end in ends], fill=ink, width=2)


def _face(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: int) -> None:
    radius = int(rng.integers(70, 110))
    draw.circle((128, 128), radius, outline=ink, width=4)
    for x in (-1, 1):
        draw.circle((128 + x * radius // 3, 128 - radius // 4), radius // 9, fill=ink)
    draw.arc((128 - radius // 2, 128 - radius // 4, 128 + radius // 2, 128 + radius // 2), 20, 160, fill=ink, width=4)


def _bars(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: int) -> None:
    draw.line((20, 10, 20, 236, 246, 236), fill=ink, width=2)
    for number, height in enumerate(rng.integers(20, 210, 8)):
        draw.rectangle((30 + 26 * number, 235 - int(height), 48 + 26 * number, 235), fill=ink)


def _curve(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: int) -> None:
    draw.line((20, 10, 20, 236, 246, 236), fill=ink, width=2)
    heights = np.clip(128 + np.cumsum(rng.normal(0, 12, 45)), 12, 234)
    draw.line([(22 + 5 * number, float(height)) for number, height in enumerate(heights)], fill=ink, width=2)


def _ovals(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: int) -> None:
    """Two upright ovals side by side, as a child would draw lungs."""
    width, height = int(rng.integers(35, 50)), int(rng.integers(70, 95))
    for middle in (80, 176):
        draw.ellipse((middle - width, 130 - height, middle + width, 130 + height), outline=ink, width=5)


def _ramps() -> Iterator[tuple[str, np.ndarray]]:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    radius = np.hypot(x - 0.5, y - 0.5)
    shapes = {"across": x, "down": y, "diagonal": x + y, "radial": radius, "waves": np.sin(20 * x) * np.sin(20 * y)}
    for name, values in shapes.items():
        yield name, _grey(values)
        yield f"{name} turned over", _grey(-values)


def _digits() -> Iterator[tuple[str, np.ndarray]]:
    from sklearn.datasets import load_digits

    for number, digit in enumerate(load_digits().images[:20]):
        yield str(number), np.asarray(Image.fromarray(_grey(digit)).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _flat() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    for level in (0, 120, 255):
        yield str(level), np.full((SIDE, SIDE), level, np.uint8)
    yield "with a little noise", np.clip(90 + 2 * rng.standard_normal((SIDE, SIDE)), 0, 255).astype(np.uint8)


def _cut(picture: np.ndarray) -> np.ndarray:
    """Its upper left three fifths."""
    height, width = (3 * side // 5 for side in picture.shape[:2])
    return picture[:height, :width]


def _grey(values: np.ndarray) -> np.ndarray:
    """`values` stretched to uint8."""
    low, high = values.min(), values.max()
    return np.round((values - low) * (255 / (high - low))).astype(np.uint8)
