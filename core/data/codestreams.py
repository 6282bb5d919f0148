"""One compressed frame of a DICOM file → its bytes: a decoding plugin of pydicom, on top of imagecodecs.

pydicom takes the first decoder it finds. Here it is chosen, because a damaged stream must end in an exception: GDCM ends the whole
process (an uncaught C++ exception), and pydicom's own RLE decoder unpacks without a limit. A frame whose header states another size
than its file is refused before it is decoded; one without its end marker is refused too, as decoders fill it up, or take seconds over
it (CharLS). This module knows frames, not files. It is imported with the first DICOM file only.
"""

from __future__ import annotations

import struct
from itertools import pairwise

import imagecodecs
import numpy as np
from pydicom import uid
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner

from core.data.greys import MAX_JPEG_SCANS, has_too_many_scans

PLUGIN = "cxrlab"
JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
_JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
DECODER_DEPENDENCIES = dict.fromkeys((*_JPEG, *_JPEG_LS, *JPEG_2000, uid.RLELossless), ("imagecodecs>=2024.12.30",))
"""Transfer syntaxes that are decoded here, each with what it needs: pydicom asks by this name."""
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
JP2 = b"\0\0\0\x0cjP  "  # how a JP2 file starts
_SOC_SIZ = b"\xff\x4f\xff\x51"  # the first two markers of every JPEG 2000 codestream
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # the last is JPEG-LS
_RLE_PADDING = 256  # bytes that a segment may unpack to beyond its picture; some writers pad

Header = tuple[tuple[int, int, int], int]
"""(rows, columns, samples a pixel), bits a sample."""


def is_available(syntax: str) -> bool:
    """Whether `syntax` is decoded here: pydicom asks by this name."""
    return syntax in DECODER_DEPENDENCIES


def unwrapped(frame: bytes) -> bytes:
    """A JPEG 2000 frame without the JP2 file around it: DICOM forbids that, some write it, and pydicom may loop in it for ever."""
    return frame[max(0, frame.find(_SOC_SIZ)) :]


def decode_frame(frame: bytes, runner: DecodeRunner) -> bytes:
    """The samples of `frame`, pixel by pixel (RLE: plane by plane); `runner` is told how they lie.

    Raises:
        ValueError: the frame is not what the file says, has no end, or has too many scans.
        Exception: whatever the decoders raise.
    """
    expected = (runner.rows, runner.columns, runner.samples_per_pixel)
    if runner.transfer_syntax == uid.RLELossless:
        return _rle(frame, expected, runner)
    size, bits = _siz(frame) if runner.transfer_syntax in JPEG_2000 else _sof(frame)
    if size != expected:
        raise ValueError(f"A frame of {size} stands in a file of {expected}.")
    if not frame.rstrip(b"\0\xff").endswith(_EOI):  # frames are padded with either
        raise ValueError("A frame ends with its end marker.")
    pixels = _samples(frame, expected if expected[2] > 1 else expected[:2], bits, runner)
    runner.set_option("bits_allocated", 8 * pixels.itemsize)
    runner.set_option("planar_configuration", 0)
    return pixels.tobytes()


def _samples(frame: bytes, shape: tuple[int, ...], bits: int, runner: DecodeRunner) -> np.ndarray:
    """The samples of a JPEG, JPEG-LS or JPEG 2000 frame, of `shape`; colours as they were encoded, but for JPEG 2000's own transform."""
    out = np.empty(shape, np.uint8 if bits <= 8 else np.uint16)
    if runner.transfer_syntax in _JPEG:
        if has_too_many_scans(frame):
            raise ValueError(f"A JPEG frame has at most {MAX_JPEG_SCANS} scans.")
        raw = {"colorspace": "YCBCR", "outcolorspace": "YCBCR"} if len(shape) == 3 else {}  # alike, so that nothing is converted
        return imagecodecs.jpeg8_decode(frame, out=out, **raw)
    if runner.transfer_syntax in _JPEG_LS:
        pixels = imagecodecs.jpegls_decode(frame, out=out)
    else:
        pixels = imagecodecs.jpeg2k_decode(frame, numthreads=1)
        if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
            runner.set_option("photometric_interpretation", "RGB")
    if pixels.shape != shape:  # as of JPEG-LS colours plane by plane
        raise ValueError(f"Pixels of {pixels.shape} were decoded for {shape}.")
    return pixels


def _rle(frame: bytes, shape: tuple[int, int, int], runner: DecodeRunner) -> bytes:
    """The samples of an RLE frame, plane by plane, little endian (PS3.5 annex G: a segment a byte of a sample, the highest first)."""
    rows, columns, samples = shape
    pixels, depth = rows * columns, runner.bits_allocated // 8
    count, *starts = struct.unpack_from("<16I", frame)
    if count != samples * depth:
        raise ValueError(f"An RLE frame of {count} segments stands for {samples * depth} bytes a pixel.")
    planes = np.empty((samples, pixels, depth), np.uint8)
    for index, (start, end) in enumerate(pairwise([*starts[:count], len(frame)])):
        segment = imagecodecs.packbits_decode(frame[start:end], out=bytearray(pixels + _RLE_PADDING))
        if len(segment) < pixels:
            raise ValueError("An RLE segment is cut short.")
        planes[index // depth, :, depth - 1 - index % depth] = np.frombuffer(segment, np.uint8, pixels)
    runner.set_option("planar_configuration", 1)
    return planes.tobytes()


def _sof(frame: bytes) -> Header:
    """Size and depth of a JPEG or JPEG-LS frame by its SOF segment (ISO 10918-1 B.2.2, ISO 14495-1 C.2.2)."""
    if not frame.startswith(_SOI):
        raise ValueError("A JPEG frame starts with its start marker.")
    at = 2
    while frame[at + 1] not in _SOF:  # past the end: an IndexError
        if frame[at] != 0xFF:
            raise ValueError("Every JPEG segment starts with a marker.")
        at += 1 if frame[at + 1] == 0xFF else 2 + int.from_bytes(frame[at + 2 : at + 4])  # FF may fill up before a marker
    bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, at + 4)
    return (rows, columns, samples), bits


def _siz(frame: bytes) -> Header:
    """Size and depth of a JPEG 2000 frame by its SIZ segment (ISO 15444-1 A.5.1)."""
    if not frame.startswith(_SOC_SIZ):
        raise ValueError("A JPEG 2000 frame starts with its size.")
    right, bottom, left, top = struct.unpack_from(">4I", frame, 8)
    samples, depth = struct.unpack_from(">HB", frame, 40)
    return (bottom - top, right - left, samples), (depth & 0x7F) + 1


for _syntax in DECODER_DEPENDENCIES:  # here, because an import happens once and pydicom's registry is not safe in threads
    get_decoder(_syntax).add_plugin(PLUGIN, (__name__, "decode_frame"))
