"""The reader: any file gives the right greys, or one error that says why not. DICOM has tests of its own."""

from __future__ import annotations

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from core.data import images
from core.data.greys import luminance as in_grey
from core.data.images import MAX_PIXELS, RESIZES, fit, read
from core.errors import InvalidSpec, UnreadableImage
from tests.data.dicom_files import dicom

# 80 × 70, every grey from 0 to 147 and a bright corner, so that turns and inversions show
GREY = np.add.outer(np.arange(80), np.arange(70)).astype(np.uint8)
GREY[:10, :10], GREY[-1, -1] = 250, 0
COLOUR = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def luminance(rgb: np.ndarray) -> np.ndarray:
    """ITU-R 601, in the fixed point that JPEG libraries and Pillow use: uint8 [..., 3] → uint8 [...]."""
    red, green, blue = np.moveaxis(rgb.astype(np.uint32), -1, 0)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def tiff(values: np.ndarray, photometric: int, order: str) -> bytes:
    """An uncompressed TIFF of one strip: `values` [height, width(, samples)] in the byte order `order` ("<" or ">")."""
    height, width, samples = (*values.shape, 1)[:3]
    tags = [(256, width), (257, height), (258, values.itemsize * 8), (259, 1), (262, photometric), (273, 0), (277, samples)]
    tags += [(278, height), (279, values.nbytes), *([(338, 2)] if (photometric, samples) == (2, 4) else [])]
    start = 8 + 2 + 12 * len(tags) + 4
    depths = struct.pack(f"{order}{samples}H", *[values.itemsize * 8] * samples)
    entries = b""
    for tag, value in tags:
        if tag == 258 and samples > 2:  # too many to stand in the entry itself
            entries += struct.pack(f"{order}HHII", tag, 3, samples, start)
        elif tag in (273, 279):
            entries += struct.pack(f"{order}HHII", tag, 4, 1, start + len(depths) if tag == 273 else value)
        else:
            entries += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + entries + struct.pack(f"{order}I", 0) + depths + values.tobytes()


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


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_lossless_colours_become_luminance_exactly(kind: str, options: dict[str, object]) -> None:
    xray = read(encoded(COLOUR, kind, **options))
    np.testing.assert_array_equal(xray.pixels, luminance(COLOUR))
    assert xray.mode == "RGB"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits", "lzma"])
def test_every_lossless_compression_of_tiff_is_read_exactly(compression: str) -> None:
    for values in (GREY, GREY.astype(np.uint16) * 257):
        np.testing.assert_array_equal(read(encoded(values, "TIFF", compression=compression)).pixels, GREY)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"subsampling": 0, "quality": 30}])
@pytest.mark.parametrize("values", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_jpeg_is_read_as_another_decoder_reads_it(values: np.ndarray, options: dict[str, object]) -> None:
    data = encoded(values, "JPEG", **options)
    expected = imagecodecs.jpeg8_decode(data)
    np.testing.assert_array_equal(read(data).pixels, expected if expected.ndim == 2 else luminance(expected))


def test_a_lossy_webp_is_read_as_another_decoder_reads_it() -> None:
    data = encoded(COLOUR, "WEBP", quality=40)
    np.testing.assert_array_equal(read(data).pixels, luminance(imagecodecs.webp_decode(data)))


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_becomes_luminance(kind: str) -> None:
    inks = np.dstack([COLOUR, GREY // 2])
    data = encoded(Image.fromarray(inks, "CMYK"), kind, **({"quality": 100} if kind == "JPEG" else {}))
    light = (255.0 - inks[..., :3]) * (255.0 - inks[..., 3:]) / 255
    expected = luminance(np.round(light).astype(np.uint8))
    xray = read(data)
    assert np.abs(xray.pixels.astype(int) - expected).max() <= (2 if kind == "TIFF" else 6)  # rounding; JPEG's loss
    assert xray.mode == "CMYK"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_png_of_many_channels_is_read_at_8_and_16_bits(dtype: type, channels: int) -> None:
    alpha = np.where(GREY > 40, 255, 0).astype(np.uint8)
    colour = [GREY] if channels == 2 else list(COLOUR.transpose(2, 0, 1))
    eight = np.dstack([*colour, alpha][:channels])
    scale = 257 if dtype == np.uint16 else 1
    xray = read(imagecodecs.png_encode(eight.astype(dtype) * dtype(scale)))
    grey = luminance(eight[..., :3]) if channels > 2 else GREY
    np.testing.assert_array_equal(xray.pixels, grey if channels == 3 else np.where(alpha, grey, 0))
    assert any("upper 8" in sentence for sentence in xray.warnings) == (dtype == np.uint16)


@pytest.mark.parametrize(("photometric", "shape"), [(1, (80, 70)), (2, (80, 70, 3)), (2, (80, 70, 4)), (5, (80, 70, 4))])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_is_read_at_16_bits_in_either_byte_order(photometric: int, shape: tuple[int, ...], order: str) -> None:
    inks = photometric == 5
    fourth = np.full_like(GREY, 0 if inks else 255)  # no black ink; nothing transparent
    eight = GREY if len(shape) == 2 else np.dstack([255 - COLOUR if inks else COLOUR, fourth])[..., : shape[2]]
    xray = read(tiff(eight.astype(order + "u2") * 257, photometric, order))
    np.testing.assert_array_equal(xray.pixels, luminance(COLOUR) if len(shape) == 3 else GREY)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_looked_up(kind: str) -> None:
    image = Image.fromarray(GREY // 4).convert("P")
    ramp = np.dstack([np.arange(255, -1, -1), np.arange(256), np.full(256, 9)]).astype(np.uint8)[0]
    image.putpalette(ramp.tobytes())
    xray = read(encoded(image, kind))
    np.testing.assert_array_equal(xray.pixels, luminance(ramp[GREY // 4]))
    assert xray.mode == "P"


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_of_few_colours_are_looked_up(bits: int) -> None:
    image = Image.fromarray(GREY % 2**bits).convert("P")
    image.putpalette(bytes(np.repeat(np.arange(2**bits, dtype=np.uint8)[::-1] * 17, 3)))
    np.testing.assert_array_equal(read(encoded(image, "PNG", bits=bits)).pixels, (2**bits - 1 - GREY % 2**bits) * 17)


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, GREY),
        (2, GREY[:, ::-1]),
        (3, GREY[::-1, ::-1]),
        (4, GREY[::-1]),
        (5, GREY.T),
        (6, np.rot90(GREY, -1)),
        (7, GREY[::-1, ::-1].T),
        (8, np.rot90(GREY)),
    ],
)
def test_every_orientation_is_undone_exactly(orientation: int, turned: np.ndarray, kind: str, dtype: type) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read(encoded(GREY.astype(dtype), kind, exif=exif)).pixels, turned)


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


def huge(kind: str) -> bytes:
    """The head of a file of 20,000 × 20,000 pixels; WebP cannot hold more than 16,383 a side."""
    if kind == "PNG":
        return png_header(20_000, 20_000)
    data = bytearray(dicom(GREY) if kind == "DICOM" else encoded(GREY, kind, **({"lossless": True} if kind == "WEBP" else {})))
    side = 20_000
    match kind:
        case "JPEG":
            struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, side, side)
        case "BMP":
            struct.pack_into("<II", data, 18, side, side)
        case "GIF":
            struct.pack_into("<HH", data, 6, side, side)
        case "WEBP":
            struct.pack_into("<I", data, data.index(b"VP8L") + 9, 16_382 | 16_382 << 14)
        case "TIFF":
            for tag in (256, 257):
                struct.pack_into("<I", data, data.index(struct.pack("<HHI", tag, 4, 1)) + 8, side)
        case "DICOM":
            for tag in (0x10, 0x11):
                struct.pack_into("<H", data, data.index(struct.pack("<HH2sH", 0x28, tag, b"US", 2)) + 8, side)
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "DICOM"])
def test_400_megapixels_are_refused_whatever_the_format(kind: str) -> None:
    with pytest.raises(UnreadableImage, match="at most 60,000,000 pixels"):
        read(huge(kind))


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    data = encoded(GREY, "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnreadableImage, match="at most 40 scans"):
        read(data[:-2] + scan * 40 + data[-2:])


@pytest.mark.filterwarnings("ignore")
def test_a_tiff_that_chains_pictures_without_end_is_refused() -> None:
    data = bytearray(encoded(GREY, "TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    length = 2 + 12 * struct.unpack_from("<H", data, first)[0]
    directory, link = bytes(data[first : first + length]), first + length
    for _ in range(200):
        struct.pack_into("<I", data, link, len(data))
        data += directory + bytes(4)
        link = len(data) - 4
    with pytest.raises(UnreadableImage, match="a TIFF file that is damaged"):
        read(bytes(data))


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
        (b"7z\xbc\xaf\x27\x1c" + bytes(30), "7z archive"),
        (bytes.fromhex("3082abcd06092a864886f70d010703") + bytes(30), "encrypted"),
        (b"\xff\x4f\xff\x51" + bytes(30), "JPEG 2000"),
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


@pytest.mark.parametrize("extra", ["nothing", "other writer", "transparency", "rotation", "text", "depth"])
def test_a_plain_grey_png_and_one_with_more_in_it_are_read_as_pillow_reads_them(extra: str) -> None:
    greys = np.random.default_rng(3).integers(0, 256, (37, 53), np.uint8)
    stream, picture = io.BytesIO(), Image.fromarray(greys)
    if extra == "other writer":
        content = imagecodecs.png_encode(greys)
    else:
        options: dict = {}
        if extra == "transparency":
            options["transparency"] = int(greys[0, 0])
        if extra == "rotation":
            tags = Image.Exif()
            tags[0x0112] = 6
            options["exif"] = tags
        if extra == "text":
            options["pnginfo"] = PngInfo()
            options["pnginfo"].add_text("eXIf in a text", "tRNS acTL")
        if extra == "depth":
            picture = Image.fromarray(greys > 127).convert("1")
        picture.save(stream, "PNG", **options)
        content = stream.getvalue()
    expected = np.asarray(in_grey(ImageOps.exif_transpose(Image.open(io.BytesIO(content)))).image)
    np.testing.assert_array_equal(read(content, "a.png").pixels, expected)


def test_a_grey_png_whose_picture_is_cut_short_is_refused() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (64, 64), np.uint8)).save(stream, "PNG")
    content = stream.getvalue()
    for length in range(len(content) // 2, len(content) - 20, 97):
        with pytest.raises(UnreadableImage):
            read(content[:length], "a.png")


def test_a_grey_png_with_a_flipped_bit_in_its_picture_is_refused() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (64, 64), np.uint8)).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[len(content) // 2] ^= 4
    with pytest.raises(UnreadableImage):
        read(bytes(content), "a.png")
