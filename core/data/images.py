"""The one reader of the project: any image file → greyscale array. Import, cache and inference all read through it.

The content decides what a file is, never its name. A file is refused before it is decoded where it is too large, and never filled in
where it is damaged. This module knows nothing of labels, data sets or models; `dicom` reads the DICOM files, `greys` has what all share.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, get_args

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from core.data.greys import (
    MAX_BYTES,
    MAX_JPEG_SCANS,
    MAX_PIXELS,
    WAY_OUT,
    check_frames,
    check_pixels,
    decoding,
    has_too_many_scans,
    luminance,
    refusal,
    to_8_bits,
)
from core.data.square import Resize
from core.errors import InvalidSpec

__all__ = ["MAX_BYTES", "MAX_PIXELS", "READABLE", "READER_VERSION", "RESIZES", "Resize", "XRay", "fit", "kind_of", "read"]

READER_VERSION = 2  # part of cache keys: raise it whenever read or fit would give different pixels
RESIZES: tuple[Resize, ...] = get_args(Resize)

# The decoders are named one by one: Image.open would try others, and prints a warning of its own for large images.
DECODERS = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
ZIP = "a ZIP archive or an office document"
CMS = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"  # an object identifier of PKCS #7, behind a length of 0 to 4 bytes
# (offset, bytes there, what the file is); DICM stands first because a DICOM preamble may pose as a TIFF.
MAGIC = (
    (128, b"DICM", "DICOM"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WEBP"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),  # BigTIFF, as the next
    (0, b"MM\0+", "TIFF"),
    (0, b"GIF8", "GIF"),
    (4, b"ftyphe", "a HEIC photograph"),
    (4, b"ftypmif1", "a HEIC photograph"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"jP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\3\4", ZIP),
    (0, b"PK\5\6", ZIP),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    *((offset, CMS, "an encrypted or signed (CMS) file, as DICOM media may hold") for offset in range(2, 7)),
    (0, b"8BPS", "a Photoshop file"),
)
SUFFIXES = {
    **{".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".dib": "BMP"},
    **{".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF", ".dcm": "DICOM", ".dicom": "DICOM", ".heic": "HEIC", ".heif": "HEIC"},
    **{".avif": "AVIF", ".jp2": "JPEG 2000", ".pdf": "PDF", ".txt": "text", ".zip": "ZIP"},
}
NOT_READ = frozenset(("HEIC", "AVIF", "JPEG 2000", "PDF", "text", "ZIP"))
READABLE = tuple(suffix for suffix, kind in SUFFIXES.items() if kind not in NOT_READ)
"""Suffixes of files that can be read here."""
EXIF_ORIENTATION = 0x0112
TURNS = dict(enumerate(("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"), start=2))


@dataclass(frozen=True, eq=False)  # no comparison by value: arrays have no single answer to ==
class XRay:
    """One picture, and what is worth knowing about its file. `pixels` cannot be written to."""

    pixels: np.ndarray  # uint8 [height, width], 0 = black
    name: str  # file name only (no folder)
    mode: str  # what the file held: "L", "RGB", "RGBA", "P", "I;16", "CMYK", "DICOM MONOCHROME1" …
    format: str  # "PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF" or "DICOM"
    warnings: tuple[str, ...]  # sentences a person can read
    colours: np.ndarray | None = None  # of a file in colour, averaged down. uint8 [64, 64, 3]


def read(source: Path | bytes | BinaryIO, name: str = "") -> XRay:
    """The greyscale picture in `source`: a path, the bytes of a file, or a stream (read from its start). `name` replaces the file's own.

    Colour becomes luminance, alpha is laid on black, EXIF orientation is applied, more than 8 bits are rescaled (`greys.to_8_bits`).
    Raises UnreadableImage, and nothing else, whatever the bytes hold.
    """
    name = re.split(r"[/\\]", name or str(getattr(source, "name", "")))[-1]
    data = content(source, name)
    kind = kind_of(data, name)
    if kind == "DICOM":
        from core.data import dicom  # here, because it costs 0.3 s and most data sets hold no DICOM

        pixels, mode, warnings, colours = dicom.read(data, name)
    elif kind in DECODERS:
        pixels, mode, warnings, colours = _read_picture(data, name, kind)
    else:
        way_out = "Unpack it first." if kind.endswith("archive") or kind == ZIP else WAY_OUT
        raise refusal("An image is a PNG, JPEG, WebP, BMP, TIFF, GIF or DICOM file.", name, f"which seems to be {kind}", way_out)
    pixels.flags.writeable = False
    return XRay(pixels, name, mode, kind, (*_about_name(name, kind), *warnings, *_about_pixels(pixels)), colours)


def fit(pixels: np.ndarray, size: int, resize: Resize = "squash") -> np.ndarray:
    """`pixels` (uint8 [height, width]) as uint8 [size, size]; a pure function, safe in threads.

    "squash" ignores the aspect ratio, "crop" first cuts the middle square out, "pad" keeps all and fills up with black. The filter is
    Pillow's bilinear one: its support grows with the reduction, so fine structure is averaged away and not aliased. Raises InvalidSpec.
    """
    if size < 1:
        raise InvalidSpec("An image size is a whole number of pixels, at least 1.", size, "Choose a size such as 224.")
    if resize not in RESIZES:
        raise InvalidSpec(f"An image is resized by one of: {', '.join(RESIZES)}.", repr(resize), "Choose one of these.")
    height, width = pixels.shape
    short, long = min(height, width), max(height, width)
    if resize == "crop":
        top, left = (height - short) // 2, (width - short) // 2
        pixels = pixels[top : top + short, left : left + short]
    target = (size, size)
    if resize == "pad":  # resized before it is padded: the padded original of a 1 × 60,000,000 strip would not fit in memory
        target = (max(1, round(width * size / long)), max(1, round(height * size / long)))
    # Width first, then height: which of them comes first changes some greys by one, and Pillow's own choice depends on its version.
    narrowed = Image.fromarray(pixels).resize((target[0], pixels.shape[0]), Image.Resampling.BILINEAR)
    resized = np.array(narrowed.resize(target, Image.Resampling.BILINEAR))
    if resized.shape == (size, size):
        return resized
    square = np.zeros((size, size), np.uint8)
    top, left = (size - target[1]) // 2, (size - target[0]) // 2
    square[top : top + target[1], left : left + target[0]] = resized
    return square


def content(source: Path | bytes | BinaryIO, name: str) -> bytes:
    """All bytes of `source`, called `name`, refused unread where they are too many. Raises UnreadableImage."""
    try:
        if isinstance(source, Path):
            if not source.is_file():
                seems = "which is a folder" if source.is_dir() else "which is no file" if source.exists() else "which does not exist"
                raise refusal("An image is read from a file that exists.", name, seems, "Check the path.")
            with source.open("rb") as stream:
                return content(stream, name)
        if isinstance(source, bytes):
            size, data = len(source), source
        else:
            size, data = 0, b""
            if source.seekable():
                size = source.seek(0, io.SEEK_END)
                source.seek(0)
            if size <= MAX_BYTES:
                data = source.read(MAX_BYTES + 1)  # a pipe does not tell its size
                size = len(data)
    except (OSError, ValueError) as error:  # ValueError: a closed stream, a path with a zero byte
        raise refusal("An image file must be readable.", name, f"which cannot be opened ({error})", "Check its permissions.") from error
    if size > MAX_BYTES:
        rule = f"An image file holds at most {MAX_BYTES // 2**20} MiB."
        raise refusal(rule, name, f"of more than {MAX_BYTES // 2**20} MiB", "Export the image at a smaller size.")
    if not data:
        raise refusal("An image file has content.", name, "which is empty (0 bytes)", "Fetch or export the file again.")
    return data


def kind_of(data: bytes, name: str = "") -> str:
    """A name among DECODERS, "DICOM", or in words what else the bytes of the file `name` seem to be."""
    for offset, magic, kind in MAGIC:
        if data.startswith(magic, offset):
            return kind
    if SUFFIXES.get(Path(name).suffix.lower()) == "DICOM":
        return "DICOM"  # old files lack the preamble; what is none is found out when it is read
    try:
        text = data[:512].decode()
    except UnicodeDecodeError:
        return "an unknown kind of file"
    return "text" if all(c.isprintable() or c.isspace() for c in text) else "an unknown kind of file"


def _read_picture(data: bytes, name: str, kind: str) -> tuple[np.ndarray, str, list[str], np.ndarray | None]:
    """Pixels (uint8 [height, width]), Pillow's mode, warnings, colours (see `greys.Grey`): for every format but DICOM."""
    with decoding(name, kind):
        image: Image.Image = DECODERS[kind](io.BytesIO(data))
        check_pixels(*image.size, name)
        check_frames(_frames(image), name, kind)
        # a grey picture that is not progressive ends with its first scan
        if kind == "JPEG" and (image.mode != "L" or "progressive" in image.info) and has_too_many_scans(data):
            raise refusal(f"A JPEG image has at most {MAX_JPEG_SCANS} scans.", name, "which has more", WAY_OUT)
        mode, tags = image.mode, dict(getattr(image, "tag_v2", {}))
        narrowed = mode[0] not in "IF" and any(";16" in str(tile) for tile in image.tile)
        if kind == "PNG" and mode == "L" and not narrowed and (pixels := _plain_png(data, image)) is not None:
            return pixels, mode, [], None
        image.load()
        turn = TURNS.get(image.getexif().get(EXIF_ORIENTATION, 1))
        if turn:
            image = image.transpose(Image.Transpose[turn])
        if mode[0] in "IF":
            pixels, warnings = to_8_bits(_deep_values(image, tags), name)
            white_is_zero = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0  # Pillow minds that for 8 bits only
            return (255 - pixels if white_is_zero else pixels), mode, warnings, None
        grey = luminance(image)
    if narrowed:
        grey.warnings.append("The file holds 16 bits a channel with colour or transparency; only the upper 8 of them were read.")
    return np.asarray(grey.image), mode, grey.warnings, grey.colours


def _plain_png(data: bytes, image: Image.Image) -> np.ndarray | None:
    """A grey PNG that holds nothing but greys, by a decoder a fifth quicker than Pillow's; None for all others, and for damaged ones."""
    import imagecodecs  # takes a while to load

    if image.info.get("interlace") or _png_chunks(data) & {b"tRNS", b"eXIf", b"acTL"}:
        return None
    try:
        pixels = imagecodecs.png_decode(data)
    except (imagecodecs.PngError, ValueError):
        return None  # Pillow then says what is wrong
    return pixels if pixels.dtype == np.uint8 and pixels.shape == image.size[::-1] else None


def _png_chunks(data: bytes) -> set[bytes]:
    """Names of the chunks that a PNG says it has."""
    found, place = set(), 8  # behind the signature
    while place + 8 <= len(data):
        found.add(data[place + 4 : place + 8])
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return found


def _frames(image: Image.Image) -> int:
    """How many pictures a file holds. A TIFF may chain millions of them, each slow to find: those of a hundred or more raise ValueError."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return getattr(image, "n_frames", 1)
    for frame in range(1, 100):
        try:
            image.seek(frame)
        except EOFError:
            image.seek(0)
            return frame
    raise ValueError("A TIFF file holds fewer than a hundred pictures.")


def _deep_values(image: Image.Image, tags: dict) -> np.ndarray:
    """The numbers of an image of more than 8 bits, transparent ones as 0."""
    values = np.asarray(image)
    if values.dtype == np.int32 and tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))[0] == 1:
        values = values.view(np.uint32)  # Pillow takes unsigned 32-bit numbers for signed ones
    clear = image.info.get("transparency")
    return values if clear is None else np.where(values == clear, 0, values)


def _about_name(name: str, kind: str) -> list[str]:
    suffix = Path(name).suffix.lower()
    if SUFFIXES.get(suffix, kind) == kind:
        return []
    return [f"The name ends in {suffix}, but the content is {kind}; the content was read."]


def _about_pixels(pixels: np.ndarray) -> list[str]:
    height, width = pixels.shape
    short, long = min(height, width), max(height, width)
    warnings = []
    if short < 64:
        warnings.append(f"The image is very small ({width} × {height} pixels).")
    if long > 2 * short:
        warnings.append(f"The image is {long / short:.1f} times as long as it is wide; is it a whole chest X-ray?")
    sample = pixels[:: max(1, height // 128), :: max(1, width // 128)]  # enough to tell, and as quick for large images
    if sample.std() < 5:
        warnings.append("The image is nearly constant; there is hardly anything to see.")
    return warnings
