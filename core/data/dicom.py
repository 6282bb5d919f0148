"""A DICOM file → greys, as it asks to be shown. Of its tags only those on the picture are read; a patient's never leave the bytes.

Imported with the first DICOM file only: pydicom takes 0.2 s to load, and most data sets hold none.
"""

from __future__ import annotations

import io
import zlib

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import read_dataset, read_preamble
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, apply_windowing, pixel_array
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from core.data import codestreams, greys
from core.data.greys import WAY_OUT, decoding, refusal

# All that is read of a file. Whatever names a patient is skipped, so that it can reach no message, log or picture.
TAGS = [
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "NumberOfFrames", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *(f"{c}PaletteColorLookupTable{part}" for c in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")),
    *(f"Segmented{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue")),
    "BurnedInAnnotation",
]
GREYS = ("MONOCHROME1", "MONOCHROME2")
COLOURS = ("PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
UNCOMPRESSED = tuple(uid for uid in pydicom.uid.AllTransferSyntaxes if not uid.is_encapsulated)
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # its warnings quote values, and a damaged file may move a name
BURNED_IN = "The file says that writing is burned into the picture: it may name the patient."


def read(data: bytes, name: str) -> tuple[np.ndarray, str, list[str], np.ndarray | None]:
    """Pixels (uint8 [height, width]), "DICOM " and the photometric interpretation, warnings, colours (see `greys.Grey`).

    Raises:
        UnreadableImage: the file holds no single picture, is too large or cannot be decoded.
    """
    with decoding(name, "DICOM"):
        dataset = _dataset(data, name)
        photometric = str(dataset.PhotometricInterpretation)
        if photometric not in GREYS + COLOURS:  # not repeated: a damaged file may have anything in its place
            raise ValueError("The photometric interpretation is one of those known.")
        with decoding(name, f"DICOM ({dataset.file_meta.TransferSyntaxUID.name})"):
            values = _values(dataset)
        if photometric in GREYS:
            pixels, warnings = _windowed(values, dataset, name)
            pixels, colours = 255 - pixels if photometric == "MONOCHROME1" else pixels, None
        else:
            values = apply_color_lut(values, dataset) if photometric == "PALETTE COLOR" else values
            grey = greys.luminance(Image.fromarray(greys.to_8_bits(values, name)[0]))
            pixels, warnings, colours = np.asarray(grey.image), grey.warnings, grey.colours
        if dataset.get("BurnedInAnnotation") == "YES":
            warnings.append(BURNED_IN)
        return pixels, f"DICOM {photometric}", warnings, colours


def _dataset(data: bytes, name: str) -> pydicom.Dataset:
    """The TAGS of a file, its transfer syntax and size checked, its pixels not decoded yet."""
    _check_inflated(data, name)
    dataset = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=TAGS)
    if "PixelData" not in dataset:
        raise refusal("A DICOM file must hold an image.", name, "a file without pixel data", "Choose the file of the image itself.")
    greys.check_frames(int(dataset.get("NumberOfFrames") or 1), name, "DICOM")
    greys.check_pixels(int(dataset.Columns), int(dataset.Rows), name)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit = dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in UNCOMPRESSED and not codestreams.is_available(syntax):
        rule = "The pixels of a DICOM file must be in a transfer syntax that can be decoded here."
        seems = f"in {syntax.name}" if syntax.is_transfer_syntax else "in one that is not of the standard"
        raise refusal(rule, name, seems, "Save it uncompressed (Explicit VR Little Endian).")
    return dataset


def _check_inflated(data: bytes, name: str) -> None:
    """Refuse a deflated file that is too large: pydicom would inflate it without a limit."""
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflater.decompress(stream.read(), greys.MAX_BYTES)
        if inflater.unconsumed_tail:
            rule = f"A DICOM file holds at most {greys.MAX_BYTES // 2**20} MiB when inflated."
            raise refusal(rule, name, "a deflated file of more than that", WAY_OUT)


def _values(dataset: pydicom.Dataset) -> np.ndarray:
    """The stored values [rows, columns] or [rows, columns, 3], YBR as RGB."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in codestreams.JPEG_2000 and codestreams.JP2 in dataset.PixelData:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        dataset.PixelData = encapsulate([codestreams.unwrapped(frame)])
    # index: what stands behind the one frame that the file tells of is not decoded
    return pixel_array(dataset, index=0, decoding_plugin=codestreams.PLUGIN if syntax.is_encapsulated else "")


def _windowed(values: np.ndarray, dataset: pydicom.Dataset, name: str) -> tuple[np.ndarray, list[str]]:
    """The modality's rescaling, then the file's first window (or its VOI table, or else the image's own range), as uint8."""
    values = apply_modality_lut(values, dataset)
    window = [dataset.get("WindowCenter"), dataset.get("WindowWidth")]
    centre, width = (float(x) if x not in (None, "") else None for x in (v[0] if isinstance(v, MultiValue) else v for v in window))
    if centre is None or width is None:
        values = apply_voi_lut(values, dataset)
    elif width >= 1:
        # the greys that lie far below and far above the window show which outputs mean black and white
        low, high = apply_windowing(np.array([centre - 100 * width, centre + 100 * width]), dataset)
        return greys.linear(apply_windowing(values, dataset), low, high, name), []
    return greys.linear(values, float(values.min()), float(values.max()), name), [greys.STRETCHED]
