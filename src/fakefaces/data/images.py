"""The only decoder of images, for training, the server and the review page alike.

It checks bounds before decoding, applies the EXIF orientation, and converts all modes to RGB. Every call into a decoder
is guarded here: whatever one of them raises is an ImageError. All threads share one :data:`BUDGET` of memory.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, UnidentifiedImageError
from PIL.ExifTags import Base as Exif

from fakefaces.base.errors import ImageError
from fakefaces.base.files import read_regular
from fakefaces.base.names import shown
from fakefaces.data import decoders, formats
from fakefaces.data.formats import FORMATS
from fakefaces.data.memory import Budget

MAX_BYTES = 64 * 2**20
MAX_SIDE = 20_000  # pixels
MAX_PIXELS = 110_000_000  # fewer of formats that take more memory a pixel: see max_pixels
MIN_SIDE = 32  # pixels, of an image that is scored, where the detector's metadata state no other bound
# Of all images that are being decoded, or whose pixels are worked on within ``decoded``.
BUDGET = Budget(620_000_000)
_LARGEST = 1_000_000_000  # bytes of memory that a single image may take
_FLAT = 2  # levels of 255 between the darkest and the brightest pixel of each channel, at most

# glibc gives freed memory back to the system beyond a threshold that grows with the largest block freed (up to 32 MB).
# The next image would pay for new pages, up to a third of its time: a block that is never touched raises the threshold.
np.empty(16 * 2**20, np.uint8)


@dataclass(frozen=True)
class Header:
    """Contents of an image file's header."""

    format: str  # one of FORMATS; an MPO of two lenses is a JPEG
    mode: str  # Pillow's, as stored: RGB, L, CMYK, P, I;16, RGBA ...
    width: int  # pixels, before the EXIF orientation is applied
    height: int  # pixels, before the EXIF orientation is applied
    program: str  # the EXIF Software tag, or empty
    orientation: int  # EXIF, 1 to 8; 1 where there is none
    quantization: str  # digest of the JPEG luma quantization table with its first four values, or empty
    subsampling: str  # of a JPEG's chroma: 4:4:4, 4:2:2, 4:2:0 or other; empty without chroma
    damage: str  # what is wrong with the metadata, which then count as none; empty where they are sound


def read(path: Path) -> bytes:
    """Read a regular file of at most ``MAX_BYTES``, or raise an ImageError."""
    try:
        name = shown(path)
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        problem = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise ImageError(f"{name}: cannot be read ({error.strerror or error})", problem) from None
    except ValueError as error:  # a null byte in the name, or a letter that the file system cannot write
        raise ImageError(f"{str(path)!a}: there is no file of such a name ({error})", "missing") from None
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name}: more than {MAX_BYTES:,} bytes; at most {MAX_BYTES:,} are read", "too_large")
    return data


def header(data: bytes, name: str = "image") -> Header:
    """Read the header without decoding pixels.

    Raises:
        ImageError: not an image of a known format, or a size beyond the bounds.
    """
    image, damage = _open(data, name)
    with image, _guarded(name):
        table = getattr(image, "quantization", {}).get(0, [])
        digest = hashlib.sha256(bytes(min(v, 255) for v in table)).hexdigest()[:8] if table else ""
        quantization = f"{digest}:{','.join(map(str, table[:4]))}" if table else ""
        program, orientation, exif_damage = _exif(image)
        return Header(
            format=_format(image),
            mode=image.mode,
            width=image.width,
            height=image.height,
            program=program,
            orientation=orientation,
            quantization=quantization,
            subsampling=_subsampling(image),
            damage=damage or exif_damage,
        )


def decode(data: bytes, name: str = "image") -> NDArray[np.uint8]:
    """Decode to RGB as displayed, uint8 (height, width, 3): rotated by the EXIF orientation, transparency over white.

    Of an animation the first frame is decoded. Metadata that cannot be read count as none.

    Raises:
        ImageError: not an image, beyond the bounds, truncated or corrupt; the message starts with ``name``.
    """
    with decoded(data, name) as pixels:
        return pixels


@contextmanager
def decoded(data: bytes, name: str = "image") -> Iterator[NDArray[np.uint8]]:
    """:func:`decode` for pixels that are worked on within the block only, and count against :data:`BUDGET` until then.

    No other image may be decoded within the block by the same thread, which might wait for itself.
    """
    image, _ = _open(data, name)
    with BUDGET.hold(_cost(image)):
        with image, _guarded(name):
            _, orientation, _ = _exif(image)
            pixels = decoders.upright(decoders.pixels(image, data), orientation)
        yield pixels


def require_content(pixels: NDArray[np.uint8], name: str, *, min_side: int = MIN_SIDE) -> None:
    """Raise an ImageError for an image that shows too little to be judged.

    Args:
        pixels: uint8 (height, width, 3).
        name: the image's, for the message.
        min_side: pixels that each side has, at least.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < min_side:
        message = f"{name}: {width} x {height} pixels; at least {min_side} a side are needed to judge it"
        raise ImageError(message, "too_small")
    # A grid shows that most photographs are not flat, in less time than all of their pixels.
    for part in (pixels[::16, ::16], pixels):
        if any(int(part[..., k].max()) - int(part[..., k].min()) > _FLAT for k in range(3)):
            return
    raise ImageError(f"{name}: all of it has one colour, so there is nothing to judge", "flat")


def max_pixels(format: str, cost: int | None = None) -> int:
    """The most pixels that are decoded of a format, or of an image that takes ``cost`` bytes of memory a pixel."""
    return min(MAX_PIXELS, _LARGEST // (cost or formats.COSTS[format]))


def resize(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize to uint8 (size, size, 3), by area averaging when the image shrinks.

    The aspect ratio is not preserved, as in the reference.
    """
    import cv2

    height, width = pixels.shape[:2]
    shrinks = height >= size and width >= size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=interpolation), dtype=np.uint8)


def limited(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Scale uint8 (height, width, 3) down so that the longer side has at most ``longest`` pixels, by area averaging."""
    import cv2

    height, width = pixels.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Encode as JPEG of quality 1 to 100, with 4:2:0 chroma subsampling and libjpeg's tables."""
    import cv2

    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def _open(data: bytes, name: str) -> tuple[Image.Image, str]:
    """An image within the bounds whose pixels are not decoded yet, and what is wrong with its metadata."""
    if not data:
        raise ImageError(f"{name}: the file is empty", "empty")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name}: {len(data):,} bytes; at most {MAX_BYTES:,} are read", "too_large")
    format, damage = formats.sniff(data[: formats.HEAD]), ""
    if format == "HEIC":
        raise ImageError(f"{name}: {formats.HEIC_ADVICE}", "not_an_image")
    if not format:
        raise ImageError(f"{name}: not an image of a known format ({', '.join(FORMATS)})", "not_an_image")
    try:
        image = _opened(data, format, name)
    except ImageError as error:
        stripped = formats.without_metadata(format, data)
        if error.problem != "broken" or stripped == data:
            raise
        image, damage = _opened(stripped, format, name), "its metadata cannot be read"
    width, height = image.size
    limit = max_pixels(format, _cost(image) // max(1, width * height))
    if width * height > limit or max(width, height) > MAX_SIDE:
        raise ImageError(
            f"{name}: its header claims {width} x {height} pixels; "
            f"at most {limit:,} pixels and {MAX_SIDE:,} a side are decoded of such a {format} file",
            "too_many_pixels",
        )
    if formats.implausible(format, width * height, data):
        raise ImageError(f"{name}: its header claims {width} x {height} pixels, more than {len(data):,} bytes can hold")
    if format == "JPEG" and formats.has_too_many_scans(data):
        raise ImageError(f"{name}: a JPEG of more scans than any camera writes")
    return image, damage


def _opened(data: bytes, format: str, name: str) -> Image.Image:
    try:
        with _guarded(name):
            return Image.open(io.BytesIO(data), formats=(format,))
    except Image.DecompressionBombError:
        raise ImageError(f"{name}: its header claims more than {MAX_PIXELS:,} pixels", "too_many_pixels") from None


@contextmanager
def _guarded(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an ImageError, but for an image that is too large for Pillow."""
    with warnings.catch_warnings():
        # The bounds here are stricter, and warnings about metadata help no user.
        warnings.simplefilter("ignore")
        try:
            yield
        except (ImageError, Image.DecompressionBombError):
            raise
        except UnidentifiedImageError:
            raise ImageError(f"{name}: broken or truncated image (its header cannot be read)") from None
        except Exception as error:  # Pillow's plug-ins raise anything: struct.error, KeyError, ZeroDivisionError ...
            raise ImageError(f"{name}: broken or truncated image ({str(error) or type(error).__name__})") from None


def _exif(image: Image.Image) -> tuple[str, int, str]:
    """Program and orientation of the EXIF tags, and what is wrong with them; empty and 1 where they cannot be read."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if raw := image.info.get("exif"):
                Image.Exif().load(raw)  # again, since Pillow has hidden what was wrong when it opened the image
            # A PNG's own method would decode all pixels, in search of a chunk that may follow them.
            exif = Image.Image.getexif(image)
            program, orientation = exif.get(Exif.Software, ""), exif.get(Exif.Orientation, 1)
        except Exception as error:  # Pillow's parser raises anything
            return "", 1, f"its EXIF tags cannot be read ({str(error) or type(error).__name__})"
    damage = f"its EXIF tags are damaged ({' '.join(str(caught[0].message).split())})" if caught else ""
    known = isinstance(orientation, int) and 1 <= orientation <= 8
    return str(program).strip(" \0"), orientation if known else 1, damage


def _format(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else image.format or ""


def _cost(image: Image.Image) -> int:
    """Bytes of memory that decoding takes, at most."""
    each = formats.COSTS[_format(image)]
    if _format(image) == "JPEG" and image.mode == "CMYK":
        each = formats.CMYK_COST
    elif image.info.get("progressive"):
        each = formats.PROGRESSIVE_COST
    return each * image.width * image.height


def _subsampling(image: Image.Image) -> str:
    # Pillow fails where a header claims three components and lists fewer.
    if len(getattr(image, "layer", ())) != 3:
        return ""
    known = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
    return known.get(JpegImagePlugin.get_sampling(image), "other")
