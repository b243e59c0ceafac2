"""``fakefaces repro``."""

from typing import Annotated

import typer

from fakefaces.base import environment


def repro(
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Stages at a time.", show_default="that of params.yaml"),
    ] = None,
) -> None:
    """Run the pipeline as `dvc repro` does, independent stages side by side."""
    from fakefaces.maintenance.parallel_repro import reproduce

    reproduce(environment.workspace(), jobs)
