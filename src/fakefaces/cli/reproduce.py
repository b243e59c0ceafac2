"""``fakefaces reproduce``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base import environment
from fakefaces.cli.model_names import complete_model, run_of

if TYPE_CHECKING:
    from fakefaces.maintenance.reproduce import Reproduction

_MAX_PACKAGES = 12  # of those that do not affect results


def reproduce(
    run: Annotated[
        str,
        typer.Argument(
            help="A run's id or its first digits; or its model: an alias such as 'champion', a version's number, the "
            "name of a model in params.yaml, a models:/ URI, or a detector's folder.",
            show_default=False,
            autocompletion=complete_model,
        ),
    ],
    patch: Annotated[bool, typer.Option("--patch", help="Print the run's uncommitted changes as a patch.")] = False,
) -> None:
    """Print how this checkout differs from a run's, and the commands that reproduce the run. Nothing is changed."""
    from fakefaces.base.errors import FakefacesError
    from fakefaces.maintenance.reproduce import Reproduction
    from fakefaces.tracking.store import connect

    reproduction = Reproduction.of(connect(create=False), run_of(run), environment.workspace())
    if not patch:
        _print(reproduction)
    elif text := reproduction.files.get("changes.patch"):
        sys.stdout.write(text)
    else:
        raise FakefacesError(f"{run}: there is no patch; the run had no uncommitted changes")


def _print(reproduction: "Reproduction") -> None:
    from rich.console import Console
    from rich.table import Table

    from fakefaces.cli.tables import print_table

    console = Console(highlight=False, soft_wrap=True)
    run, differences, commands = reproduction.run, reproduction.differences(), reproduction.commands()
    console.print(f"[bold]{run.info.run_name}[/] {run.info.run_id} ({run.data.tags.get('role')}, {run.info.status})")
    if reproduction.is_relogged:
        console.print("This run was logged again from its outputs: its commit and machine are those of the logging.")
    if reproduction.is_current:
        console.print("Its outputs are those of the present dvc.lock: dvc checkout restores them.")
    relevant = [pair for pair in differences if pair.matters]
    packages = [pair for pair in differences if not pair.matters]
    if differences:
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for name in ("difference", "in the run", "here"):
            table.add_column(name, overflow="fold")
        for pair in relevant + packages[:_MAX_PACKAGES]:
            table.add_row(pair.name, pair.run, pair.here, style=None if pair.matters else "dim")
        console.print()
        print_table(table)
        if len(packages) > _MAX_PACKAGES:
            console.print(f"and {len(packages) - _MAX_PACKAGES} other packages")
    else:
        console.print("No differences: commit, changes, parameters, data, packages and machine are the same.")
    console.print("\nTo reproduce it in a worktree beside this checkout:\n")
    for command, purpose in commands:  # above each other, for a narrow terminal
        if purpose:
            console.print(f"    [dim]# {purpose}[/]")
        console.print(f"    {command}")
    if reproduction.outputs:
        console.print("\nIt is reproduced if dvc.lock then contains:\n")
        for path, digest in reproduction.outputs.items():
            console.print(f"    {path}: {digest}")
    if any(pair.name == "machine" for pair in differences):
        console.print("\nOn another processor the last digits may differ, and so may the digests.")
