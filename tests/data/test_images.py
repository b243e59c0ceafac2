import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from tests.pictures import encoded


def gradient(mode: str = "RGB") -> Image.Image:
    ramp = np.linspace(0, 255, 40, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (30, 1)), np.full((30, 40), 90, np.uint8), np.tile(ramp[::-1], (30, 1))], -1)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1"])
def test_every_mode_becomes_rgb(mode):
    pixels = images.decode(encoded(gradient(mode)))
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.ptp(pixels) > 40


def test_cmyk_becomes_rgb():
    pixels = images.decode(encoded(gradient("CMYK"), "JPEG", quality=95))
    wanted = np.asarray(gradient())
    assert np.abs(pixels.astype(int) - wanted).mean() < 6


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.linspace(0, 65535, 1200).reshape(30, 40).astype(np.uint16)
    pixels = images.decode(encoded(Image.fromarray(values)))
    assert abs(int(pixels[15, 20, 0]) - int(values[15, 20] / 257)) <= 1


def test_transparency_lies_over_white():
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert (images.decode(encoded(clear)) == 255).all()


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    data = encoded(gradient(), "JPEG", exif=exif, quality=95)
    assert images.header(data).orientation == 6
    assert images.decode(data).shape == (40, 30, 3)


def test_the_header_tells_format_program_and_tables():
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop"
    header = images.header(encoded(gradient(), "JPEG", exif=exif, quality=80))
    assert (header.format, header.mode, header.width, header.height) == ("JPEG", "RGB", 40, 30)
    assert header.program == "Adobe Photoshop"
    other = images.header(encoded(gradient(), "JPEG", quality=95))
    assert header.quantization != other.quantization
    assert images.header(encoded(gradient())).quantization == ""


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that nothing backs."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize("size", [(30_000, 30_000), (12_000, 12_000), (30_000, 2), (0x7FFFFFFF, 0x7FFFFFFF)])
def test_a_header_beyond_the_bounds_is_refused_before_decoding(size):
    with pytest.raises(ImageError, match="claims|broken"):
        images.decode(huge_png(*size))


@pytest.mark.parametrize(
    "data", [b"", b"not an image", b"GIF89a", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + b"\0" * 40]
)
def test_bytes_that_are_no_image_are_refused(data):
    with pytest.raises(ImageError, match="a.jpg"):
        images.decode(data, "a.jpg")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_a_truncated_file_is_refused(format):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, format)
    with pytest.raises(ImageError, match="broken|truncated|known format"):
        images.decode(data[: len(data) // 2])


def test_cut_anywhere_a_file_gives_an_image_error_or_an_image():
    data = encoded(gradient(), "JPEG", quality=90)
    rng = np.random.default_rng(1)
    for _ in range(300):
        broken = bytearray(data)
        for place in rng.integers(2, len(data), 6):
            broken[place] = rng.integers(256)
        with contextlib.suppress(ImageError):
            assert images.decode(bytes(broken[: rng.integers(1, len(data) + 1)])).ndim == 3


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    path = tmp_path / "big.png"
    path.write_bytes(encoded(gradient()))
    with pytest.raises(ImageError, match="at most 10"):
        images.read(path)
    with pytest.raises(ImageError, match="at most 10"):
        images.decode(path.read_bytes())
    with pytest.raises(ImageError, match="cannot be read"):
        images.read(tmp_path / "absent.png")


def test_resize_averages_when_it_shrinks():
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, -1)
    small = images.resize(board, 16)
    assert small.shape == (16, 16, 3)
    assert np.abs(small.astype(int) - 127).max() <= 1
    assert images.resize(small, 64).shape == (64, 64, 3)


def test_an_image_that_grows_in_one_direction_is_interpolated_and_one_of_the_size_stays_as_it_is():
    ramp = np.zeros((64, 2, 3), np.uint8)
    ramp[:, 1] = 200
    assert images.resize(ramp, 4)[0, :, 0].tolist() == [0, 50, 150, 200]
    assert images.resize(ramp.transpose(1, 0, 2), 4)[:, 0, 0].tolist() == [0, 50, 150, 200]
    board = (np.indices((16, 16)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, -1)
    assert (images.resize(board, 16) == board).all()


def test_the_quantization_is_that_of_the_luma():
    luma, other, chroma = [16] * 64, [17] + [16] * 63, [30] * 64
    tables = [[luma, chroma], [luma, [31] * 64], [other, chroma]]
    first, same, different = (
        images.header(encoded(gradient(), "JPEG", qtables=qtables)).quantization for qtables in tables
    )
    assert first == same != different
    assert first.split(":")[1] == "16,16,16,16"
    assert different.split(":")[1] == "17,16,16,16"


def test_red_stays_red_in_a_jpeg_and_a_lower_quality_is_a_smaller_file():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    decoded = images.decode(images.encode_jpeg(red, 95))
    assert np.abs(decoded.astype(int) - red).max() < 6
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert len(images.encode_jpeg(noise, 50)) < len(images.encode_jpeg(noise, 90))
    assert images.header(images.encode_jpeg(noise, 90)).subsampling == "4:2:0"


@pytest.mark.parametrize(("stored", "expected"), [(8, 8), (1, 1), (9, 1), (0, 1)])
def test_an_invalid_orientation_counts_as_upright(stored, expected):
    exif = Image.Exif()
    exif[0x0112] = stored
    assert images.header(encoded(gradient(), "JPEG", exif=exif)).orientation == expected


def test_a_file_of_exactly_the_largest_size_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(gradient()))
    monkeypatch.setattr(images, "MAX_BYTES", path.stat().st_size)
    assert images.decode(images.read(path)).shape == (30, 40, 3)


def test_a_corrupt_file_is_an_image_error_whatever_pillow_fails_with():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "TIFF")
    offsets_as_long = struct.pack("<HH", 273, 4)  # the tag StripOffsets, and its type
    assert offsets_as_long in file.getvalue()
    as_float = file.getvalue().replace(offsets_as_long, struct.pack("<HH", 273, 11))
    with pytest.raises(ImageError, match="x: broken or truncated image .*float"):
        images.decode(as_float, "x")
