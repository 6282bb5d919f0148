"""The reader: any file gives the right greys, or one error that says why not."""

from __future__ import annotations

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from core.data import images
from core.data.images import MAX_PIXELS, RESIZES, fit, read
from core.errors import InvalidSpec, UnreadableImage

# 80 × 70, every grey from 0 to 147 and a bright corner, so that turns and inversions show
GREY = np.add.outer(np.arange(80), np.arange(70)).astype(np.uint8)
GREY[:10, :10], GREY[-1, -1] = 250, 0
FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def dicom(values: np.ndarray, **tags: object) -> bytes:
    """`values` (whole numbers [height, width]) as an uncompressed DICOM file."""
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "secret-17"
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = values.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.add_new("PixelData", "OW", values.tobytes())
    for tag, value in tags.items():
        if value is None:
            delattr(dataset, tag)
        else:
            setattr(dataset, tag, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises width × height pixels and holds almost none."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_a_lossless_grey_file_is_read_exactly(kind: str) -> None:
    xray = read(encoded(GREY, kind), f"a.{kind.lower()}")
    np.testing.assert_array_equal(xray.pixels, GREY)
    assert (xray.pixels.dtype, xray.format, xray.warnings) == (np.uint8, kind, ())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_lossy_grey_file_is_nearly_exact_and_has_no_colours(kind: str, mode: str) -> None:
    xray = read(encoded(Image.fromarray(GREY).convert(mode), kind, quality=90))
    assert np.abs(xray.pixels.astype(int) - GREY).mean() < 3
    assert (xray.format, xray.warnings) == (kind, ())


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("CMYK", "TIFF")])
def test_every_mode_of_grey_gives_the_same_greys(mode: str, kind: str) -> None:
    image = Image.fromarray(GREY).convert("RGB" if mode == "CMYK" else mode).convert(mode)
    xray = read(encoded(image, kind))
    assert np.abs(xray.pixels.astype(int) - GREY).max() <= 1
    assert xray.mode == mode


def test_one_bit_images_are_black_and_white() -> None:
    np.testing.assert_array_equal(read(encoded(Image.fromarray(GREY > 100))).pixels, np.where(GREY > 100, 255, 0))


def test_a_path_a_stream_and_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(encoded(GREY))
    with path.open("rb") as stream:
        stream.seek(7)  # someone has looked at it already
        results = [read(path), read(stream), read(path.read_bytes(), "C:\\folder\\one.png")]
    assert {xray.name for xray in results} == {"one.png"}
    for xray in results:
        np.testing.assert_array_equal(xray.pixels, GREY)


def test_what_alpha_hides_becomes_black() -> None:
    alpha = np.full_like(GREY, 255)
    alpha[40:] = 0
    expected = np.where(alpha == 255, GREY, 0)
    rgba = Image.merge("RGBA", [Image.fromarray(band) for band in (GREY, GREY, GREY, alpha)])
    np.testing.assert_array_equal(read(encoded(rgba)).pixels, expected)
    clear_grey = encoded(Image.fromarray(GREY), transparency=250)
    np.testing.assert_array_equal(read(clear_grey).pixels, np.where(GREY == 250, 0, GREY))
    palette = encoded(Image.fromarray(GREY).convert("P"), transparency=250)
    np.testing.assert_array_equal(read(palette).pixels, np.where(GREY == 250, 0, GREY))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("depth", [8, 10, 12, 14, 16])
def test_deep_greys_are_rescaled_by_their_own_depth(kind: str, depth: int) -> None:
    values = np.linspace(0, 2**depth - 1, 6400).reshape(80, 80).astype(np.uint16)
    xray = read(encoded(values, kind))
    np.testing.assert_array_equal(xray.pixels, np.round(values * (255 / (2**depth - 1))))
    assert (xray.mode, xray.warnings) == ("I;16", ())


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=50))
@FUZZ
def test_rescaling_16_bits_keeps_the_order_and_the_black(numbers: list[int]) -> None:
    values = np.array([[0, *sorted(numbers)]], np.uint16)
    pixels = read(encoded(values)).pixels[0]
    assert pixels[0] == 0
    assert (np.diff(pixels.astype(int)) >= 0).all()


def test_numbers_without_a_known_depth_are_stretched_with_a_warning() -> None:
    for values in (GREY.astype(np.float32) / 7 - 3, GREY.astype(np.int32) - 100, GREY.astype(np.int32) * 1000):
        xray = read(encoded(values, "TIFF"))
        assert np.abs(xray.pixels - GREY / 250 * 255).max() <= 0.501  # float32 may tip a half to either side
        assert any("stretched" in sentence for sentence in xray.warnings)
    assert not read(encoded(np.full((80, 80), 3.5, np.float32), "TIFF")).pixels.any()
    assert read(encoded(GREY.astype(np.int32) * 100, "TIFF")).warnings == ()  # fits 16 bits


def test_a_deep_tiff_whose_white_is_zero_is_inverted() -> None:
    values = GREY.astype(np.uint16) * 257
    pixels = read(encoded(values, "TIFF", tiffinfo={262: 0})).pixels
    np.testing.assert_array_equal(pixels, 255 - GREY)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    values = GREY.astype(np.float32)
    values[3, 3] = value
    with pytest.raises(UnreadableImage, match="finite numbers"):
        read(encoded(values, "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the picture must be turned clockwise
    pixels = read(encoded(GREY, kind, exif=exif)).pixels
    assert np.abs(pixels.astype(int) - np.rot90(GREY, -1)).mean() < 3


def test_orientation_is_applied_to_deep_greys_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 5
    np.testing.assert_array_equal(read(encoded(GREY.astype(np.uint16), exif=exif)).pixels, GREY.T)


def test_colours_and_tints_are_told_apart() -> None:
    ramp = GREY.astype(float)
    tint = np.dstack([ramp, ramp * 0.9, ramp * 0.7]).astype(np.uint8)
    colours = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
    assert any("tinted grey" in sentence for sentence in read(encoded(tint)).warnings)
    assert any("holds colours" in sentence for sentence in read(encoded(colours, "JPEG")).warnings)
    np.testing.assert_array_equal(read(encoded(tint)).pixels, np.asarray(Image.fromarray(tint).convert("L")))


def test_odd_images_are_warned_of() -> None:
    assert any("very small" in sentence for sentence in read(encoded(GREY[:63])).warnings)
    assert any("2.5 times as long" in sentence for sentence in read(encoded(GREY[:, :32])).warnings)
    assert any("nearly constant" in sentence for sentence in read(encoded(np.full_like(GREY, 90))).warnings)
    assert read(encoded(GREY), "scan.JPG").warnings == ("The name ends in .jpg, but the content is PNG; the content was read.",)
    assert read(encoded(GREY), "a.pdf-000-fig1a.png").warnings == ()


def test_sixteen_bit_colour_is_warned_of() -> None:
    rows = b"".join(b"\0" + bytes(64 * 6) for _ in range(64))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    data = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    assert any("upper 8" in sentence for sentence in read(b"\x89PNG\r\n\x1a\n" + data).warnings)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_files_of_several_frames_are_refused_with_their_number(kind: str) -> None:
    frames = [Image.fromarray(np.roll(GREY, 9 * i, axis=0)) for i in range(3)]
    with pytest.raises(UnreadableImage, match=f"a {kind} file of 3 frames"):
        read(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_000, 10_000), (MAX_PIXELS + 1, 1)])
@pytest.mark.filterwarnings("error")
def test_too_many_pixels_are_refused_before_they_are_decoded(width: int, height: int) -> None:
    start = time.perf_counter()
    with pytest.raises(UnreadableImage, match=rf"at most 60,000,000 pixels.*huge\.png, of {width} × {height}"):
        read(png_header(width, height), "huge.png")
    assert time.perf_counter() - start < 0.5


def test_too_many_bytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as stream:
        stream.truncate(images.MAX_BYTES + 1)
    start = time.perf_counter()
    with pytest.raises(UnreadableImage, match=r"at most 200 MiB.*huge\.png"):
        read(path)
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize(
    ("data", "seems"),
    [
        (b"", "empty"),
        (b"this is no picture\n", "seems to be text"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04" + bytes(30), "ZIP"),
        (bytes(range(200, 256)) * 9, "unknown kind"),
        (b"\x89PNG\r\n\x1a\n", "PNG file that is damaged"),
    ],
)
def test_what_is_no_image_is_refused_by_name(data: bytes, seems: str) -> None:
    with pytest.raises(UnreadableImage, match=rf"Received: scan\.png.*{seems}.*\. [A-Z]"):
        read(data, "folder/scan.png")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match=r"gone\.png, which does not exist"):
        read(tmp_path / "gone.png")
    with pytest.raises(UnreadableImage, match="which is a folder"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "L"), ("JPEG", "L"), ("JPEG", "RGB"), ("WEBP", "RGB"), ("BMP", "L"), ("TIFF", "L"), ("GIF", "P")]
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on damaged tags
def test_a_file_cut_short_is_refused_or_lost_nothing(kind: str, mode: str) -> None:
    data = encoded(Image.fromarray(GREY).convert(mode), kind)
    whole = read(data).pixels
    for length in {*range(1, len(data), max(1, len(data) // 60)), *range(len(data) - 12, len(data))}:
        try:
            np.testing.assert_array_equal(read(data[:length]).pixels, whole)
        except UnreadableImage:
            assert length < len(data)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", *(magic for offset, magic, _ in images.MAGIC if not offset)]),
    st.sampled_from(["", "a.dcm"]),
)
@FUZZ
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_give_a_picture_or_unreadable_image(data: bytes, magic: bytes, name: str) -> None:
    try:
        assert read(magic + data, name).pixels.dtype == np.uint8
    except UnreadableImage:
        return  # any other error fails the test


SEEDS = [encoded(GREY, kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP")] + [dicom(GREY, WindowCenter=70, WindowWidth=100)]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))
@FUZZ
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_give_a_picture_or_unreadable_image(data: bytes, changes: list[tuple[float, int]]) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[int(place**2 * len(data))] = value  # more often near the start, where the headers are
    try:
        assert read(bytes(damaged)).pixels.ndim == 2
    except UnreadableImage:
        return


def test_a_dicom_file_is_shown_through_its_window() -> None:
    values = (GREY.astype(np.int16) - 100) * 8
    windowed = read(dicom(values, RescaleSlope=2, RescaleIntercept=10, WindowCenter=[0.5, 9], WindowWidth=[401, 9]), "a.dcm")
    expected = np.clip((values * 2.0 + 10 + 200) / 400, 0, 1) * 255
    assert np.abs(windowed.pixels - expected).max() <= 0.51
    assert (windowed.mode, windowed.format, windowed.warnings) == ("DICOM MONOCHROME2", "DICOM", ())


def test_a_dicom_file_without_a_usable_window_is_stretched() -> None:
    for tags in ({}, {"WindowCenter": 0, "WindowWidth": 0}, {"WindowCenter": "", "WindowWidth": ""}):
        xray = read(dicom(GREY.astype(np.uint16) * 4, **tags))
        np.testing.assert_array_equal(xray.pixels, np.round(GREY / 250 * 255))
        assert "stretched" in xray.warnings[0]


def test_monochrome1_is_inverted() -> None:
    plain, inverted = (read(dicom(GREY, PhotometricInterpretation=f"MONOCHROME{i}")) for i in (2, 1))
    np.testing.assert_array_equal(inverted.pixels, 255 - plain.pixels)
    assert inverted.mode == "DICOM MONOCHROME1"


def test_a_dicom_file_without_a_preamble_needs_the_extension_and_pixels() -> None:
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
    ],
)
def test_unusable_dicom_files_are_refused(tags: dict[str, object], message: str) -> None:
    with pytest.raises(UnreadableImage, match=message):
        read(dicom(GREY, **tags), "a.dcm")


def test_no_patient_is_named_anywhere() -> None:
    xray = read(dicom(GREY), "a.dcm")
    with pytest.raises(UnreadableImage) as refusal:
        read(dicom(GREY, NumberOfFrames=2), "a.dcm")
    for text in (repr(xray), str(refusal.value)):
        assert "Jane" not in text
        assert "secret" not in text
    assert not {"PatientName", "PatientID"} & set(images.DICOM_TAGS)


def test_a_deflated_dicom_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = pydicom.dcmread(io.BytesIO(dicom(np.zeros((1000, 1000), np.uint8))))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    stream = io.BytesIO()
    dataset.save_as(stream)
    assert read(stream.getvalue()).pixels.shape == (1000, 1000)
    monkeypatch.setattr(images, "MAX_BYTES", 500_000)
    with pytest.raises(UnreadableImage, match="when inflated"):
        read(stream.getvalue())


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "in JPEG-LS Lossless"),
        ("MR_truncated.dcm", "damaged, cut short"),
        ("rtplan.dcm", "without pixel data"),
    ],
)
def test_bundled_dicom_files_that_cannot_be_shown_are_refused(file: str, message: str) -> None:
    path = get_testdata_file(file, download=False)
    if path is None:
        pytest.skip(f"pydicom does not bundle {file}")
    if "jpeg_ls" in file and pydicom.pixels.get_decoder(pydicom.uid.JPEGLSLossless).is_available:
        pytest.skip("a JPEG-LS decoder is installed")
    with pytest.raises(UnreadableImage, match=message):
        read(Path(path))


@pytest.mark.parametrize(
    "file", ["MR_small_RLE.dcm", "SC_rgb_rle.dcm", "SC_ybr_full_422_uncompressed.dcm", "examples_palette.dcm", "image_dfl.dcm"]
)
def test_bundled_dicom_files_are_read(file: str) -> None:
    path = get_testdata_file(file, download=False)
    if path is None:
        pytest.skip(f"pydicom does not bundle {file}")
    xray = read(Path(path))
    assert xray.pixels.ndim == 2
    assert xray.pixels.std() > 5


@pytest.mark.parametrize("resize", RESIZES)
@given(height=st.integers(1, 90), width=st.integers(1, 90), size=st.integers(1, 40))
@FUZZ
def test_fit_gives_a_square_of_the_size_asked_for(resize: images.Resize, height: int, width: int, size: int) -> None:
    fitted = fit(np.full((height, width), 200, np.uint8), size, resize)
    assert (fitted.shape, fitted.dtype) == ((size, size), np.uint8)
    assert set(np.unique(fitted)) <= ({0, 200} if resize == "pad" else {200})


def test_fit_crops_the_middle_and_pads_with_black() -> None:
    wide = np.zeros((20, 60), np.uint8)
    wide[:, 20:40] = 255
    assert (fit(wide, 20, "crop") == 255).all()
    padded = fit(np.full((20, 60), 255, np.uint8), 60, "pad")
    assert (padded[20:40] == 255).all()
    assert not padded[:20].any()
    assert not padded[40:].any()


def test_fit_averages_when_it_reduces() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (256, 128))
    assert np.abs(fit(stripes, 32).astype(int) - 127).max() <= 6  # aliasing would give stripes again


def test_fit_is_the_same_in_threads_and_leaves_its_input_alone() -> None:
    pixels = read(encoded(GREY)).pixels
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fit(pixels, 33, "pad"), range(40)))
    assert all((result == results[0]).all() for result in results)
    np.testing.assert_array_equal(pixels, GREY)
    assert results[0].flags.writeable
    assert not pixels.flags.writeable


def test_fit_says_what_it_cannot_do() -> None:
    with pytest.raises(InvalidSpec, match=r"at least 1\. Received: 0"):
        fit(GREY, 0)
    with pytest.raises(InvalidSpec, match=r"squash, crop, pad\. Received: 'stretch'"):
        fit(GREY, 9, "stretch")  # type: ignore[arg-type]
