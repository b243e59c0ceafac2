"""The bodies of requests: what they may be, read within bounds, and the images in them."""

import asyncio
import base64
import binascii
import json

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from fakefaces.serving.limits import Limits

_FORM = 'the body must be {"inputs": ["<an image file as base64>", ...]}'

Images = list[bytes | ImageError]  # of a request: the content of its files; an error where one is not base64


def kind_of(request: Request) -> str:
    """``image`` or ``json``, before anything of the body is read."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json" and not kind.startswith("image/"):
        raise HTTPException(415, f"Content-Type must be application/json or image/..., not '{kind}'")
    return "json" if kind == "application/json" else "image"


def claimed(request: Request, limit: int) -> int:
    """The bytes that a body may have; the limit where the request does not say."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return limit
    if int(length) > limit:
        raise HTTPException(413, f"the body has {int(length):,} bytes; the limit is {limit:,}")
    return int(length)


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body; an HTTPException if it is too large, too slow or ends early."""
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body:
                    raise HTTPException(413, f"the body is larger than {limits.body:,} bytes, the limit")
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {limits.body_seconds:g} seconds") from None
    except asyncio.CancelledError:  # uvicorn's, when it stops
        raise HTTPException(503, "the server stops") from None
    except ClientDisconnect:
        raise HTTPException(400, "the connection ended before the body did") from None
    return bytes(body)


def images_of(kind: str, body: bytes, limits: Limits) -> Images:
    """The images of a request; an HTTPException if it is not of the right form, or holds too much."""
    if kind == "image":
        return [body]
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON ({error})") from None
    texts = value.get("inputs") if isinstance(value, dict) and set(value) == {"inputs"} else None
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise HTTPException(400, _FORM)
    if len(texts) > limits.images:
        raise HTTPException(413, f"the request has {len(texts):,} images; the limit is {limits.images:,}")
    files = [_decoded(f"image {k}", text) for k, text in enumerate(texts, start=1)]
    pixels = sum(_pixels(data) for data in files if isinstance(data, bytes))
    if len(files) > 1 and pixels > limits.pixels:
        raise HTTPException(413, f"the images have {pixels:,} pixels; the limit of a request is {limits.pixels:,}")
    return files


def _pixels(data: bytes) -> int:
    """The pixels that an image's header claims; 0 where it has none to be read."""
    try:
        header = images.header(data)
    except (ImageError, OSError, SyntaxError, ValueError):  # which its row will name
        return 0
    return header.width * header.height


def _decoded(name: str, text: str) -> bytes | ImageError:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        return ImageError(f"{name}: not base64 ({error})", "not_base64")
