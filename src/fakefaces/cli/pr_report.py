"""``fakefaces pr-report``."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.paths import Layout


def pr_report(
    base: Annotated[
        str, typer.Option(help="A branch or commit; what it has in common with this commit is compared with.")
    ] = "origin/main",
    to: Annotated[Path, typer.Option(help="The folder that the report is written to.")] = Path("pull_request"),
    registry: Annotated[
        bool,
        typer.Option(
            help="Ask the registry for the champion, where there is one; else the base's best model stands for it."
        ),
    ] = True,
) -> None:
    """Report what this commit's results change: before and after, the gate's decision, images that change sides."""
    from fakefaces.base.leftovers import temporary_folder
    from fakefaces.base.progress import echo, waiting_for
    from fakefaces.params.file import load
    from fakefaces.proposals.report import comment, fetched, propose, write_report
    from fakefaces.proposals.revisions import Revision, merge_base

    root = environment.workspace()
    layout, params = Layout(root), load(root / "params.yaml")
    commit = merge_base(root, base)
    with temporary_folder() as folder:
        with waiting_for(f"the results of {commit[:10]}"):
            revision = Revision(root, commit, folder)
            no_base = fetched(revision)
        if no_base:
            echo(f"nothing to compare with: {no_base}")
        proposal = propose(params, layout, None if no_base else revision, no_base, ask_registry=registry)
        write_report(proposal, layout.data, to)
    print(comment(proposal))
    echo(f"written to {to}")
