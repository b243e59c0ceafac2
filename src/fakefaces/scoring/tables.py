"""CSV and Parquet that list images: by their paths and addresses, or with their bytes."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from fakefaces.base.errors import DataError
from fakefaces.scoring.addresses import filesystem, is_url, public
from fakefaces.scoring.reading import Input, open_table

ADDRESS_COLUMNS = ("path", "url")
KEY_COLUMNS = ("path", "url", "id")
_BATCH = 10_000  # rows


def address_column(file: str, column: str | None) -> str:
    """The column of a list that holds paths or addresses: ``column``, or one of the usual names."""
    names = _parquet_names(file) if _is_parquet(file) else next(_csv_rows(file), [])
    wanted = (column,) if column else ADDRESS_COLUMNS
    found = next((name for name in wanted if name in names), None)
    if found is None:
        raise DataError(
            f"{public(file)}: no column {' or '.join(wanted)}; name the one with paths or addresses with --column: "
            f"{', '.join(names) or 'the file is empty'}"
        )
    return found


def content_column(file: str, column: str | None) -> str | None:
    """The column of bytes of a Parquet file: ``column``, or the only one; None if there is none."""
    import pyarrow as pa

    names = [field.name for field in _schema(file) if _is_bytes(pa, field.type)]
    if column:
        return column if column in names else None
    if len(names) > 1:
        raise DataError(f"{public(file)}: several columns of bytes; choose one with --column: {', '.join(names)}")
    return names[0] if names else None


def addresses(file: str, column: str) -> Iterator[str]:
    """Yield the values of a list's column; a DataError for an empty one."""
    values = _parquet_values(file, column) if _is_parquet(file) else _csv_values(file, column)
    for number, value in values:
        if not value:
            raise DataError(f"{public(file)}: row {number} has no {column}; leave such rows out of the list")
        yield value


def rows(files: Sequence[str], content: str) -> Iterator[Input]:
    """Yield the rows of a table of images, by their path, url or id, or else by their number in the whole table."""
    number = 0
    for file in files:
        names = _parquet_names(file)
        if content not in names:
            raise DataError(f"{public(file)}: no column {content}, which {public(files[0])} has")
        key = next((name for name in KEY_COLUMNS if name in names and name != content), None)
        keys = (value for _, value in _parquet_values(file, key)) if key else None
        for row in range(_metadata(file).num_rows):
            name = next(keys) if keys else None
            yield Input(name or str(number), file, row)
            number += 1


def fingerprint(file: str) -> str:
    """What changes when a list or a table does: a Parquet file's size and footer, the sha256 of another's bytes."""
    digest = hashlib.sha256()
    files, path = filesystem(file)
    try:
        if _is_parquet(file):
            digest.update(f"{files.size(path)} {_metadata(file).to_dict()}".encode())
        else:
            with files.open(path, "rb") as opened:
                while piece := opened.read(2**20):
                    digest.update(piece)
    except OSError as error:
        raise _unreadable(file, error) from None
    return digest.hexdigest()


def _is_parquet(file: str) -> bool:
    return file.split("?")[0].lower().endswith((".parquet", ".pq"))


def _is_bytes(pa: Any, kind: Any) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _schema(file: str) -> Any:
    return _opened(file).schema_arrow


def _metadata(file: str) -> Any:
    return _opened(file).metadata


def _parquet_names(file: str) -> list[str]:
    return list(_schema(file).names)


def _opened(file: str) -> Any:
    try:
        return open_table(file)
    except DataError:
        raise
    except Exception as error:  # Arrow's, and those of file systems
        raise _unreadable(file, error) from None


def _parquet_values(file: str, column: str) -> Iterator[tuple[int, str | None]]:
    number = 0
    try:
        for batch in _opened(file).iter_batches(_BATCH, columns=[column]):
            for value in batch.column(0).to_pylist():
                number += 1
                yield number, None if value is None else str(value)
    except DataError:
        raise
    except Exception as error:  # Arrow's, and those of file systems
        raise _unreadable(file, error) from None


def _csv_rows(file: str) -> Iterator[list[str]]:
    files, path = filesystem(file)
    compression = "gzip" if file.split("?")[0].lower().endswith(".gz") else None
    try:
        with files.open(path, "rt", encoding="utf-8-sig", newline="", compression=compression) as opened:
            yield from csv.reader(opened)
    except DataError:
        raise
    except Exception as error:  # of the text, of CSV, and those of file systems
        raise _unreadable(file, error) from None


def _csv_values(file: str, column: str) -> Iterator[tuple[int, str | None]]:
    lines = _csv_rows(file)
    place = next(lines).index(column)
    for number, line in enumerate(lines, start=1):
        if line:  # not an empty line
            yield number, line[place] if place < len(line) else None


def _unreadable(file: str, error: Exception) -> DataError:
    reason = type(error).__name__ if is_url(file) else " ".join(str(error).split())[:200]
    return DataError(f"{public(file)}: cannot be read as {'Parquet' if _is_parquet(file) else 'CSV'} ({reason})")
