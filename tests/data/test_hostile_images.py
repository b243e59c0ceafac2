"""Files that are damaged, lie about themselves, or are no files."""

import io
import os
import random
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from fakefaces.base.errors import ImageError
from fakefaces.data import formats, images
from tests.pictures import encoded, striped


def photograph(height: int = 120, width: int = 160) -> Image.Image:
    noise = np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(cv2.GaussianBlur(noise, (0, 0), 2))


def png_chunk(name: bytes, content: bytes, crc: bytes | None = None) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content)) if crc is None else crc
    return struct.pack(">I", len(content)) + name + content + checksum


def with_png_size(data: bytes, width: int, height: int) -> bytes:
    return data[:8] + png_chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]


def with_jpeg_size(data: bytes, width: int, height: int) -> bytes:
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_has_pillows_pixels(progressive, subsampling):
    data = encoded(photograph(121, 163), "JPEG", quality=88, progressive=progressive, subsampling=subsampling)
    with Image.open(io.BytesIO(data)) as image:
        assert (images.decode(data) == np.asarray(image)).all()


def test_sampling_factors_that_turbojpeg_does_not_know_are_left_to_pillow():
    data = bytearray(encoded(photograph(), "JPEG", quality=90, subsampling=0))
    data[data.index(b"\xff\xc0") + 11] = 0x31  # three times as much luma as chroma, horizontally
    assert images.decode(bytes(data)).shape == (120, 160, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_are_pillows(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photograph(), "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        assert (images.decode(data) == np.asarray(ImageOps.exif_transpose(image))).all()


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def half_with_end_mark(data: bytes) -> bytes:
    return half(data) + b"\xff\xd9"


def tenth_zeroed(data: bytes) -> bytes:
    start, length = len(data) // 2, len(data) // 10
    return data[:start] + bytes(length) + data[start + length :]


def half_zeroed(data: bytes) -> bytes:
    return half(data) + bytes(len(data) - len(data) // 2)


def twenty_bits_flipped(data: bytes) -> bytes:
    damaged, rng = bytearray(data), random.Random(3)
    for place in rng.sample(range(len(data) // 4, len(data) * 3 // 4), 20):
        damaged[place] ^= 1 << rng.randrange(8)
    return bytes(damaged)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("damage", [half, half_with_end_mark, tenth_zeroed, half_zeroed, twenty_bits_flipped])
def test_a_damaged_jpeg_is_a_problem(mode, progressive, damage: Callable[[bytes], bytes]):
    data = encoded(photograph(600, 600).convert(mode), "JPEG", quality=92, progressive=progressive)
    assert images.decode(data).shape == (600, 600, 3)
    with pytest.raises(ImageError, match=r"a.jpg: broken or truncated") as caught:
        images.decode(damage(data), "a.jpg")
    assert caught.value.problem == "broken"


def test_junk_after_a_jpegs_end_is_no_fault():
    data = encoded(photograph(), "JPEG")
    assert (images.decode(data + b"\xff\xd8 junk" * 99) == images.decode(data)).all()


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_that_lacks_rows_is_a_problem(interlaced):
    image = photograph(64, 48)
    pixels = np.asarray(image)
    data = encoded(image) if not interlaced else interlaced_png(pixels)
    assert (images.decode(data) == pixels).all()
    with pytest.raises(ImageError, match="broken"):
        images.decode(with_png_size(data, 48, 128))


def interlaced_png(pixels: np.ndarray) -> bytes:
    """Adam7, which Pillow does not write."""
    height, width = pixels.shape[:2]
    rows = []
    for x, y, dx, dy in [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]:
        rows += [b"\0" + row.tobytes() for row in pixels[y::dy, x::dx]]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    content = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(b"".join(rows))) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


def test_a_png_that_ends_in_black_is_whole():
    black = np.asarray(photograph(64, 48)).copy()
    black[32:] = 0
    assert (images.decode(encoded(Image.fromarray(black))) == black).all()


@pytest.mark.parametrize(
    "data",
    [
        with_jpeg_size(encoded(photograph(), "JPEG", quality=30), 9000, 9000),
        with_jpeg_size(encoded(photograph(), "JPEG", quality=30, progressive=True), 9000, 9000),
        with_png_size(encoded(striped((9, 9, 9))), 9000, 9000),
    ],
)
def test_a_header_that_promises_more_than_the_file_can_hold_is_a_problem_before_decoding(data, monkeypatch):
    monkeypatch.setattr(images.decoders, "pixels", lambda image, data: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match=r"claims 9000 x 9000 pixels, more than [\d,]+ bytes can hold"):
        images.decode(data)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_finite_number_is_a_problem(bad):
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    assert images.decode(encoded(Image.fromarray(values), "TIFF")).max() > 200
    values[40, 3] = bad
    with pytest.raises(ImageError, match="not finite"):
        images.decode(encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "group4"])
def test_what_libtiff_says_is_the_images_problem_and_not_printed(compression, capfd):
    image = photograph(200, 300)
    data = bytearray(encoded(image.convert("1") if compression == "group4" else image, "TIFF", compression=compression))
    assert images.decode(bytes(data)).shape == (200, 300, 3)
    for place in range(len(data) // 3, len(data) // 2, 7):
        data[place] ^= 0x55
    with pytest.raises(ImageError, match="a.tif: "):
        images.decode(bytes(data), "a.tif")
    print("said by another thread", file=sys.stderr)
    assert capfd.readouterr().err == "said by another thread\n"


BROKEN_EXIF = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 9) + b"\xff" * 11


@pytest.mark.parametrize(
    "data",
    [
        encoded(photograph(), "JPEG", exif=BROKEN_EXIF),
        encoded(photograph(), "JPEG", exif=b"Exif\0\0 is not TIFF"),
        encoded(photograph(), "WEBP", exif=b"Exif\0\0 is not TIFF", lossless=True),
        encoded(photograph())[:33] + png_chunk(b"eXIf", b"no TIFF") + encoded(photograph())[33:],
        encoded(photograph())[:33] + png_chunk(b"tEXt", b"a\0b", crc=b"oops") + encoded(photograph())[33:],
        encoded(photograph())[:33]
        + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**27)))
        + encoded(photograph())[33:],
    ],
    ids=["cut", "no TIFF", "WebP", "PNG", "checksum", "bomb"],
)
def test_damaged_metadata_count_as_none_and_are_named(data):
    header = images.header(data)
    assert (header.width, header.height, header.orientation, header.program) == (160, 120, 1, "")
    assert header.damage
    assert images.decode(data).shape == (120, 160, 3)
    assert images.header(encoded(photograph(), "JPEG")).damage == ""


def test_an_mpo_of_two_lenses_is_a_jpeg():
    data = encoded(photograph(), "MPO", save_all=True, append_images=[photograph(60, 80)])
    assert images.header(data).format == "JPEG"
    assert images.decode(data).shape == (120, 160, 3)


@pytest.mark.parametrize(("format", "name"), [("AVIF", "AVIF"), ("JPEG2000", "JPEG2000"), ("GIF", "GIF")])
def test_further_formats_are_read(format, name):
    data = encoded(photograph(), format)
    assert images.header(data).format == name
    assert images.decode(data).shape == (120, 160, 3)


def test_heic_is_answered_with_what_to_do():
    with pytest.raises(ImageError, match="a.heic: a HEIC photograph.*JPEG.*heif-convert") as caught:
        images.decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "a.heic")
    assert caught.value.problem == "not_an_image"


def test_a_jpeg_of_a_thousand_scans_is_not_decoded():
    data = encoded(photograph(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="scans"):
        images.decode(data[:at] + data[at:-2] * 1000 + b"\xff\xd9")


def test_any_mutation_gives_an_image_or_an_image_error():
    rng = random.Random(11)
    options = {"JPEG": {}, "PNG": {}, "WEBP": {}, "GIF": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}, "AVIF": {}}
    for format, option in options.items():
        data = encoded(photograph(40, 50), format, **option)
        for _ in range(60):
            damaged = bytearray(data)
            for _ in range(rng.randrange(1, 12)):
                damaged[rng.randrange(len(damaged) if rng.random() < 0.5 else 64)] = rng.randrange(256)
            damaged = damaged[: rng.randrange(1, len(damaged) + 1)] if rng.random() < 0.3 else damaged
            for function in (images.header, images.decode):
                try:
                    function(bytes(damaged), "a")
                except ImageError as error:
                    assert str(error).startswith("a: ")


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (Image.new("RGB", (1, 1), (9, 200, 3)), "too_small"),
        (photograph(31, 500), "too_small"),
        (Image.new("RGB", (64, 64), (9, 200, 3)), "flat"),
        (photograph(32, 32), None),
        (striped((90, 90, 90)), None),
    ],
)
def test_an_image_without_content_is_a_problem(image, problem):
    pixels = images.decode(encoded(image))
    if problem is None:
        images.require_content(pixels, "a")
        return
    with pytest.raises(ImageError, match="a: ") as caught:
        images.require_content(pixels, "a")
    assert caught.value.problem == problem


def test_only_regular_files_are_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    for name in ("pipe.jpg", "link.jpg", "folder.jpg", "/dev/zero"):
        with pytest.raises(ImageError, match="not a regular file") as caught:
            images.read(tmp_path / name)
        assert caught.value.problem == "unreadable"


def test_a_file_that_grows_beyond_its_size_is_read_up_to_the_bound(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(200_000))
    true = os.fstat

    def tiny(descriptor: int) -> os.stat_result:
        return os.stat_result([*true(descriptor)[:6], 0, *true(descriptor)[7:10]])

    monkeypatch.setattr(os, "fstat", tiny)
    assert len(images.read(path)) == 200_000
    monkeypatch.setattr(images, "MAX_BYTES", 100_000)
    with pytest.raises(ImageError, match="at most 100,000") as caught:
        images.read(path)
    assert caught.value.problem == "too_large"


@pytest.mark.parametrize("name", [b"a\nb.png", b"\xff\xfe.png", b"<!--<script>.png", b"\"'&.png", b"x" * 251 + b".png"])
def test_names_of_any_kind_are_read_and_named_on_one_line(tmp_path, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    with pytest.raises(ImageError) as caught:
        images.read(path)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()
    path.write_bytes(encoded(striped((9, 9, 9))))
    assert images.decode(images.read(path)).shape == (32, 32, 3)


def test_a_name_that_no_file_can_have_is_missing():
    with pytest.raises(ImageError, match="no file of such a name") as caught:
        images.read(Path("a\0b.jpg"))
    assert caught.value.problem == "missing"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "MPO"])
def test_a_format_is_recognized_by_its_first_bytes(format):
    wanted = "JPEG" if format == "MPO" else format
    assert formats.sniff(encoded(photograph(), format)[: formats.HEAD]) == wanted
    assert formats.sniff(b"BMW is no bitmap, nor is this an image") == ""
