"""Files of rows and columns as people have them: delimiters, encodings, names of columns."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown

MAX_BYTES = 2**30
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Delimited:
    """A file with a header line."""

    names: list[str]  # of the columns, as written; at least one
    rows: list[tuple[int, dict[str, str]]]  # line, from 1, and cells by column; "" where it ends early
    encoding: str
    delimiter: str

    def note(self) -> str:
        """How the file was read; "" where it is plain, in UTF-8 with commas."""
        if self.encoding == "utf-8-sig" and self.delimiter == ",":
            return ""
        names = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
        name = names.get(self.delimiter, f"'{shown(self.delimiter)}'")
        return f"read as {self.encoding.removesuffix('-sig')} with {name} between the columns"


def read_delimited(path: Path, example: str) -> Delimited:
    """Read a file with a header line.

    Args:
        path: of the file, of at most :data:`MAX_BYTES` bytes.
        example: a header that would do, for the message of an empty file.

    Raises:
        DataError: it cannot be read, or is empty.
    """
    text, encoding = _decoded(path)
    delimiter, above, text = _delimiter(text)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
        names = [str(name) for name in reader.fieldnames or ()]
        rows = [(reader.line_num + above, {k: str(v) for k, v in row.items() if isinstance(k, str)}) for row in reader]
    except csv.Error as error:
        raise DataError(f"{shown(path)}: cannot be read as a CSV ({error})") from None
    if not names:
        raise DataError(f"{shown(path)}: it is empty; the first line names the columns, such as {example}")
    return Delimited(names, rows, encoding, delimiter)


def choose_column(path: Path, names: Sequence[str], what: str, wanted: str, known: Sequence[str]) -> str:
    """The one column that is meant: the wanted one, that named ``what``, or the only one with a known name.

    Raises:
        DataError: there is none, or several could be meant; the option ``--WHAT-column`` names one.
    """
    option = f"--{what}-column"
    if wanted:
        if wanted not in names:
            raise DataError(f"{shown(path)}: {option} {wanted}: no such column; there are: {', '.join(names)}")
        return wanted
    plain = [name for name in names if name.strip().lower() == what]
    found = plain or [name for name in names if name.strip().lower() in known]
    if len(found) == 1:
        return found[0]
    problem = f"several columns may be the {what} ({', '.join(found)})" if found else f"no column {what}"
    raise DataError(f"{shown(path)}: {problem}; there are: {', '.join(names)}. Name it: {option} NAME")


def _decoded(path: Path) -> tuple[str, str]:
    try:
        if not path.is_file():
            raise DataError(f"{shown(path)}: cannot be read as a CSV (no such file)")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{shown(path)}: more than {MAX_BYTES:,} bytes; split it")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read as a CSV ({error.strerror or error})") from None
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding
    raise DataError(f"{shown(path)}: cannot be read as a CSV in UTF-8, UTF-16 or Windows-1252; save it as CSV in UTF-8")


def _delimiter(text: str) -> tuple[str, int, str]:
    """The delimiter, the number of lines that only name it, and the rest of the text.

    It is the one that a line above the header names, as Excel writes it, or that the header has most of; a comma where
    it has none.
    """
    if named := re.match(r'(?i)sep=([^"\r\n])\r?\n', text):
        return named[1], 1, text[named.end() :]
    header = text.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=lambda mark: (header.count(mark), mark == ",")), 0, text
