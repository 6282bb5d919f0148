"""DICOM: every common transfer syntax gives the right greys, and no patient is named anywhere."""

from __future__ import annotations

import io
import logging
import struct
import traceback
import warnings
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from core.data import codestreams, greys
from core.data import dicom as reader
from core.data.images import read
from core.errors import UnreadableImage
from tests.data.dicom_files import PATIENT, PATIENT_ID, SYNTAXES, dicom

GREY = np.add.outer(np.arange(80), np.arange(70)).astype(np.uint8)
GREY[:10, :10], GREY[-1, -1] = 250, 0
COLOUR = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
LUMINANCE = np.asarray(Image.fromarray(COLOUR).convert("L"))
JPEG_2000_WRAPPER = b"\0\0\0\x0cjP  \r\n\x87\n"

# CRC-32 of the greys of files that come with pydicom, decoded by others: GDCM 3.2.6 (JPEG, JPEG-LS, JPEG 2000), pydicom (the rest).
BUNDLED = {
    "693_J2KI.dcm": 1019276139,  # JPEG 2000, 14 bits, signed
    "ExplVR_BigEnd.dcm": 1592210909,  # colours
    "GDCMJ2K_TextGBR.dcm": 2757487403,  # in a JP2 wrapper
    "J2K_pixelrep_mismatch.dcm": 553507466,  # unsigned samples in a file that calls them signed
    "JPEG2000.dcm": 268498301,
    "JPEGLSNearLossless_08.dcm": 4209126676,
    "JPEGLSNearLossless_16.dcm": 1625860412,
    "JPGExtended.dcm": 1088983061,  # 12 bits
    "MR_small.dcm": 773626065,
    "MR_small_RLE.dcm": 773626065,
    "MR_small_bigendian.dcm": 773626065,
    "MR_small_implicit.dcm": 773626065,
    "MR_small_jp2klossless.dcm": 773626065,
    "MR_small_jpeg_ls_lossless.dcm": 773626065,
    "MR_small_padded.dcm": 773626065,
    "SC_jpeg_no_color_transform.dcm": 3451804594,  # says RGB, holds YBR
    "SC_rgb_dcmtk_+eb+cr.dcm": 3539582232,  # JPEG of RGB
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": 4123987168,  # JPEG of YBR 4:1:1
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": 1663545746,  # JPEG of YBR 4:4:4
    "SC_rgb_gdcm_KY.dcm": 999424125,  # lossy JPEG 2000 of RGB
    "SC_rgb_jls_lossy_line.dcm": 2554953884,
    "SC_rgb_jls_lossy_sample.dcm": 2554953884,
    "SC_rgb_jpeg_app14_dcmd.dcm": 198501055,
    "SC_rgb_jpeg_gdcm.dcm": 999424125,  # lossless JPEG of RGB
    "SC_rgb_rle.dcm": 999424125,
    "SC_rgb_rle_16bit.dcm": 999424125,
    "SC_rgb_small_odd_jpeg.dcm": 2400267713,
    "SC_ybr_full_422_uncompressed.dcm": 1663545746,
    "examples_jpeg2k.dcm": 271016407,
    "examples_palette.dcm": 3576168526,
    "image_dfl.dcm": 3700532309,
    "liver_1frame.dcm": 1678886179,  # one bit a pixel
}


def of_depth(bits: int) -> np.ndarray:
    """GREY spread over `bits` bits."""
    return GREY if bits == 8 else GREY.astype(np.uint16) * ((2**bits - 1) // 250)


def in_full(bits: int) -> dict[str, object]:
    """The window from 0 to the largest value of `bits` bits."""
    return {"WindowCenter": 2 ** (bits - 1), "WindowWidth": 2**bits, "BitsStored": bits, "HighBit": bits - 1}


@pytest.mark.parametrize(("syntax", "bits"), [(name, bits) for name, kind in SYNTAXES.items() if kind.exact for bits in kind.depths])
def test_a_lossless_transfer_syntax_is_read_exactly(syntax: str, bits: int) -> None:
    values = of_depth(bits)
    xray = read(dicom(values, syntax, **in_full(bits)))
    np.testing.assert_array_equal(xray.pixels, np.round(values / (2**bits - 1) * 255))
    assert (xray.mode, xray.format, xray.warnings) == ("DICOM MONOCHROME2", "DICOM", ())


@pytest.mark.parametrize("syntax", ["JPEG baseline", "JPEG extended", "JPEG 2000"])
def test_a_lossy_transfer_syntax_is_read_as_pillow_reads_its_frame(syntax: str) -> None:
    frame = SYNTAXES[syntax].encode(GREY)
    expected = np.asarray(Image.open(io.BytesIO(frame)))
    assert (expected != GREY).any()
    np.testing.assert_array_equal(read(dicom(GREY, syntax, frame, **in_full(8))).pixels, expected)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_near_lossless_values_are_as_near_as_the_encoder_was_told(bits: int) -> None:
    values = of_depth(bits)
    pixels = read(dicom(values, "JPEG-LS near-lossless", **in_full(bits))).pixels
    assert np.abs(pixels - values / (2**bits - 1) * 255).max() <= 2 * 255 / (2**bits - 1) + 0.5


@pytest.mark.parametrize("syntax", ["explicit", "JPEG lossless SV1", "JPEG-LS", "JPEG 2000 lossless"])
def test_colours_become_luminance(syntax: str) -> None:
    xray = read(dicom(COLOUR, syntax, PhotometricInterpretation="YBR_RCT" if "2000" in syntax else "RGB"))
    np.testing.assert_array_equal(xray.pixels, LUMINANCE)
    assert any("holds colours" in sentence for sentence in xray.warnings)


@pytest.mark.parametrize("syntax", ["JPEG-LS", "JPEG lossless SV1", "RLE", "JPEG 2000 lossless"])
def test_signed_values_stay_signed(syntax: str) -> None:
    values = (GREY.astype(np.int16) - 100) * 8
    frame = SYNTAXES[syntax].encode(values if "2000" in syntax else values.view(np.uint16))
    pixels = read(dicom(values, syntax, frame, WindowCenter=0, WindowWidth=2001)).pixels
    np.testing.assert_array_equal(pixels, read(dicom(values, WindowCenter=0, WindowWidth=2001)).pixels)


@pytest.mark.parametrize("file", BUNDLED)
@pytest.mark.filterwarnings("ignore")
def test_the_files_that_come_with_pydicom_are_read_as_others_read_them(file: str) -> None:
    path = get_testdata_file(file, download=False)
    if path is None:
        pytest.skip(f"pydicom does not bundle {file}")
    assert zlib.crc32(read(Path(path)).pixels.tobytes()) == BUNDLED[file]


@pytest.mark.parametrize("syntax", [name for name, kind in SYNTAXES.items() if kind.encode])
def test_the_decoder_is_chosen_whatever_else_is_installed(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(reader, "pixel_array", lambda _dataset, **how: asked.append(how["decoding_plugin"]) or GREY)
    read(dicom(GREY, syntax))
    assert asked == [codestreams.PLUGIN]


def test_a_file_is_shown_through_its_window() -> None:
    values = (GREY.astype(np.int16) - 100) * 8
    windowed = read(dicom(values, RescaleSlope=2, RescaleIntercept=10, WindowCenter=[0.5, 9], WindowWidth=[401, 9]), "a.dcm")
    expected = np.clip((values * 2.0 + 10 + 200) / 400, 0, 1) * 255
    assert np.abs(windowed.pixels - expected).max() <= 0.51
    assert windowed.warnings == ()


def test_a_file_without_a_usable_window_is_stretched() -> None:
    for tags in ({}, {"WindowCenter": 0, "WindowWidth": 0}, {"WindowCenter": "", "WindowWidth": ""}):
        xray = read(dicom(GREY.astype(np.uint16) * 4, **tags))
        np.testing.assert_array_equal(xray.pixels, np.round(GREY / 250 * 255))
        assert "stretched" in xray.warnings[0]


@pytest.mark.parametrize("syntax", ["explicit", "JPEG lossless SV1"])
def test_monochrome1_is_inverted(syntax: str) -> None:
    plain, inverted = (read(dicom(GREY, syntax, PhotometricInterpretation=f"MONOCHROME{i}")) for i in (2, 1))
    np.testing.assert_array_equal(inverted.pixels, 255 - plain.pixels)
    assert inverted.mode == "DICOM MONOCHROME1"


def test_burned_in_writing_is_warned_of() -> None:
    assert reader.BURNED_IN in read(dicom(GREY, BurnedInAnnotation="YES")).warnings
    assert reader.BURNED_IN not in read(dicom(GREY, BurnedInAnnotation="NO")).warnings


def test_a_file_without_a_preamble_needs_the_extension_and_pixels() -> None:
    bare = dicom(GREY)[132:]
    assert read(bare, "a.dcm").pixels.shape == GREY.shape
    with pytest.raises(UnreadableImage, match="unknown kind"):
        read(bare, "a.bin")
    with pytest.raises(UnreadableImage, match="without pixel data"):
        read(b"some text", "a.dcm")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"NumberOfFrames": 4}, "DICOM file of 4 frames"),
        ({"PixelData": None}, "without pixel data"),
        ({"Rows": 20_000, "Columns": 20_000}, "20000 × 20000 = 400,000,000 pixels"),
        ({"Rows": 90}, "damaged, cut short"),
        ({"Columns": None}, "damaged, cut short"),
        ({"PhotometricInterpretation": "HSV"}, "unsupported variety"),
    ],
)
@pytest.mark.parametrize("syntax", ["explicit", "RLE", "JPEG baseline", "JPEG lossless SV1", "JPEG-LS", "JPEG 2000"])
def test_unusable_files_are_refused(syntax: str, tags: dict[str, object], message: str) -> None:
    with pytest.raises(UnreadableImage, match=message):
        read(dicom(GREY, syntax, **tags), "a.dcm")


@pytest.mark.parametrize("syntax", [name for name, kind in SYNTAXES.items() if kind.encode])
def test_a_frame_cut_short_is_refused_or_lost_nothing(syntax: str) -> None:
    frame = SYNTAXES[syntax].encode(GREY)
    whole = read(dicom(GREY, syntax, frame, **in_full(8))).pixels
    for length in {*range(1, len(frame), len(frame) // 20), *range(len(frame) - 8, len(frame))}:
        try:
            pixels = read(dicom(GREY, syntax, frame[:length], **in_full(8))).pixels
        except UnreadableImage:
            continue
        np.testing.assert_array_equal(pixels, whole)


@pytest.mark.parametrize("syntax", [name for name, kind in SYNTAXES.items() if kind.encode])
def test_a_frame_of_another_size_than_its_file_is_refused(syntax: str) -> None:
    with pytest.raises(UnreadableImage, match="damaged, cut short"):
        read(dicom(GREY, syntax, SYNTAXES[syntax].encode(GREY[:60])))


def test_a_frame_that_claims_to_be_huge_is_not_decoded() -> None:
    frame = bytearray(imagecodecs.jpegls_encode(GREY))
    at = frame.index(b"\xff\xf7") + 5
    frame[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(UnreadableImage, match="damaged, cut short"):
        read(dicom(GREY, "JPEG-LS", bytes(frame)))


def test_more_scans_than_any_picture_needs_are_refused() -> None:
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "JPEG", progressive=True)
    frame = stream.getvalue()
    scan = frame[frame.rindex(b"\xff\xda") : -2]
    read(dicom(GREY, "JPEG baseline", frame))
    with pytest.raises(UnreadableImage, match="damaged, cut short"):
        read(dicom(GREY, "JPEG baseline", frame[:-2] + scan * greys.MAX_JPEG_SCANS + frame[-2:]))


def test_a_jpeg_2000_wrapper_is_taken_off_even_where_it_has_no_end() -> None:
    frame = SYNTAXES["JPEG 2000 lossless"].encode(GREY)
    endless = struct.pack(">I4s", 0, b"ftyp")  # a box of length 0, which a reader that adds lengths never leaves
    for wrapper in (JPEG_2000_WRAPPER, JPEG_2000_WRAPPER + endless):
        np.testing.assert_array_equal(read(dicom(GREY, "JPEG 2000 lossless", wrapper + frame, **in_full(8))).pixels, GREY)


def test_an_rle_frame_that_unpacks_to_more_than_its_picture_is_refused() -> None:
    bomb = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\xff" * 2_000_000  # 128 bytes out of 2: a quarter of a gigabyte
    with pytest.raises(UnreadableImage, match="damaged, cut short"):
        read(dicom(GREY, "RLE", bomb))


@pytest.mark.filterwarnings("ignore:The number of bytes")
def test_frames_behind_the_one_that_is_told_of_are_not_shown() -> None:
    xray = read(dicom(GREY, PixelData=GREY.tobytes() + bytes(GREY.size), **in_full(8)))
    np.testing.assert_array_equal(xray.pixels, GREY)


def test_a_syntax_that_is_not_decoded_is_refused_by_name() -> None:
    data = dicom(GREY)
    plain, video = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.102"
    at = data.index(plain)
    changed = data[: at - 2] + struct.pack("<H", len(video) + 1) + video + b"\0" + data[at + len(plain) :]
    changed = changed.replace(struct.pack("<HH2sHI", 2, 0, b"UL", 4, 0)[:8], b"\2\0\0\0UL\4\0")
    with pytest.raises(UnreadableImage, match=r"in MPEG-4 AVC/H\.264"):
        read(changed, "a.dcm")


def test_a_deflated_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dicom(np.zeros((1000, 1000), np.uint8), "deflated")
    assert read(data).pixels.shape == (1000, 1000)
    monkeypatch.setattr(greys, "MAX_BYTES", 500_000)
    with pytest.raises(UnreadableImage, match="when inflated"):
        read(data)


@pytest.mark.parametrize(("file", "message"), [("MR_truncated.dcm", "damaged, cut short"), ("rtplan.dcm", "without pixel data")])
def test_bundled_files_that_cannot_be_shown_are_refused(file: str, message: str) -> None:
    path = get_testdata_file(file, download=False)
    if path is None:
        pytest.skip(f"pydicom does not bundle {file}")
    with pytest.raises(UnreadableImage, match=message):
        read(Path(path))


MARKER = "Xyzzy^Marker"


def marked(syntax: str, frame: bytes | None = None, **tags: object) -> bytes:
    """A file whose personal and private tags, and those of its head, hold MARKER; some of them in ways that the standard forbids."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(dicom(GREY, syntax, frame, **tags)))
        personal = {0x00080018: "UI", 0x00080050: "SH", 0x00100010: "PN", 0x00100020: "LO", 0x00100030: "DA", 0x00101010: "AS"}
        for tag, vr in {**personal, 0x00104000: "LT", 0x00324000: "LT"}.items():
            dataset.add_new(tag, vr, MARKER)
        item = pydicom.Dataset()
        item.add_new(0x00100010, "PN", MARKER)
        dataset.add_new(0x00101002, "SQ", [item])
        dataset.add_new(0x00090010, "LO", MARKER)
        dataset.add_new(0x00091001, "UN", MARKER.encode())
        dataset.file_meta.add_new(0x00020016, "AE", MARKER)
        dataset.file_meta.add_new(0x00020003, "UI", MARKER)
        stream = io.BytesIO()
        dataset.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_no_patient_is_named_anywhere(syntax: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    whole = marked(syntax)
    files = [whole, *(whole[: len(whole) * i // 12] for i in range(1, 12))]
    files += [marked(syntax, **tags) for tags in ({"NumberOfFrames": 2}, {"PhotometricInterpretation": MARKER}, {"Rows": 0})]
    if SYNTAXES[syntax].encode:
        files.append(marked(syntax, b"no frame at all."))
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    capfd.readouterr()
    said = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for data in files:
            try:
                said.append(repr(vars(read(data, "a.dcm"))))
            except UnreadableImage as error:
                said += [str(error), repr(vars(error)), *traceback.format_exception(error)]
    said += [str(warning.message) for warning in caught] + [record.getMessage() for record in caplog.records] + list(capfd.readouterr())
    text = "\n".join(said)
    assert not [word for word in (MARKER, PATIENT, PATIENT_ID) if word in text]
    assert syntax == "deflated" or MARKER.encode() in whole


def test_no_tag_that_names_a_person_is_read() -> None:
    groups = {pydicom.datadict.tag_for_keyword(keyword) >> 16 for keyword in reader.TAGS}
    assert groups <= {0x0028, 0x7FE0}
