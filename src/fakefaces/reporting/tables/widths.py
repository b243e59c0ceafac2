"""Tables that fit the column in which GitHub shows a Markdown file."""

from collections.abc import Mapping, Sequence

Columns = Mapping[str, Sequence[str]]  # title to cells

GITHUB = 830  # pixels: its column of text
_CHARACTER = 8.0  # pixels, at most on average: of a name 8.0, of a number and its interval 6.9, in its 16 px font
_PADDING = 27  # pixels: 13 on both sides, and a line


def width(columns: Columns) -> float:
    """The width of a table in pixels whose cells stay on one line, and whose titles break at their spaces."""
    longest = (max(map(len, [*title.split(), *cells])) for title, cells in columns.items())
    return sum(_PADDING + _CHARACTER * characters for characters in longest)


def split(columns: Columns, keys: int = 1, limit: float = GITHUB) -> list[dict[str, Sequence[str]]]:
    """Split a wide table into several that fit, about equally wide.

    Args:
        columns: of the table.
        keys: the number of first columns, which say what a row is about; each table begins with them.
        limit: pixels.

    Returns:
        Tables with all columns in their order, as few as there can be; each has at least one beside the keys.
    """
    tables = _filled(columns, keys, limit)
    limits = sorted({width(dict(list(columns.items())[:keys] + part)) for part in _runs(columns, keys)})
    narrower = (_filled(columns, keys, lower) for lower in limits if lower <= limit)
    return next((parts for parts in narrower if len(parts) == len(tables)), tables)


def _runs(columns: Columns, keys: int) -> list[list[tuple[str, Sequence[str]]]]:
    """All runs of neighbouring columns without the keys: what a table may hold."""
    rest = list(columns.items())[keys:]
    return [rest[start:end] for start in range(len(rest)) for end in range(start + 1, len(rest) + 1)]


def _filled(columns: Columns, keys: int, limit: float) -> list[dict[str, Sequence[str]]]:
    """Tables of which each but the last is as full as the limit allows."""
    head = dict(list(columns.items())[:keys])
    tables = [dict(head)]
    for title, cells in list(columns.items())[keys:]:
        wider = tables[-1] | {title: cells}
        if width(wider) <= limit or len(tables[-1]) == keys:
            tables[-1] = wider
        else:
            tables.append(head | {title: cells})
    return tables
