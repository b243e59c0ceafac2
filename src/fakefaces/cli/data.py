"""``fakefaces data``."""

from typing import Annotated

import typer

from fakefaces.base import environment


def data(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, an s3:// or https:// URL or another DVC source; or 'kaggle' to download CIPLAB's set.",
            show_default=False,
        ),
    ],
) -> None:
    """Import photographs into data/ in place of those that are there; then run: dvc repro."""
    from fakefaces import importing

    importing.import_photographs(source, environment.workspace())
