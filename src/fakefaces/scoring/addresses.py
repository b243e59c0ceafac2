"""Addresses of images, lists and outputs: local paths, and URLs that requests or fsspec read."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit, urlunsplit

from fakefaces.base.errors import DataError

HTTP = ("http://", "https://")


def is_url(address: str) -> bool:
    """Whether an address has a protocol that is not ``file``."""
    return "://" in address and not address.startswith("file://")


def local_path(address: str) -> Path:
    """The path of an address that is no URL."""
    if address.startswith("file://"):
        return Path(os.fsdecode(unquote_to_bytes(address.removeprefix("file://"))))
    return Path(address)


def of_path(path: str) -> str:
    """The address of a local path: its absolute path, or a ``file://`` URL where its bytes are not UTF-8."""
    absolute = os.path.abspath(path)  # noqa: PTH100, which would follow links
    raw = os.fsencode(absolute)
    try:
        raw.decode()
    except UnicodeDecodeError:
        return f"file://{quote_from_bytes(raw)}"
    # A path such as file://x cannot be absolute, so the two kinds differ.
    return absolute


def public(address: str) -> str:
    """An address for messages and receipts: without user and password, query and fragment, which may be secrets."""
    if not is_url(address):
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return address.split("://", 1)[0] + "://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def filesystem(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address or a local path, and the path in it; a DataError where there is none."""
    import fsspec

    try:
        files, path = fsspec.url_to_fs(address if is_url(address) else str(local_path(address)))
    except ImportError as error:
        protocol = address.split("://", 1)[0]
        known = "uv sync --extra s3" if protocol in ("s3", "s3a") else f"fsspec's package for {protocol}://"
        raise DataError(f"{public(address)}: its file system is not installed ({error}); install: {known}") from None
    except ValueError as error:
        raise DataError(f"{public(address)}: not an address that fsspec knows ({error})") from None
    return files, str(path)
