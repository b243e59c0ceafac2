"""``fakefaces data``."""

from typing import Annotated

import typer

from fakefaces.base import environment


def data(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, an s3:// or https:// URL or another DVC source; 'kaggle' to download CIPLAB's data set; "
            "or a CSV file with the columns path and label, whose images are added to those in data/.",
            show_default=False,
        ),
    ],
) -> None:
    """Replace the images in data/, or add labelled ones to them; then run: dvc repro."""
    from fakefaces.ingest import importing

    importing.import_photographs(source, environment.workspace())
