"""``fakefaces retrain``."""

from typing import Annotated

import typer

from fakefaces.base import environment


def retrain(
    source: Annotated[
        str, typer.Argument(help="The folder that the review page exported to, or its address for DVC.")
    ] = "reviews",
    remote: Annotated[str, typer.Option(metavar="NAME", help="Of git, that the branch is pushed to.")] = "origin",
    only_sure: Annotated[
        bool, typer.Option("--only-sure", help="Leave out labels that people were not sure of.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be proposed, and change nothing.")] = False,
) -> None:
    """Retrain with corrected labels on a branch, and open a pull request; a person decides, nothing is promoted."""
    from fakefaces.retraining.retrain import Plan
    from fakefaces.retraining.retrain import retrain as propose

    propose(source, environment.workspace(), Plan(remote=remote, only_sure=only_sure, dry_run=dry_run))
