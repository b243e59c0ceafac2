"""The only decoder of images, for training, the server and the review page alike.

It checks bounds before decoding, applies the EXIF orientation, and converts all modes to RGB.
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
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError
from PIL.ExifTags import Base as Exif

from fakefaces.base.errors import ImageError

MAX_BYTES = 64 * 2**20
MAX_SIDE = 20_000  # pixels
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")

# glibc gives freed memory back to the system beyond a threshold that grows with the largest block freed (up to 32 MB).
# The next image would pay for new pages, up to a third of its time: a block that is never touched raises the threshold.
np.empty(16 * 2**20, np.uint8)


@dataclass(frozen=True)
class Header:
    """Contents of an image file's header."""

    format: str  # JPEG, PNG and so on
    mode: str  # Pillow's, as stored: RGB, L, CMYK, P, I;16, RGBA ...
    width: int  # pixels, before the EXIF orientation is applied
    height: int  # pixels, before the EXIF orientation is applied
    program: str  # the EXIF Software tag, or empty
    orientation: int  # EXIF, 1 to 8; 1 where there is none
    quantization: str  # digest of the JPEG luma quantization table with its first four values, or empty
    subsampling: str  # of a JPEG's chroma: 4:4:4, 4:2:2, 4:2:0 or other; empty without chroma


def read(path: Path) -> bytes:
    """Read a file of at most ``MAX_BYTES``, or raise an ImageError."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(f"{path}: {size:,} bytes; at most {MAX_BYTES:,} are read", "too_large")
        return path.read_bytes()
    except OSError as error:
        problem = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})", problem) from None


def header(data: bytes, name: str = "image") -> Header:
    """Read the header without decoding pixels.

    Raises:
        ImageError: not an image of a known format, or a size beyond the bounds.
    """
    with _open(data, name) as image:
        exif = image.getexif()
        table = getattr(image, "quantization", {}).get(0, [])
        digest = hashlib.sha256(bytes(min(v, 255) for v in table)).hexdigest()[:8] if table else ""
        orientation = exif.get(Exif.Orientation, 1)
        return Header(
            format=image.format or "",
            mode=image.mode,
            width=image.width,
            height=image.height,
            program=str(exif.get(Exif.Software, "")).strip(" \0"),
            orientation=orientation if orientation in range(1, 9) else 1,
            quantization=f"{digest}:{','.join(map(str, table[:4]))}" if table else "",
            subsampling=_subsampling(image),
        )


def decode(data: bytes, name: str = "image") -> NDArray[np.uint8]:
    """Decode to RGB as displayed, uint8 (height, width, 3): rotated by the EXIF orientation, transparency over white.

    Of an animation the first frame is decoded.

    Raises:
        ImageError: not an image, beyond the bounds, truncated or corrupt; the message starts with ``name``.
    """
    with _open(data, name) as image:
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return np.asarray(_rgb(image))
        except Exception as error:  # Pillow's readers fail with whatever a corrupt file leads them to
            raise ImageError(f"{name}: broken or truncated image ({error})") from None


def resize(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize to uint8 (size, size, 3), by area averaging when the image shrinks.

    The aspect ratio is not preserved, as in the reference.
    """
    import cv2

    height, width = pixels.shape[:2]
    shrinks = height >= size and width >= size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=interpolation), dtype=np.uint8)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Encode as JPEG of quality 1 to 100, with 4:2:0 chroma subsampling and libjpeg's tables."""
    import cv2

    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


@contextmanager
def _open(data: bytes, name: str) -> Iterator[Image.Image]:
    if not data:
        raise ImageError(f"{name}: the file is empty", "empty")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name}: {len(data):,} bytes; at most {MAX_BYTES:,} are read", "too_large")
    with warnings.catch_warnings():
        # The bounds below are stricter, and warnings about metadata help no user.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except UnidentifiedImageError:
            known = ", ".join(FORMATS)
            raise ImageError(f"{name}: not an image of a known format ({known})", "not_an_image") from None
        except Image.DecompressionBombError:
            message = f"{name}: its header claims more than {MAX_PIXELS:,} pixels"
            raise ImageError(message, "too_many_pixels") from None
        except Exception as error:
            raise ImageError(f"{name}: broken image header ({error})") from None
        with image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise ImageError(
                    f"{name}: its header claims {width} x {height} pixels; "
                    f"at most {MAX_PIXELS:,} pixels and {MAX_SIDE:,} a side are decoded",
                    "too_many_pixels",
                )
            yield image


def _subsampling(image: Image.Image) -> str:
    # Pillow fails where a header claims three components and lists fewer.
    if len(getattr(image, "layer", ())) != 3:
        return ""
    known = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
    return known.get(JpegImagePlugin.get_sampling(image), "other")


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I") or image.mode == "F":  # 16 and 32 bits, which Pillow would clip instead of scale
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
        return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        foreground = image.convert("RGBA")
        white = Image.new("RGBA", foreground.size, "white")
        return Image.alpha_composite(white, foreground).convert("RGB")
    return image.convert("RGB")
