"""What INPUT may be, and the images that it lists: a folder, a glob, a list, a table of images, or one image."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import printable
from fakefaces.scoring import tables, walking
from fakefaces.scoring.addresses import HTTP, filesystem, is_url, local_path, of_path, public
from fakefaces.scoring.reading import Input

_LISTS, _TABLES = (".csv", ".csv.gz"), (".parquet", ".pq")


class Kind(StrEnum):
    """How INPUT lists images."""

    FOLDER = "folder"
    GLOB = "glob"
    LIST = "list"  # of paths or addresses, in CSV or Parquet
    TABLE = "table"  # of images' bytes, in Parquet
    IMAGE = "image"


@dataclass
class Inputs:
    """The images of an INPUT, to be listed once."""

    address: str  # absolute; of a folder, a list, a table or an image, or a glob
    kind: Kind
    column: str | None = None  # of addresses, or of bytes in a table
    files: list[str] = field(default_factory=list)  # the files of a list or table, in order
    prefix: str = ""  # the folder as the user named it, with which keys start
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def content(self) -> str | None:
        """The column of a table that holds the images' bytes."""
        return self.column if self.kind is Kind.TABLE else None

    @property
    def identity(self) -> dict[str, object]:
        """What an INPUT is known by when a job is started again; no secret is in it."""
        state = {public(file): tables.fingerprint(file) for file in self.files}
        return {"address": public(self.address), "kind": str(self.kind), "column": self.column, "files": state}

    def images(self, output: Path | None = None) -> Iterator[Input]:
        """Yield the images; keys may repeat in a list. ``output`` is a folder that is left out.

        Raises:
            DataError: INPUT cannot be read.
        """
        if self.kind is Kind.TABLE:
            yield from tables.rows(self.files, self.column or "")
        elif self.kind is Kind.LIST:
            for file in self.files:
                yield from (_listed(key, file) for key in tables.addresses(file, self.column or ""))
        elif self.kind is Kind.IMAGE:
            yield Input(self.prefix, self.address)
        elif is_url(self.address):
            remote = walking.walk_remote(self.address, self.skipped)
            found = walking.expand_remote(self.address) if self.kind is Kind.GLOB else remote
            yield from (Input(address, address) for address in found)
        else:
            walk = walking.expand if self.kind is Kind.GLOB else walking.walk
            yield from (
                Input(printable(path), of_path(path)) for path in walk(self.prefix, self.skipped, without=output)
            )


def find_inputs(given: str, column: str | None = None) -> Inputs:
    """Find out what an INPUT is.

    Args:
        given: a path, a glob or an address.
        column: of a list or a table, where it is not one of the usual names.

    Raises:
        DataError: there is no such thing, or it is none of the kinds.
    """
    address = given if is_url(given) else str(local_path(given))
    absolute = address if is_url(given) else of_path(address)
    folder, file = _looks(address)
    if not folder and not file and walking.is_glob(address):
        return _without_column(Inputs(absolute, Kind.GLOB, prefix=address), column)
    if not folder and not file:
        raise DataError(f"{public(given)}: there is no such file, folder or address")
    if file and address.split("?")[0].lower().endswith(_LISTS):
        return Inputs(absolute, Kind.LIST, tables.address_column(absolute, column), [absolute])
    files = [absolute] if file else _parquet_files(address)
    if files and files[0].split("?")[0].lower().endswith(_TABLES):
        content = tables.content_column(files[0], column)
        name = content or tables.address_column(files[0], column)
        return Inputs(absolute, Kind.TABLE if content else Kind.LIST, name, files)
    return _without_column(Inputs(absolute, Kind.IMAGE if file else Kind.FOLDER, prefix=address), column)


def _looks(address: str) -> tuple[bool, bool]:
    """Whether the address is a folder, and whether it is a file."""
    if not is_url(address):
        path = Path(address)
        if path.exists() and not path.is_dir() and not path.is_file():
            raise DataError(f"{public(address)}: neither a folder nor a regular file")
        return path.is_dir(), path.is_file()
    if address.startswith(HTTP):
        return False, True  # what it is, its image's row says
    files, remote = filesystem(address)
    try:
        return bool(files.isdir(remote)), bool(files.isfile(remote))
    except Exception as error:  # of credentials or the network; each file system has its own
        raise DataError(f"{public(address)}: cannot be reached ({type(error).__name__})") from None


def _parquet_files(folder: str) -> list[str]:
    """The files of a folder that is a Parquet table; none if its first file is not Parquet."""
    skipped: Counter[str] = Counter()
    paths = walking.walk_remote(folder, skipped) if is_url(folder) else map(of_path, walking.walk(folder, skipped))
    files: list[str] = []
    for path in paths:
        if path.rsplit("/", 1)[-1].startswith("_"):  # _SUCCESS and the like
            continue
        if not path.lower().endswith(_TABLES):
            if files:
                raise DataError(f"{public(folder)}: a folder with Parquet files and others, such as {public(path)}")
            return []
        files.append(path)
    return files


def _without_column(inputs: Inputs, column: str | None) -> Inputs:
    if column is not None:
        raise DataError(f"{public(inputs.address)}: --column is for lists and tables, and this is a {inputs.kind}")
    return inputs


def _listed(key: str, file: str) -> Input:
    """An entry of a list; a relative path is relative to the list's folder."""
    if is_url(key):
        return Input(key, key)
    if key.startswith("file://"):
        return Input(key, of_path(str(local_path(key))))
    folder = file.rsplit("/", 1)[0]
    if is_url(file):
        return Input(key, key if key.startswith("/") else f"{folder}/{key}")
    return Input(key, of_path(str(local_path(file).parent / key)))
