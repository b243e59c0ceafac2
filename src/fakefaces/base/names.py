"""Names of files as text: they may hold bytes of any encoding, line breaks and control characters."""

import os
from pathlib import Path


def printable(path: str | Path) -> str:
    """A path as valid Unicode; of bytes that are not UTF-8 their hexadecimal digits are shown."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def on_one_line(text: str, *, keep: str = "") -> str:
    """A text without line breaks and control characters, which could move a terminal's cursor, but with their codes.

    The characters of ``keep`` stay.
    """
    if text.isprintable():
        return text
    escaped = (c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)
    return "".join(escaped)


def shown(path: str | Path) -> str:
    """A path as messages name it: valid Unicode on one line."""
    return on_one_line(printable(path))
