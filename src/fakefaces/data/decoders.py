"""From an opened image to its pixels: JPEG by libjpeg-turbo in its strict mode, all else by Pillow.

Whatever is wrong may raise any exception: :mod:`fakefaces.data.images` guards each call.
"""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from fakefaces.data import formats

_BAND = 2**20  # pixels that are converted to RGB at a time
_stderr = threading.Lock()


def pixels(image: Image.Image, data: bytes) -> NDArray[np.uint8]:
    """Decode an opened image to RGB, uint8 (height, width, 3), transparency over white.

    Args:
        image: as Pillow opened it, not decoded.
        data: the file.
    """
    if image.format in ("JPEG", "MPO"):
        decoded = _strict_jpeg(image, data)
        if decoded is not None:
            return decoded
    with _libtiff_heard(image):
        image.load()
    rgb = _rgb(image)
    doubtful = image.format == "PNG" and (bool(image.info.get("interlace")) or not rgb[-1].any())
    if doubtful and not formats.png_is_whole(data):
        raise ValueError("rows are missing")
    return rgb


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Rotate and mirror pixels (height, width, 3) by an EXIF orientation, 1 to 8, so that they are as displayed."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _strict_jpeg(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """Pillow's pixels, from the same libjpeg-turbo, but what it warns of is an error here, and Pillow would hide it.

    None where Pillow has to decode: a JPEG in four colours, after a check; one of rare sampling factors without.
    """
    colours = "CMYK" if image.mode == "CMYK" else "RGB"
    target = np.empty((image.height, image.width, len(colours)), np.uint8)
    try:
        # A buffer bounds what is written, should this parser see another size than Pillow's.
        decoded = simplejpeg.decode_jpeg(data, colours, buffer=target)
    except ValueError as error:
        if "subsampling" in str(error):
            return None
        raise
    if decoded.shape != target.shape:
        raise ValueError("two parsers see two sizes")
    return target if colours == "RGB" else None


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a decoded image, converted in bands: a whole copy in each mode would take twice the memory."""
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND // width)
    deep = image.mode.startswith("I") or image.mode == "F"  # 16 and 32 bits, which Pillow would clip instead of scale
    white = _white_level(image, rows) if deep else 0.0
    for top in range(0, height, rows):
        band = image if rows >= height else image.crop((0, top, width, min(top + rows, height)))
        if deep:
            values = np.asarray(band, dtype=np.float64) * (255.0 / white)
            rgb[top : top + rows] = np.clip(values, 0, 255).astype(np.uint8)[..., None]
        else:
            rgb[top : top + rows] = np.asarray(_opaque(band))
    return rgb


def _white_level(image: Image.Image, rows: int) -> float:
    """The value of white in an image of 16 or 32 bits; a ValueError where a pixel is no finite number."""
    if image.mode != "F":
        return 65535.0
    brightest = 1.0
    for top in range(0, image.height, rows):
        values = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
        if not np.isfinite(values).all():
            raise ValueError("its pixels are not finite numbers")
        brightest = max(brightest, float(values.max()))
    return brightest


def _opaque(image: Image.Image) -> Image.Image:
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        foreground = image.convert("RGBA")
        white = Image.new("RGBA", foreground.size, "white")
        return Image.alpha_composite(white, foreground).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _libtiff_heard(image: Image.Image) -> Iterator[None]:
    """Raise what libtiff would print to standard error, where nobody could tell which file it is about.

    It then goes on with what it guesses. What other threads print meanwhile is printed afterwards.
    """
    if image.format != "TIFF" or image.info.get("compression") == "raw":
        yield
        return
    with _stderr, tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            lines = caught.read().decode("utf-8", "replace").splitlines()
            heard = [line for line in lines if re.match(r"(tempfile\.tif|\w+): .*\.$", line)]
            for line in lines:
                if line not in heard:
                    print(line, file=sys.stderr)
    faults = [line for line in heard if "Warning" not in line]
    if faults:
        raise ValueError(faults[0].rstrip("."))
