"""``fakefaces data``."""

from typing import Annotated

import typer

from fakefaces.base import environment


def data(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, an s3:// or https:// URL or another DVC source; 'kaggle' to download CIPLAB's set; or a "
            "CSV with the columns path and label, whose images are added to those in data/.",
            show_default=False,
        ),
    ],
) -> None:
    """Import photographs into data/ in place of those that are there; then run: dvc repro."""
    from fakefaces.ingest import importing

    importing.import_photographs(source, environment.workspace())
