"""How commands print tables: to the width of a terminal, and unbroken into a file or a pipe."""

from typing import Any

_PIPED = 4000  # columns


def show(table: Any) -> None:
    """Print one of rich's tables on standard output."""
    from rich.console import Console

    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=_PIPED)).print(table)
