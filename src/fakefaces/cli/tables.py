"""Tables on standard output: as wide as a terminal, and unwrapped in a file or a pipe."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_UNWRAPPED = 4000  # columns


def print_table(table: "Table") -> None:
    """Print a table."""
    from rich.console import Console

    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=_UNWRAPPED)).print(table)
