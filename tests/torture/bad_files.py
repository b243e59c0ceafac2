"""Files that something is wrong with, or that are odd and whole, from a seed."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from tests.conftest import picture

PROBLEM, SCORE, EITHER = "a problem", "a score", "either"
Rng = np.random.Generator
Maker = Callable[[Rng], bytes]

_OPTIONS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {  # Pillow's format, mode and options by suffix
    ".jpg": [
        ("JPEG", "RGB", {"quality": 90}),
        ("JPEG", "RGB", {"quality": 70, "progressive": True}),
        ("JPEG", "L", {"quality": 90}),
        ("JPEG", "CMYK", {"quality": 90}),
        ("JPEG", "RGB", {"quality": 90, "restart_marker_rows": 1}),
    ],
    ".png": [("PNG", mode, {}) for mode in ("RGB", "RGBA", "P", "L", "LA", "I;16")],
    ".webp": [("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True})],
    ".bmp": [("BMP", "RGB", {}), ("BMP", "P", {})],
    ".tif": [("TIFF", mode, {"compression": kind}) for mode in ("RGB", "L") for kind in (None, "tiff_lzw", "jpeg")],
    ".gif": [("GIF", "P", {})],
    ".avif": [("AVIF", "RGB", {})],
    ".jp2": [("JPEG2000", "RGB", {})],
}
FORMATS = {suffix: options[0][0] for suffix, options in _OPTIONS.items()}  # Pillow's names by suffix
_MAGIC = {".jpg": b"\xff\xd8\xff\xe0", ".png": b"\x89PNG\r\n\x1a\n", ".gif": b"GIF89a", ".tif": b"II*\0"} | {
    ".webp": b"RIFF\xff\0\0\0WEBPVP8 ",
    ".bmp": b"BM\xff\xff\xff\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
    ".avif": b"\0\0\0\x20ftypavif\0\0\0\0",
    ".jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
}


@dataclass(frozen=True)
class OddFile:
    """One file, and what is expected of it."""

    path: Path
    kind: str
    expected: str  # PROBLEM, SCORE or EITHER


def encoded(rng: Rng, suffix: str, **more: Any) -> bytes:
    """A picture in one of a suffix's encodings."""
    format, mode, options = _OPTIONS[suffix][rng.integers(len(_OPTIONS[suffix]))]
    image = picture(rng, False)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    return saved(image, format, **options, **more)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def write_odd_files(folder: Path, count: int, seed: int) -> list[OddFile]:
    """Write ``count`` files, of each kind in turn, directly in a folder."""
    rng = np.random.default_rng(seed)
    return [_KINDS[k % len(_KINDS)](rng, folder, k) for k in range(count)]


def _write(kind: str, make: Maker, suffixes: tuple[str, ...], expected: str) -> Callable[[Rng, Path, int], OddFile]:
    """A kind that is bytes under a plain name."""

    def write(rng: Rng, folder: Path, k: int) -> OddFile:
        path = folder / f"{k:04d}_{kind}{suffixes[k // len(_KINDS) % len(suffixes)]}"
        path.write_bytes(make(rng))
        return OddFile(path, kind, expected)

    return write


def _damage(kind: str, change: Callable[[Rng, bytearray], bytes], expected: dict[str, str], *suffixes: str) -> Any:
    """A kind that is a whole file, changed; ``expected`` is by suffix, EITHER for others."""

    def write(rng: Rng, folder: Path, k: int) -> OddFile:
        suffix = (suffixes or tuple(_OPTIONS))[k // len(_KINDS) % len(suffixes or _OPTIONS)]
        path = folder / f"{k:04d}_{kind}{suffix}"
        path.write_bytes(change(rng, bytearray(encoded(rng, suffix))))
        return OddFile(path, kind, expected.get(suffix, EITHER))

    return write


def truncated(rng: Rng, data: bytearray) -> bytes:
    """The beginning, of up to nine tenths."""
    return bytes(data[: rng.integers(1, len(data) * 9 // 10)])


def _half_with_an_end(rng: Rng, data: bytearray) -> bytes:
    return bytes(data[: len(data) // 2]) + b"\xff\xd9"


def zeroed(rng: Rng, data: bytearray) -> bytes:
    """A tenth of the bytes are zeros."""
    size = len(data) // 10
    at = int(rng.integers(len(data) - size))
    data[at : at + size] = bytes(size)
    return bytes(data)


def flipped(rng: Rng, data: bytearray) -> bytes:
    """Twenty bits are others."""
    for at in rng.integers(0, len(data), 20):
        data[at] ^= 1 << rng.integers(8)
    return bytes(data)


def _shuffled(rng: Rng, data: bytearray) -> bytes:
    at = np.sort(rng.integers(0, len(data), 4))
    return bytes(data[: at[0]] + data[at[2] : at[3]] + data[at[1] : at[2]] + data[at[0] : at[1]] + data[at[3] :])


def _junk_after_the_end(rng: Rng, data: bytearray) -> bytes:
    return bytes(data) + rng.bytes(500)


def _promise(rng: Rng, data: bytearray) -> bytes:
    """A header that claims up to 60,000 pixels a side."""
    width, height = (int(side) for side in rng.integers(9_000, 60_000, 2))
    if data.startswith(b"\x89PNG"):
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif data.startswith(b"GIF"):
        data[6:10] = struct.pack("<HH", width, height)
    elif data.startswith(b"BM"):
        data[18:26] = struct.pack("<ii", width, height)
    else:
        at = next(k for k in range(len(data)) if data[k] == 0xFF and data[k + 1] in (0xC0, 0xC2))
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _damaged_exif(rng: Rng) -> bytes:
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, int(rng.integers(1, 60_000))) + rng.bytes(80)
    return encoded(rng, (".jpg", ".png", ".webp")[rng.integers(3)], exif=exif)


def _damaged_profile(rng: Rng) -> bytes:
    return encoded(rng, (".jpg", ".png", ".webp")[rng.integers(3)], icc_profile=rng.bytes(int(rng.integers(1, 600))))


def _damaged_xmp(rng: Rng) -> bytes:
    data = encoded(rng, ".jpg")
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + b"<x:xmpmeta>" * 200 + rng.bytes(100)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + data[2:]


def _not_finite(rng: Rng) -> bytes:
    pixels = rng.uniform(0, 255, (64, 64)).astype(np.float32)
    pixels[rng.integers(64, size=9), rng.integers(64, size=9)] = (np.nan, np.inf, -np.inf)[rng.integers(3)]
    return saved(Image.fromarray(pixels), "TIFF")


def _animation(rng: Rng) -> bytes:
    frames = [picture(rng, False) for _ in range(4)]
    return saved(frames[0], ("GIF", "WEBP", "PNG")[rng.integers(3)], save_all=True, append_images=frames[1:])


def _palette(rng: Rng) -> bytes:
    colours = int(rng.integers(3, 257))
    image = picture(rng, False).quantize(colours)
    return saved(image, "PNG", transparency=rng.bytes(int(rng.integers(1, colours))))


def _palette_missing(rng: Rng) -> bytes:
    data = saved(picture(rng, False).quantize(64), "PNG")
    at = data.index(b"PLTE") - 4
    (length,) = struct.unpack_from(">I", data, at)
    return data[:at] + data[at + 12 + length :]


def _cmyk(rng: Rng) -> bytes:
    format, suffixes = ("JPEG", {"quality": 80}) if rng.integers(2) else ("TIFF", {"compression": "tiff_lzw"})
    return saved(picture(rng, False).convert("CMYK"), format, **suffixes)


def _sides(rng: Rng) -> bytes:
    sides = [(1, 1), (1, 20_000), (20_000, 1), (1, 20_001), (31, 64), (3, 3)]
    size = sides[rng.integers(len(sides))]
    return saved(Image.effect_noise(size, 60), ("PNG", "JPEG")[rng.integers(2)])


def _flat(rng: Rng) -> bytes:
    return saved(Image.new("RGB", (64, 64), tuple(int(v) for v in rng.integers(0, 256, 3))), "PNG")


def _many_scans(rng: Rng) -> bytes:
    data = saved(picture(rng, False), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * 600 + b"\xff\xd9"


def _circular_tiff(rng: Rng) -> bytes:
    """A TIFF whose next page is itself, and whose sizes are lists."""
    data = bytearray(saved(picture(rng, False), "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * tags, first)
    return bytes(data)


def _orientation(rng: Rng) -> bytes:
    exif = Image.Exif()
    exif[TiffImagePlugin.IMAGEWIDTH], exif[0x0112] = 9, int(rng.integers(0, 60_000))
    return encoded(rng, ".jpg", exif=exif)


def _text(rng: Rng) -> bytes:
    return b"<html>404 Not Found</html>" * int(rng.integers(1, 99))


def _odd_name(rng: Rng, folder: Path, k: int) -> OddFile:
    names = [
        os.fsdecode(b"latin \xe9\xff"),
        "line\nbreak\ttab\rreturn",
        "\"quotes' and `ticks` $(true)",
        "<!--<script>alert(1)<",
        "\N{RIGHT-TO-LEFT OVERRIDE}gpj \N{PILE OF POO} \x1b[31m",
        "--model",
        "a,b;c|d * ? [x] %20 #",
        "x" * 240,
        "é" * 120,
    ]
    path = folder / f"{names[k // len(_KINDS) % len(names)]}{k:04d}.jpg"
    path.write_bytes(encoded(rng, ".jpg"))
    return OddFile(path, "odd name", SCORE)


def _no_file(rng: Rng, folder: Path, k: int) -> OddFile:
    path = folder / f"{k:04d}_no_file.jpg"
    kind = ("pipe", "dangling link", "link to itself", "endless device", "huge and sparse")[k // len(_KINDS) % 5]
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "huge and sparse":
        path.write_bytes(encoded(rng, ".jpg"))
        os.truncate(path, 10**11)
    else:
        path.symlink_to({"dangling link": "nowhere.jpg", "link to itself": path.name}.get(kind, "/dev/zero"))
    return OddFile(path, kind, PROBLEM)


def _garbage(rng: Rng, folder: Path, k: int) -> OddFile:
    suffix, magic = list(_MAGIC.items())[k // len(_KINDS) % len(_MAGIC)]
    path = folder / f"{k:04d}_garbage{suffix}"
    path.write_bytes(magic + rng.bytes(int(rng.integers(0, 3_000))))
    return OddFile(path, "garbage", PROBLEM)


_WRONG = (".png", ".tif", ".gif", ".heic", ".jp2", "")  # suffixes of JPEG files
_KINDS: list[Callable[[Rng, Path, int], OddFile]] = [
    _damage("truncated", truncated, dict.fromkeys(_OPTIONS, PROBLEM)),
    _damage("truncated", truncated, {".jpg": PROBLEM, ".png": PROBLEM}, ".jpg", ".png"),
    _damage("half", _half_with_an_end, {".jpg": PROBLEM}, ".jpg"),
    _damage("zeroed", zeroed, {}),
    _damage("zeroed", zeroed, {}, ".jpg"),
    _damage("flipped", flipped, {}),
    _damage("flipped", flipped, {}, ".jpg", ".tif"),
    _damage("shuffled", _shuffled, {}),
    _damage("junk", _junk_after_the_end, {".jpg": SCORE, ".png": SCORE}, ".jpg", ".png"),
    _damage("promise", _promise, dict.fromkeys(_MAGIC, PROBLEM), ".jpg", ".png", ".gif", ".bmp"),
    _garbage,
    _write("exif", _damaged_exif, (".jpg",), SCORE),
    _write("profile", _damaged_profile, (".jpg",), SCORE),
    _write("xmp", _damaged_xmp, (".jpg",), SCORE),
    _write("orientation", _orientation, (".jpg",), SCORE),
    _write("wrong_suffix", lambda rng: encoded(rng, ".jpg"), _WRONG, SCORE),
    _write("text", _text, (".jpg", ".PNG", ".webp"), PROBLEM),
    _write("empty", lambda rng: b"", (".jpg", ".png", ".tif"), PROBLEM),
    _write("not_finite", _not_finite, (".tif", ".tiff"), PROBLEM),
    _write("animation", _animation, (".gif", ".webp", ".png"), SCORE),
    _write("palette", _palette, (".png",), SCORE),
    _write("no_palette", _palette_missing, (".png",), EITHER),
    _write("cmyk", _cmyk, (".jpg", ".tif"), SCORE),
    _write("sides", _sides, (".png", ".jpg"), PROBLEM),
    _write("flat", _flat, (".png",), PROBLEM),
    _write("scans", _many_scans, (".jpg",), PROBLEM),
    _write("circular", _circular_tiff, (".tif",), SCORE),
    _odd_name,
    _no_file,
]
