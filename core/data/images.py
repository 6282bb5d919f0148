"""The one reader of the project: any image file → greyscale array. Import, cache and inference all read through it.

The content decides what a file is, never its name. A file is refused before it is decoded where it is too large, and never filled in
where it is damaged. This module knows nothing of labels, data sets or models. It is longer than most, because the formats share the
rules for depth, colour and refusal, and must not drift apart.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, get_args

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from core.errors import InvalidSpec, UnreadableImage

if TYPE_CHECKING:
    from pydicom import Dataset

MAX_PIXELS = 60_000_000  # the largest X-ray detectors give about 20 million
MAX_BYTES = 200 * 2**20
READER_VERSION = 1  # part of cache keys: raise it whenever read or fit would give different pixels
Resize = Literal["squash", "crop", "pad"]
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
WAY_OUT = "Save the image as PNG, JPEG, TIFF or DICOM and try again."
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
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\3\4", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a gzip archive"),
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
# All that is read of a DICOM file. Whatever names a patient is skipped, so that it can reach no message, log or picture.
DICOM_TAGS = [
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "NumberOfFrames", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *(f"{c}PaletteColorLookupTable{part}" for c in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")),
    *(f"Segmented{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue")),
]
EXIF_ORIENTATION = 0x0112
TURNS = dict(enumerate(("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"), start=2))
STRETCHED = "The greys were stretched: the darkest value of the file became black, the brightest white."


@dataclass(frozen=True, eq=False)  # no comparison by value: arrays have no single answer to ==
class XRay:
    """One picture, and what is worth knowing about its file. `pixels` cannot be written to."""

    pixels: np.ndarray  # uint8 [height, width], 0 = black
    name: str  # file name only (no folder)
    mode: str  # what the file held: "L", "RGB", "RGBA", "P", "I;16", "CMYK", "DICOM MONOCHROME1" …
    format: str  # "PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF" or "DICOM"
    warnings: tuple[str, ...]  # sentences a person can read


def read(source: Path | bytes | BinaryIO, name: str = "") -> XRay:
    """The greyscale picture in `source`: a path, the bytes of a file, or a stream (read from its start). `name` replaces the file's own.

    Colour becomes luminance, alpha is laid on black, EXIF orientation is applied, more than 8 bits are rescaled (`_to_8_bits`).
    Raises UnreadableImage, and nothing else, whatever the bytes hold.
    """
    name = re.split(r"[/\\]", name or str(getattr(source, "name", "")))[-1]
    data = _content(source, name)
    kind = _kind(data, name)
    if kind == "DICOM":
        pixels, mode, warnings = _read_dicom(data, name)
    elif kind in DECODERS:
        pixels, mode, warnings = _read_picture(data, name, kind)
    else:
        raise _refusal("An image is a PNG, JPEG, WebP, BMP, TIFF, GIF or DICOM file.", name, f"which seems to be {kind}", WAY_OUT)
    pixels.flags.writeable = False
    return XRay(pixels, name, mode, kind, (*_about_name(name, kind), *warnings, *_about_pixels(pixels)))


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
    resized = np.array(Image.fromarray(pixels).resize(target, Image.Resampling.BILINEAR))
    if resized.shape == (size, size):
        return resized
    square = np.zeros((size, size), np.uint8)
    top, left = (size - target[1]) // 2, (size - target[0]) // 2
    square[top : top + target[1], left : left + target[0]] = resized
    return square


def _refusal(rule: str, name: str, seems: str, way_out: str) -> UnreadableImage:
    return UnreadableImage(rule, f"{name or 'a file without a name'}, {seems}", way_out)


@contextmanager
def _decoding(name: str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into UnreadableImage."""
    try:
        yield
    except UnreadableImage:
        raise
    except Image.DecompressionBombError as error:  # some decoders look at the size before _check_pixels can
        rule = f"An image has at most {MAX_PIXELS:,} pixels."
        raise _refusal(rule, name, f"a {kind} file of far more", "Export it at a smaller size.") from error
    except Exception as error:  # damaged bytes lead decoders to any error: OSError, SyntaxError, struct.error, KeyError, MemoryError …
        seems = f"a {kind} file that is damaged, cut short or of an unsupported variety ({type(error).__name__})"
        raise _refusal("An image file must decode completely.", name, seems, f"Fetch the file again, or: {WAY_OUT}") from error


def _content(source: Path | bytes | BinaryIO, name: str) -> bytes:
    """All bytes of `source`, refused unread where they are too many."""
    try:
        if isinstance(source, Path):
            if not source.is_file():
                seems = "which is a folder" if source.is_dir() else "which is no file" if source.exists() else "which does not exist"
                raise _refusal("An image is read from a file that exists.", name, seems, "Check the path.")
            with source.open("rb") as stream:
                return _content(stream, name)
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
        raise _refusal("An image file must be readable.", name, f"which cannot be opened ({error})", "Check its permissions.") from error
    if size > MAX_BYTES:
        rule = f"An image file holds at most {MAX_BYTES // 2**20} MiB."
        raise _refusal(rule, name, f"of more than {MAX_BYTES // 2**20} MiB", "Export the image at a smaller size.")
    if not data:
        raise _refusal("An image file has content.", name, "which is empty (0 bytes)", "Fetch or export the file again.")
    return data


def _kind(data: bytes, name: str) -> str:
    """A name among DECODERS, "DICOM", or in words what else the bytes seem to be."""
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


def _check_pixels(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        seems = f"of {width} × {height} = {width * height:,} pixels"
        raise _refusal(f"An image has at most {MAX_PIXELS:,} pixels.", name, seems, "Export it at a smaller size.")


def _check_frames(frames: int, name: str, kind: str) -> None:
    if frames > 1:
        way_out = "Save the frame that is meant as a file of its own."
        raise _refusal("An image file holds one image.", name, f"a {kind} file of {frames} frames", way_out)


def _read_picture(data: bytes, name: str, kind: str) -> tuple[np.ndarray, str, list[str]]:
    """Pixels (uint8 [height, width]), Pillow's mode, warnings: for every format but DICOM."""
    with _decoding(name, kind):
        image: Image.Image = DECODERS[kind](io.BytesIO(data))
        _check_pixels(*image.size, name)
        _check_frames(getattr(image, "n_frames", 1), name, kind)
        mode, tags = image.mode, dict(getattr(image, "tag_v2", {}))
        narrowed = mode in ("RGB", "RGBA") and any(";16" in str(tile) for tile in image.tile)
        image.load()
        turn = TURNS.get(image.getexif().get(EXIF_ORIENTATION, 1))
        if turn:
            image = image.transpose(Image.Transpose[turn])
        if mode[0] in "IF":
            pixels, warnings = _to_8_bits(_deep_values(image, tags), name)
            white_is_zero = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0  # Pillow minds that for 8 bits only
            return (255 - pixels if white_is_zero else pixels), mode, warnings
        grey, warnings = _luminance(image)
    if narrowed:
        warnings.append("The file holds 16 bits a channel with colour or transparency; only the upper 8 of them were read.")
    return np.asarray(grey), mode, warnings


def _deep_values(image: Image.Image, tags: dict) -> np.ndarray:
    """The numbers of an image of more than 8 bits, transparent ones as 0."""
    values = np.asarray(image)
    if values.dtype == np.int32 and tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))[0] == 1:
        values = values.view(np.uint32)  # Pillow takes unsigned 32-bit numbers for signed ones
    clear = image.info.get("transparency")
    return values if clear is None else np.where(values == clear, 0, values)


def _luminance(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """An image of 8 bits a channel as mode "L", and a warning where it is not grey."""
    if image.has_transparency_data:  # laid on black; dropping alpha would bring hidden pixels to light
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size)
        image.paste(clear, mask=clear.getchannel("A"))
    if image.mode in ("L", "1"):
        return image.convert("L") if image.mode == "1" else image, []
    if image.mode != "RGB":
        image = image.convert("RGB")
    return image.convert("L"), _about_colour(image)


def _to_8_bits(values: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
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
    return _linear(values, float(low), float(high), name), [STRETCHED]


def _linear(values: np.ndarray, low: float, high: float, name: str) -> np.ndarray:
    """`values` as uint8, `low` → 0, `high` → 255; all 0 where the two are equal. Refuses what is not finite."""
    scaled = values.astype(np.float64)
    if not (np.isfinite([low, high]).all() and np.isfinite(scaled).all()):
        raise _refusal("Pixel values are finite numbers.", name, "which holds NaN or infinite values", WAY_OUT)
    if high == low:
        return np.zeros(values.shape, np.uint8)
    scaled -= low
    scaled /= high - low  # two steps: 255 / (high - low) overflows for tiny ranges
    return np.round(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def _dicom_dataset(data: bytes, name: str) -> Dataset:
    """The DICOM_TAGS of a file, its decoder and size checked, its pixels not decoded yet."""
    import pydicom  # here, because it costs 0.2 s and most data sets hold no DICOM
    from pydicom.filereader import read_dataset, read_preamble
    from pydicom.pixels import get_decoder

    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    if meta.get("TransferSyntaxUID") == pydicom.uid.DeflatedExplicitVRLittleEndian:  # pydicom would inflate it without a limit
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflater.decompress(stream.read(), MAX_BYTES)
        if inflater.unconsumed_tail:
            rule = f"A DICOM file holds at most {MAX_BYTES // 2**20} MiB when inflated."
            raise _refusal(rule, name, "a deflated file of more than that", WAY_OUT)
    dataset = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=DICOM_TAGS)
    if "PixelData" not in dataset:
        raise _refusal("A DICOM file must hold an image.", name, "a file without pixel data", "Choose the file of the image itself.")
    _check_frames(int(dataset.get("NumberOfFrames") or 1), name, "DICOM")
    _check_pixels(int(dataset.Columns), int(dataset.Rows), name)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit = dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        rule = "The pixels of a DICOM file must be in a transfer syntax that this installation can decode."
        raise _refusal(rule, name, f"in {syntax.name}", "Save it uncompressed (Explicit VR Little Endian), or install a decoder for it.")
    return dataset


def _read_dicom(data: bytes, name: str) -> tuple[np.ndarray, str, list[str]]:
    """Pixels (uint8 [height, width]), "DICOM " and the photometric interpretation, warnings."""
    with _decoding(name, "DICOM"):
        from pydicom.pixels import apply_color_lut, pixel_array

        dataset = _dicom_dataset(data, name)
        photometric = str(dataset.PhotometricInterpretation)
        with _decoding(name, f"DICOM ({dataset.file_meta.TransferSyntaxUID.name})"):  # a decoder may lack a variety, as 12-bit JPEG
            values = pixel_array(dataset)  # YBR comes as RGB
        if photometric in ("MONOCHROME1", "MONOCHROME2"):
            pixels, warnings = _dicom_greys(values, dataset, name)
            return (255 - pixels if photometric == "MONOCHROME1" else pixels), f"DICOM {photometric}", warnings
        if photometric == "PALETTE COLOR":
            values = apply_color_lut(values, dataset)
        grey, warnings = _luminance(Image.fromarray(_to_8_bits(values, name)[0]))
        return np.asarray(grey), f"DICOM {photometric}", warnings


def _dicom_greys(values: np.ndarray, dataset: Dataset, name: str) -> tuple[np.ndarray, list[str]]:
    """The modality's rescaling, then the file's first window (or its VOI table, or else the image's own range), as uint8."""
    from pydicom.multival import MultiValue
    from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing

    values = apply_modality_lut(values, dataset)
    window = [dataset.get("WindowCenter"), dataset.get("WindowWidth")]
    centre, width = (float(x) if x not in (None, "") else None for x in (v[0] if isinstance(v, MultiValue) else v for v in window))
    if centre is None or width is None:
        values = apply_voi_lut(values, dataset)
    elif width >= 1:
        # the greys that lie far below and far above the window show which outputs mean black and white
        low, high = apply_windowing(np.array([centre - 100 * width, centre + 100 * width]), dataset)
        return _linear(apply_windowing(values, dataset), low, high, name), []
    return _linear(values, float(values.min()), float(values.max()), name), [STRETCHED]


def _about_name(name: str, kind: str) -> list[str]:
    suffix = Path(name).suffix.lower()
    if SUFFIXES.get(suffix, kind) == kind:
        return []
    return [f"The name ends in {suffix}, but the content is {kind}; the content was read."]


def _about_colour(image: Image.Image) -> list[str]:
    """What to say of an RGB image whose channels differ.

    They differ where the mean gap between a pixel's largest and smallest channel exceeds 5 of 255, measured on a copy averaged down to
    64 × 64, in which JPEG noise cancels out. They are a tint, not colours, where each channel follows the others (correlation > 0.97).
    """
    channels = np.asarray(image.resize((64, 64), Image.Resampling.BOX)).reshape(-1, 3).T.astype(np.float64)
    if np.ptp(channels, axis=0).mean() <= 5:
        return []
    varied = channels[channels.std(axis=1) > 1]
    if len(varied) < 2 or np.corrcoef(varied).min() > 0.97:
        return ["The file holds a tinted grey image; the tint was dropped."]
    return ["The file holds colours; only their brightness was kept. Is it an X-ray?"]


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
