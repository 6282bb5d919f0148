"""DICOM files for tests, in any transfer syntax, made on the spot; all of them name a patient."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder

PATIENT, PATIENT_ID = "Doe^Jane", "secret-17"


@dataclass(frozen=True)
class Syntax:
    """A transfer syntax and how to write it. `encode`: values [height, width(, 3)] → one frame; None: as they are."""

    uid: str
    encode: Callable[[np.ndarray], bytes] | None = None
    exact: bool = True  # what is read is what was written
    depths: tuple[int, ...] = (8, 12, 16)


def _rle(values: np.ndarray) -> bytes:
    bits, (rows, columns) = 8 * values.itemsize, values.shape
    about = {"bits_allocated": bits, "bits_stored": bits, "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2"}
    return RLELosslessEncoder.encode(values.tobytes(), rows=rows, columns=columns, samples_per_pixel=1, number_of_frames=1, **about)


def _jpeg(predictor: int | None = None) -> Callable[[np.ndarray], bytes]:
    """Lossy, or lossless by `predictor` (1 to 7)."""

    def encode(values: np.ndarray) -> bytes:
        bits = 8 if values.dtype == np.uint8 else 12 if values.max() < 4096 else 16
        how = {"level": 95} if predictor is None else {"lossless": True, "predictor": predictor}
        return imagecodecs.jpeg8_encode(values, bitspersample=bits, **how)

    return encode


def _jpeg_2000(level: int) -> Callable[[np.ndarray], bytes]:
    return lambda values: imagecodecs.jpeg2k_encode(values, level=level, codecformat="J2K")


SYNTAXES = {
    "implicit": Syntax(uid.ImplicitVRLittleEndian),
    "explicit": Syntax(uid.ExplicitVRLittleEndian),
    "big endian": Syntax(uid.ExplicitVRBigEndian),
    "deflated": Syntax(uid.DeflatedExplicitVRLittleEndian),
    "RLE": Syntax(uid.RLELossless, _rle),
    "JPEG baseline": Syntax(uid.JPEGBaseline8Bit, _jpeg(), exact=False, depths=(8,)),
    "JPEG extended": Syntax(uid.JPEGExtended12Bit, _jpeg(), exact=False, depths=(8, 12)),
    **{f"JPEG lossless {i}": Syntax(uid.JPEGLossless, _jpeg(i)) for i in (2, 5, 7)},
    "JPEG lossless SV1": Syntax(uid.JPEGLosslessSV1, _jpeg(1)),
    "JPEG-LS": Syntax(uid.JPEGLSLossless, imagecodecs.jpegls_encode),
    "JPEG-LS near-lossless": Syntax(uid.JPEGLSNearLossless, lambda values: imagecodecs.jpegls_encode(values, level=2), exact=False),
    "JPEG 2000 lossless": Syntax(uid.JPEG2000Lossless, _jpeg_2000(0)),
    "JPEG 2000": Syntax(uid.JPEG2000, _jpeg_2000(60), exact=False),
}


def dicom(values: np.ndarray, syntax: str = "explicit", frame: bytes | None = None, **tags: object) -> bytes:
    """`values` (whole numbers [height, width], or uint8 [height, width, 3]) as a DICOM file; `frame` takes the place of the encoded ones.

    `tags` are set at the end, those of value None are removed.
    """
    kind = SYNTAXES[syntax]
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = kind.uid
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = uid.SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.PatientName, dataset.PatientID = PATIENT, PATIENT_ID
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (1, "MONOCHROME2") if values.ndim == 2 else (3, "RGB")
    if values.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = values.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    frame = kind.encode(values) if frame is None and kind.encode else frame
    stored = values.astype(values.dtype.newbyteorder(">")) if syntax == "big endian" else values
    dataset.add_new("PixelData", "OB" if frame or stored.itemsize == 1 else "OW", encapsulate([frame]) if frame else stored.tobytes())
    dataset["PixelData"].is_undefined_length = frame is not None
    for tag, value in tags.items():
        if value is None:
            delattr(dataset, tag)
        else:
            setattr(dataset, tag, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
