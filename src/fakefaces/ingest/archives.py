"""Archives and downloads, which are untrusted: bounded in size, and nothing is written outside the target folder."""

import base64
import errno
import http.client
import lzma
import os
import shutil
import stat
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.base.progress import echo

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_FILES = 2_000_000
MAX_FILE_BYTES = 64 * 2**20  # larger files are no photographs that are read (fakefaces.data.images.MAX_BYTES)
MAX_BYTES = 500 * 2**30  # of all files, and of a download; the free space is a bound too
_RESERVE = 256 * 2**20  # bytes that stay free on the disk
_BLOCK = 2**20
# Of a name that is too long, or cannot be written, or is that of a file where it ought to be a folder, or the reverse.
_NO_NAME = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL)
_TIMEOUT = 60  # seconds without an answer
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def unpack(archive: Path, target: Path) -> Path:
    """Unpack the regular files of an archive below ``target``, which is created; links and devices are left out.

    Raises:
        DataError: not an archive, broken, encrypted, a path outside of ``target``, too many files, or too large.
    """
    target.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                _check_count(archive, zipped.infolist())
                _unpack_zip(archive, zipped, target)
        else:
            with tarfile.open(archive) as tar:
                _unpack_tar(archive, tar, target)
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{shown(archive)}: not a whole archive ({reason})") from None
    except RuntimeError as error:  # zipfile's
        reason = "it is encrypted" if "password" in str(error) else shown(str(error))
        what = f"{shown(archive)}: cannot be unpacked ({reason})"
        raise DataError(f"{what}; unpack it yourself, and import the folder") from None
    return target


def download(address: str, target: Path) -> Path:
    """Fetch an ``http`` or ``https`` address into a file.

    Raises:
        DataError: no answer, an error of the server, or larger than the disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    echo(f"fetching {address}; a large set takes minutes")
    try:
        with urllib.request.urlopen(_request(address), timeout=_TIMEOUT) as answer, target.open("wb") as file:
            expected, written = answer.headers.get("Content-Length"), 0
            while block := answer.read(_BLOCK):
                written += len(block)
                _check_space(address, written, target.parent, len(block))
                file.write(block)
    except urllib.error.HTTPError as error:
        raise DataError(f"{address}: the server answers {error.code} {error.reason}; data/ is unchanged") from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise DataError(f"{address}: cannot be fetched ({reason}); data/ is unchanged") from None
    if expected and expected.isdigit() and int(expected) != written:
        raise DataError(f"{address}: the answer ended after {written:,} of {int(expected):,} bytes; try again")
    return target


def _request(address: str) -> urllib.request.Request:
    """A request whose user and password, which urllib would take for a part of the host, stand in its header."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": "fakefaces"}
    if at:
        headers["Authorization"] = "Basic " + base64.b64encode(unquote(user).encode()).decode("ascii")
    return urllib.request.Request(urlunsplit(parts._replace(netloc=host)), headers=headers)


def _unpack_zip(archive: Path, zipped: zipfile.ZipFile, target: Path) -> None:
    total = 0
    for entry in zipped.infolist():
        if entry.is_dir() or stat.S_ISLNK(entry.external_attr >> 16):
            continue
        with zipped.open(entry) as file:
            total = _write(archive, entry.filename, file, target, total)


def _unpack_tar(archive: Path, tar: tarfile.TarFile, target: Path) -> None:
    total = 0
    for count, entry in enumerate(tar):
        if count >= MAX_FILES:
            _check_count(archive, range(count + 1))
        if entry.isreg() and (file := tar.extractfile(entry)):
            total = _write(archive, entry.name, file, target, total)


def _write(archive: Path, name: str, source: IO[bytes], target: Path, total: int) -> int:
    """Write one file, and return the bytes of all so far.

    A file beyond the bound, or of a name that no file can have here, is left out, and named.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        what = f"{shown(archive)}: it holds the path '{shown(name)}', outside of its own folder"
        raise DataError(f"{what}; nothing was imported")
    output = target / path
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        output.touch()
    except OSError as error:
        if error.errno not in _NO_NAME:
            raise
        echo(f"{shown(archive)}: {shown(name)}: {error.strerror}, not taken")
        return total
    if output.stat().st_size:
        echo(f"{shown(archive)}: {shown(name)}: it is there more than once, and the last one counts")
    written = 0
    with output.open("wb") as file:
        while block := source.read(_BLOCK):
            written += len(block)
            _check_space(shown(archive), total + written, target, len(block))
            if written > MAX_FILE_BYTES:
                break
            file.write(block)
    if written > MAX_FILE_BYTES:
        output.unlink()
        echo(f"{shown(archive)}: {shown(name)}: more than {MAX_FILE_BYTES:,} bytes, not taken")
        return total
    return total + written


def _check_count(archive: Path, entries: Iterable[object]) -> None:
    count = sum(1 for _ in entries)
    if count > MAX_FILES:
        raise DataError(f"{shown(archive)}: more than {MAX_FILES:,} files; import it in parts")


def _check_space(what: str, total: int, folder: Path, block: int) -> None:
    if total > MAX_BYTES or shutil.disk_usage(folder).free < block + _RESERVE:
        raise DataError(f"{what}: more than {total:,} bytes, and the disk of {folder} has no room for them")
