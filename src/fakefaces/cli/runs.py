"""``fakefaces runs``."""

import json
import textwrap
from datetime import datetime
from typing import Annotated, Any

import typer

_COLUMNS = {
    "train": ["test_roc_auc", "test_accuracy", "validation_roc_auc", "best_epoch", "images_per_second", "wall_seconds"],
    "tune": ["best_val_roc_auc", "trials", "pruned", "trial_seconds", "peak_memory_mib"],
    "trial": ["best_val_roc_auc", "given_up", "images_per_second", "wall_seconds"],
    "evaluate": ["test_roc_auc", "test_accuracy", "validation_roc_auc", "test_matched_roc_auc", "wall_seconds"],
}
_FIRST, _LAST = ["run", "model"], ["started", "experiment", "commit", "status"]


def runs(
    role: Annotated[str, typer.Option(help="Kind of run: train, tune, trial or evaluate.")] = "train",
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition, such as 'test_roc_auc > 0.6', 'model = vgg16' or 'experiment ~ slow'; may be repeated."
        ),
    ] = None,
    sort: Annotated[str, typer.Option(help="A column to sort by; -COLUMN for descending order.")] = "-started",
    columns: Annotated[str, typer.Option(help="More columns, separated by commas: parameters, metrics or tags.")] = "",
    differences: Annotated[bool, typer.Option("--diff", help="Show the parameters in which the runs differ.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows, at most.")] = 20,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Include runs that reproduced the outputs of another.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line, with all columns.")] = False,
) -> None:
    """Compare the runs in the store: each training with the metrics of its evaluation."""
    from fakefaces.base.errors import FakefacesError
    from fakefaces.base.progress import echo
    from fakefaces.maintenance import run_table
    from fakefaces.tracking.store import connect

    if role not in _COLUMNS:
        raise FakefacesError(f"--role {role}: must be one of {', '.join(_COLUMNS)}")
    conditions = run_table.parse_conditions(where or [])
    requested = [name.strip() for name in columns.split(",") if name.strip()]
    store = connect(create=False)
    rows = run_table.run_rows(store, role, repeats=repeats)
    if not rows:
        echo(f"no {role} runs; start one with: dvc repro")
        return
    run_table.require_columns(rows, "--columns", requested)
    run_table.require_columns(rows, "--sort", [sort.removeprefix("-")])
    run_table.require_columns(rows, "--where", [condition.name for condition in conditions])
    matching = run_table.filter_rows(rows, conditions)
    if not matching:
        echo(f"none of the {len(rows)} {role} runs meets: {' and '.join(where or [])}")
        return
    selected = run_table.sort_rows(matching, sort)[:limit]
    if as_json:
        for row in selected:
            print(json.dumps(row, default=str))
        return
    differing = run_table.differing_parameters(store, selected) if differences else []
    if differences and not differing:
        echo("these runs do not differ in a parameter")
    names = dict.fromkeys([*_FIRST, *requested, *differing, *_COLUMNS[role], *_LAST])
    _print(selected, [name for name in names if name in requested or _informative(name, selected)])
    if len(selected) < len(rows):
        print(f"{len(selected)} of {len(rows)} runs")


def _informative(name: str, rows: list[dict[str, Any]]) -> bool:
    """Whether a column has values; a status that is FINISHED in all rows is left out."""
    values = {row.get(name) for row in rows}
    return bool(values - {None, ""}) and not (name == "status" and values == {"FINISHED"})


def _print(rows: list[dict[str, Any]], names: list[str]) -> None:
    from fakefaces.cli.tables import print_columns

    print_columns({name.replace("_", " "): [_cell(name, row.get(name)) for row in rows] for name in names})


def _cell(name: str, value: object) -> str:
    if name == "run":
        return str(value)[:8]
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.3f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return textwrap.shorten("" if value is None else str(value), 40, placeholder="…")
