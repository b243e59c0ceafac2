"""``fakefaces reproduce``."""

import sys
from typing import Annotated, Any

import typer

from fakefaces.base import environment

_SHOWN = 12  # packages that matter less, at most


def reproduce(
    run: Annotated[
        str,
        typer.Argument(help="A run's id or its beginning, a version's number, or 'champion'.", show_default=False),
    ],
    patch: Annotated[
        bool, typer.Option("--patch", help="Print what was not committed when it ran, as a patch.")
    ] = False,
) -> None:
    """Say what differs between a run and here, and how to make its outputs again. Nothing is changed."""
    from fakefaces.base.errors import FakefacesError
    from fakefaces.cli.chosen import registered_name
    from fakefaces.maintenance import reproduce as reproduction
    from fakefaces.maintenance import run_table
    from fakefaces.tracking import store

    root = environment.workspace()
    with store.opened() as mlflow:
        found = run_table.resolve(mlflow, run, registered_name())
        if patch:
            text = reproduction.files(mlflow, found).get("changes.patch")
            if not text:
                raise FakefacesError(f"{run}: all was committed when it ran; there is no patch")
            sys.stdout.write(text)
            return
        _print(
            found,
            reproduction.differences(mlflow, found, root),
            reproduction.commands(mlflow, found, root),
            reproduction.made(found),
            reproduction.here(found, root),
            reproduction.relogged(found),
        )


def _print(
    run: Any, differences: list[Any], commands: list[tuple[str, str]], made: dict[str, str], here: bool, relogged: bool
) -> None:
    from rich.console import Console
    from rich.table import Table

    from fakefaces.cli.shown import show

    console = Console(highlight=False, soft_wrap=True)
    tags = run.data.tags
    console.print(f"[bold]{run.info.run_name}[/] {run.info.run_id} ({tags.get('role')}, {run.info.status})")
    if relogged:
        console.print("It was logged again from its outputs: its commit and machine are those of the logging.")
    if here:
        console.print("dvc.lock holds just what it made: its outputs are this project's, and dvc checkout brings them.")
    shown = [pair for pair in differences if pair.matters]
    lesser = [pair for pair in differences if not pair.matters]
    if differences:
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for name in ("what differs", "in that run", "here"):
            table.add_column(name, overflow="fold")
        for pair in shown + lesser[:_SHOWN]:
            table.add_row(pair.what, pair.then, pair.now, style=None if pair.matters else "dim")
        console.print()
        show(table)
        if len(lesser) > _SHOWN:
            console.print(f"and {len(lesser) - _SHOWN} more packages")
    else:
        console.print("Nothing differs: commit, changes, parameters, data, packages and machine are the same.")
    console.print("\nTo make it again, beside this checkout:\n")
    width = max(len(command) for command, _ in commands)
    for command, reason in commands:
        console.print(f"    {command:{width}}  [dim]# {reason}[/]" if reason else f"    {command}")
    if made:
        console.print("\nIt is the same if dvc.lock then says:\n")
        for path, digest in made.items():
            console.print(f"    {path}: {digest}")
    if any(pair.what == "machine" for pair in differences):
        console.print("\nAnother processor may give other last digits, and so other digests.")
