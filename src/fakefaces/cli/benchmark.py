"""``fakefaces benchmark``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import DataError


def benchmark(
    predictions: Annotated[
        list[Path],
        typer.Argument(help="CSV files with an image (sha256, path or name) and its score, from 0 (real) to 1 (fake)."),
    ],
    published: Annotated[
        Path | None,
        typer.Option(
            "--set", metavar="FOLDER", help="A published set, such as docs/ciplab.", show_default="this project's"
        ),
    ] = None,
    image_column: Annotated[str, typer.Option(metavar="NAME", help="The column of images.", show_default=False)] = "",
    score_column: Annotated[str, typer.Option(metavar="NAME", help="The column of scores.", show_default=False)] = "",
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write benchmark.json and benchmark.md there.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print benchmark.json instead of the table.")] = False,
) -> None:
    """Evaluate anyone's predictions as our own are: intervals, matched, paired, slices, shortcuts."""
    from fakefaces.base.files import write_json, write_text
    from fakefaces.base.progress import echo
    from fakefaces.benchmark.benchmark_set import project_set
    from fakefaces.benchmark.evaluation import evaluate_predictions
    from fakefaces.benchmark.predictions import Columns, read_predictions
    from fakefaces.benchmark.published import read_set
    from fakefaces.cli.tables import print_columns
    from fakefaces.reporting.tables.benchmark import benchmark_markdown, benchmark_tables, summary_columns

    test_set = read_set(published) if published else project_set(environment.workspace())[0]
    scores = {}
    for name, path in _names(predictions).items():
        read = read_predictions(path, test_set, Columns(image_column, score_column))
        for note in read.notes:
            echo(f"{path}: {note}")
        scores[name] = read.scores
    done = evaluate_predictions(test_set, scores)
    echo(done.coverage())
    for warning in done.warnings():
        echo(f"WARNING {warning}")
    record = done.record()
    tables = benchmark_tables(done.rows, done.recall_at_fpr, done.comparisons)
    if to:
        write_json(to / "benchmark.json", record)
        first = next(iter(done.rows.values()))
        write_text(to / "benchmark.md", benchmark_markdown(tables, first, done.coverage(), done.warnings()))
        echo(f"{to / 'benchmark.md'} has the slices and the pairwise comparisons too")
    if as_json:
        print(json.dumps(record))
    else:
        print_columns(summary_columns(tables))


def _names(paths: list[Path]) -> dict[str, Path]:
    """The files by their names without suffix; by their paths where those are not unique."""
    if len(set(paths)) < len(paths):
        raise DataError("a file of predictions is named twice")
    stems = [path.stem for path in paths]
    unique = len(set(stems)) == len(stems) and not any(stem.startswith("rule_") for stem in stems)
    return dict(zip(stems if unique else [str(path) for path in paths], paths, strict=True))
