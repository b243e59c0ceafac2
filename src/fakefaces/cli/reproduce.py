"""``fakefaces reproduce``."""

import sys
from typing import Annotated, Any

import typer

from fakefaces.base import environment

_MAX_PACKAGES = 12  # of those that do not affect results


def reproduce(
    run: Annotated[
        str,
        typer.Argument(help="A run's id or its first digits, a version's number, or 'champion'.", show_default=False),
    ],
    patch: Annotated[bool, typer.Option("--patch", help="Print the run's uncommitted changes as a patch.")] = False,
) -> None:
    """Print how this checkout differs from a run's, and the commands that reproduce the run. Nothing is changed."""
    from fakefaces.base.errors import FakefacesError
    from fakefaces.cli.arguments import registered_name
    from fakefaces.maintenance import reproduce as reproduction
    from fakefaces.maintenance import run_table
    from fakefaces.tracking import store

    root = environment.workspace()
    with store.opened() as mlflow:
        found = run_table.resolve(mlflow, run, registered_name())
        if patch:
            text = reproduction.files(mlflow, found).get("changes.patch")
            if not text:
                raise FakefacesError(f"{run}: there is no patch; the run had no uncommitted changes")
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

    from fakefaces.cli.tables import print_table

    console = Console(highlight=False, soft_wrap=True)
    tags = run.data.tags
    console.print(f"[bold]{run.info.run_name}[/] {run.info.run_id} ({tags.get('role')}, {run.info.status})")
    if relogged:
        console.print("This run was logged anew from its outputs: its commit and machine are those of the logging.")
    if here:
        console.print("Its outputs are those of the present dvc.lock: dvc checkout restores them.")
    shown = [pair for pair in differences if pair.matters]
    lesser = [pair for pair in differences if not pair.matters]
    if differences:
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for name in ("difference", "in the run", "here"):
            table.add_column(name, overflow="fold")
        for pair in shown + lesser[:_MAX_PACKAGES]:
            table.add_row(pair.what, pair.then, pair.now, style=None if pair.matters else "dim")
        console.print()
        print_table(table)
        if len(lesser) > _MAX_PACKAGES:
            console.print(f"and {len(lesser) - _MAX_PACKAGES} other packages")
    else:
        console.print("No differences: commit, changes, parameters, data, packages and machine are the same.")
    console.print("\nTo reproduce it in a worktree beside this checkout:\n")
    width = max(len(command) for command, _ in commands)
    for command, reason in commands:
        console.print(f"    {command:{width}}  [dim]# {reason}[/]" if reason else f"    {command}")
    if made:
        console.print("\nIt is reproduced if dvc.lock then contains:\n")
        for path, digest in made.items():
            console.print(f"    {path}: {digest}")
    if any(pair.what == "machine" for pair in differences):
        console.print("\nOn another processor the last digits may differ, and so may the digests.")
