"""Tables on standard output: as wide as a terminal, and unwrapped in a file or a pipe."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_UNWRAPPED = 4000  # columns
_GAP = 2  # spaces between two columns
_NUMBER = re.compile(r"-?[\d.,e+-]+")


def print_table(table: "Table") -> None:
    """Print a table."""
    from rich.console import Console

    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=_UNWRAPPED)).print(table)


def print_columns(columns: Mapping[str, Sequence[str]], title: str = "") -> None:
    """Print a table whose cells stand on one line each.

    On a terminal the columns that fit, of which the first matter most, and below them the names of the others.

    Args:
        columns: the cells of each column by its heading, of whose words each may have its own line.
        title: printed above it.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    width = console.width if console.is_terminal else _UNWRAPPED
    shown = fitting(columns, width)
    table = Table(
        box=None,
        header_style="bold",
        padding=(0, _GAP, 0, 0),
        pad_edge=False,
        title=title or None,
        title_justify="left",
    )
    for heading in shown:
        cells = columns[heading]
        number = all(_NUMBER.fullmatch(cell) for cell in cells if cell)
        table.add_column(
            heading if width == _UNWRAPPED else "\n".join(textwrap.wrap(heading, _width(heading, cells))),
            justify="right" if number else "left",
            vertical="bottom",
            no_wrap=True,
        )
    for row in zip(*(columns[heading] for heading in shown), strict=True):
        table.add_row(*row)
    print_table(table)
    if left_out := [heading for heading in columns if heading not in shown]:
        names = f"A wider terminal or --json also shows: {', '.join(left_out)}"
        print(textwrap.fill(names, width, subsequent_indent="  ", break_on_hyphens=False))


def fitting(columns: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """The headings of the columns that fit side by side into ``width`` characters; always the first one."""
    shown: list[str] = []
    used = -_GAP
    for heading, cells in columns.items():
        needed = _GAP + _width(heading, cells)
        if used + needed <= width or not shown:
            shown.append(heading)
            used += needed
    return shown


def _width(heading: str, cells: Sequence[str]) -> int:
    return max(map(len, [*heading.split(), *cells]))
