"""``fakefaces croissant``."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment


def croissant(
    folder: Annotated[
        Path, typer.Argument(help="With description.yaml; the tables and croissant.json are written into it.")
    ],
) -> None:
    """Publish this project's set without its photographs: labels, groups, folds and pairs by content digest."""
    from fakefaces.base.progress import echo, waiting_for
    from fakefaces.benchmark.benchmark_set import project_set
    from fakefaces.benchmark.croissant import read_description, write_croissant
    from fakefaces.benchmark.published import write_tables

    about = read_description(folder)
    benchmark, near_duplicates = project_set(environment.workspace())
    with waiting_for("the tables of the set"):
        tables = write_tables(folder, benchmark, near_duplicates)
        path = write_croissant(folder, about, tables)
    for name, table in tables.items():
        echo(f"{folder / name}: {len(table):,} rows")
    echo(f"{path}: describes them; no photograph is in any of them")
