"""Formats of image files: how they are recognized, what decoding them takes, and where they keep metadata."""

import struct
import zlib
from collections.abc import Iterator

HEAD = 32  # bytes from which a format is recognized
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000")  # Pillow's names
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"),
    *(".avif", ".jp2", ".j2k", ".heic", ".heif"),
)

HEIC_ADVICE = (
    "a HEIC photograph, which is not read, as no decoder of it has a permissive licence; "
    "export it as JPEG, or convert it: heif-convert IN.heic OUT.jpg"
)

# Bytes of memory that decoding to RGB takes a pixel, at most, the result of 3 included: tests/data/test_memory.py.
COSTS = {"JPEG": 6, "PNG": 8, "GIF": 8, "BMP": 8, "TIFF": 15, "WEBP": 17, "AVIF": 19, "JPEG2000": 30}
PROGRESSIVE_COST = 9  # of a JPEG whose coefficients are held until the last scan
CMYK_COST = 15  # of a JPEG in four colours

# Pixels that a byte can stand for, at most: a run of blocks of a progressive JPEG, deflate on 1 bit a pixel, a string
# of LZW, a run of RLE that skips rows. The other formats have no bound.
_PIXELS_PER_BYTE = {"JPEG": 8 * 64, "PNG": 8 * 1032, "GIF": 2731, "BMP": 4096}
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_JPEG_METADATA = {*range(0xE1, 0xEE), 0xEF, 0xFE}  # APP1 to APP13, APP15 and comments; JFIF and Adobe tell the colours
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
_MOST_SCANS = 500  # of a JPEG; cameras write a dozen


def sniff(head: bytes) -> str:
    """The format of a file that starts with ``head``: one of :data:`FORMATS`, HEIC, or empty if it is no image."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(b"BM") and head[15:18] == b"\0\0\0":  # the high bytes of the second header's size
        return "BMP"
    if head.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "JPEG2000"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], *(head[k : k + 4] for k in range(16, len(head), 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
            return "HEIC"
    return ""


def implausible(format: str, pixels: int, data: bytes) -> bool:
    """Whether a file's header promises more pixels than its bytes can hold, in the densest coding of its format."""
    return format in _PIXELS_PER_BYTE and pixels > _PIXELS_PER_BYTE[format] * len(data)


def has_too_many_scans(data: bytes) -> bool:
    """Whether a JPEG goes over its pixels so often that decoding it would take minutes."""
    return data.count(b"\xff\xda") > _MOST_SCANS


def without_metadata(format: str, data: bytes) -> bytes:
    """The file without metadata (EXIF, XMP, texts, colour profiles), as far as its structure can be followed."""
    if format == "PNG":
        return data[:8] + b"".join(_png_chunks(data))
    if format == "JPEG":
        return b"".join(_jpeg_segments(data))
    return data


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] in _PNG_PIXELS:
            yield data[at : at + 12 + length]
        at += 12 + length


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xDA or length < 2:
            break
        if marker not in _JPEG_METADATA:
            yield data[at : at + 2 + length]
        at += 2 + length
    yield data[at:]


def png_is_whole(data: bytes) -> bool:
    """Whether a PNG holds all the rows that its header promises; Pillow leaves missing ones black."""
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = _ADAM7 if interlaced else [(0, 0, 1, 1)]
    sizes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in passes]
    missing: int = sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns)
    inflate = zlib.decompressobj()
    for chunk in _png_chunks(data):
        piece = chunk[8:-4] if chunk[4:8] == b"IDAT" else b""
        while piece and missing > 0:
            missing -= len(inflate.decompress(piece, 2**20))
            piece = inflate.unconsumed_tail
    return missing <= 0
