"""Runs as rows to compare: a training with the figures of its evaluation, filtered and sorted."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fakefaces.base.errors import FakefacesError
from fakefaces.tracking import store
from fakefaces.tracking.runs import OUTPUT_TAG, REPEATS

Row = dict[str, Any]

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "~": lambda a, b: str(b).lower() in str(a).lower(),
}
_CONDITION = re.compile(r"^\s*([\w.@/-]+?)\s*(<=|>=|!=|<|>|=|~)\s*(.+?)\s*$")


def rows(mlflow: Any, role: str, *, repeats: bool = False) -> list[Row]:
    """The runs of one role, newest first.

    Args:
        mlflow: on the store.
        role: ``train``, ``tune``, ``trial``, ``evaluate`` or another.
        repeats: those too that made what an earlier run had made.

    Returns:
        For each run ``run``, ``started``, ``status``, ``model``, ``experiment`` and ``commit``, and its parameters,
        figures and tags by their names. A training also has the figures of its evaluation.
    """
    found = [row_of(run) for run in _search(mlflow, role) if repeats or REPEATS not in run.data.tags]
    if role == "train":
        judged = {run.data.tags.get("model.digest"): run.data.metrics for run in reversed(_search(mlflow, "evaluate"))}
        for row in found:
            figures = judged.get(row.get(f"{OUTPUT_TAG}outputs/models/{row['model']}"), {})
            row |= {name: value for name, value in figures.items() if name not in row}
    return found


def row_of(run: Any) -> Row:
    """One run's row."""
    tags = run.data.tags
    commit = tags.get("mlflow.source.git.commit", "")[:7]
    own = {
        "run": run.info.run_id,
        "started": datetime.fromtimestamp(run.info.start_time / 1000),
        "status": run.info.status,
        "model": run.info.run_name,
        "experiment": tags.get("dvc.experiment", ""),
        "commit": commit + ("*" if tags.get("git.dirty") == "true" else ""),
    }
    own_tags = {name: value for name, value in tags.items() if not name.startswith("mlflow.")}
    return own_tags | dict(run.data.params) | dict(run.data.metrics) | own


def where(found: Iterable[Row], conditions: Sequence[str]) -> list[Row]:
    """The rows that meet all conditions, such as ``test_roc_auc > 0.6``, ``model = vgg16`` or ``experiment ~ slow``.

    Raises:
        FakefacesError: a condition cannot be read.
    """
    kept = list(found)
    for condition in conditions:
        parts = _CONDITION.match(condition)
        if parts is None:
            raise FakefacesError(
                f"--where '{condition}': write it as NAME OPERATOR VALUE, with one of {' '.join(_COMPARED)}"
            )
        name, sign, value = parts.groups()
        kept = [row for row in kept if name in row and _holds(row[name], sign, value)]
    return kept


def ordered(found: Iterable[Row], by: str) -> list[Row]:
    """Sorted by a name; by ``-name`` from the greatest down. Rows without it come last."""
    name = by.removeprefix("-")
    having: list[Row] = []
    lacking: list[Row] = []
    for row in found:
        (having if row.get(name) is not None else lacking).append(row)
    try:
        having.sort(key=lambda row: _number(row[name]), reverse=by.startswith("-"))
    except TypeError:  # numbers among words
        having.sort(key=lambda row: str(row[name]), reverse=by.startswith("-"))
    return having + lacking


def differing(found: Sequence[Row], parameters: Iterable[str]) -> list[str]:
    """The parameters in which rows that have them are not all the same."""
    return [name for name in parameters if len({str(row[name]) for row in found if name in row}) > 1]


def parameters(mlflow: Any, found: Iterable[Row]) -> list[str]:
    """The names of the rows' parameters."""
    names: dict[str, None] = {}
    for row in found:
        names |= dict.fromkeys(mlflow.get_run(row["run"]).data.params)
    return list(names)


def resolve(mlflow: Any, name: str, registered: str) -> Any:
    """The run that a user means.

    Args:
        mlflow: on the store.
        name: a run's id or its beginning, the number of a registered version, or an alias such as ``champion``.
        registered: the registered model.

    Raises:
        FakefacesError: there is none, or more than one.
    """
    client = mlflow.MlflowClient()
    aliases: Mapping[str, Any] = {}
    try:
        if name.isdigit() and len(name) < 6:
            return client.get_run(client.get_model_version(registered, name).run_id)
        if not re.fullmatch(r"[0-9a-f]{4,32}", name):
            aliases = client.get_registered_model(registered).aliases
            return client.get_run(client.get_model_version(registered, aliases[name]).run_id)
    except (mlflow.exceptions.MlflowException, KeyError):
        known = f"; aliases: {', '.join(aliases)}" if aliases else ""
        raise FakefacesError(f"{name}: no such run, version or alias of {registered}{known}") from None
    found = [run for run in _search(mlflow, None) if run.info.run_id.startswith(name)]
    if len(found) != 1:
        raise FakefacesError(f"{name}: {len(found) or 'no'} runs of this store begin so; list them: fakefaces runs")
    return found[0]


def _search(mlflow: Any, role: str | None) -> list[Any]:
    return list(
        mlflow.search_runs(
            experiment_names=[store.EXPERIMENT],
            filter_string=f"tags.role = '{role}'" if role else "",
            order_by=["attributes.start_time DESC"],
            max_results=50_000,
            output_format="list",
        )
    )


def _holds(actual: Any, sign: str, wanted: str) -> bool:
    a, b = _number(actual), _number(wanted)
    if isinstance(a, float) != isinstance(b, float):
        a, b = str(actual), wanted
    return bool(_COMPARED[sign](a, b))


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
