"""The command line, one file per command."""

import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.stage import error_boundary, use_source_of
from fakefaces.cli.check import check
from fakefaces.cli.data import data
from fakefaces.cli.doctor import doctor
from fakefaces.cli.explain import explain
from fakefaces.cli.plan import plan
from fakefaces.cli.predict import predict
from fakefaces.cli.promote import promote
from fakefaces.cli.registry import registry
from fakefaces.cli.repro import repro
from fakefaces.cli.reproduce import reproduce
from fakefaces.cli.results import results
from fakefaces.cli.review import review
from fakefaces.cli.runs import runs
from fakefaces.cli.sample import sample
from fakefaces.cli.score import score
from fakefaces.cli.serve import serve
from fakefaces.cli.tune import tune
from fakefaces.cli.ui import ui

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
_COMMANDS = (
    check,
    repro,
    results,
    predict,
    plan,
    score,
    explain,
    review,
    promote,
    registry,
    serve,
    runs,
    reproduce,
    doctor,
    ui,
    tune,
    data,
    sample,
)
for _command in _COMMANDS:
    app.command()(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"fakefaces {version('fakefaces')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version, and exit.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Detect doctored face photographs."""


def main() -> None:
    """Run the command line; a user error is one message and exit code 1."""
    with suppress(FakefacesError):  # outside of a project
        root = environment.workspace()
        note = f"NOTE this environment was made for another checkout; {root} is used, and make setup gives it its own"
        use_source_of(root, ["-m", "fakefaces.cli", *sys.argv[1:]], note)
    sys.exit(error_boundary(app))
