"""Runs as rows to compare: a training with the metrics of its evaluation, filtered and sorted."""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fakefaces.base.errors import FakefacesError
from fakefaces.tracking.runs import OUTPUT_TAG, REPEATS
from fakefaces.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

Row = dict[str, Any]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "~": lambda a, b: str(b).lower() in str(a).lower(),
}
_CONDITION = re.compile(r"^\s*([\w.@/-]+?)\s*(<=|>=|!=|<|>|=|~)\s*(.+?)\s*$")


def run_rows(store: Store, role: str, *, repeats: bool = False) -> list[Row]:
    """The runs of one role, newest first; with ``repeats`` also those that wrote the same outputs as an earlier one.

    Returns:
        For each run ``run``, ``started``, ``status``, ``model``, ``experiment`` and ``commit``, and its parameters,
        metrics and tags by their names. A training also has the metrics of its evaluation.
    """
    runs = store.search_runs(f"tags.role = '{role}'")
    rows = [_row(run) for run in runs if repeats or REPEATS not in run.data.tags]
    if role == "train":
        evaluations = store.search_runs("tags.role = 'evaluate'", newest_first=False)
        metrics = {run.data.tags.get("model.digest"): run.data.metrics for run in evaluations}
        rows = [metrics.get(row.get(f"{OUTPUT_TAG}outputs/models/{row['model']}"), {}) | row for row in rows]
    return rows


@dataclass(frozen=True)
class Condition:
    """A condition on a column of a run."""

    name: str  # of the column
    sign: str  # one of the operators
    value: str  # as it was written

    def holds(self, row: Row) -> bool:
        """Whether a run has the column, and it meets the condition."""
        return self.name in row and _meets(row[self.name], self.sign, self.value)


def parse_conditions(texts: Sequence[str]) -> list[Condition]:
    """Conditions such as ``test_roc_auc > 0.6``, ``model = vgg16`` or ``experiment ~ slow``.

    Raises:
        FakefacesError: one is not of this form.
    """
    conditions = []
    for text in texts:
        match = _CONDITION.match(text)
        if match is None:
            raise FakefacesError(
                f"--where '{text}': write it as NAME OPERATOR VALUE, with one of {' '.join(_OPERATORS)}"
            )
        conditions.append(Condition(*match.groups()))
    return conditions


def require_columns(rows: Sequence[Row], option: str, names: Iterable[str]) -> None:
    """Refuse names that no run has.

    Raises:
        FakefacesError: with the similar names first, and all that are known, but for digests of outputs.
    """
    known = {name: None for row in rows for name in row if not name.startswith(OUTPUT_TAG)}
    for name in names:
        if name in known or any(name in row for row in rows):
            continue
        close = difflib.get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "."
        raise FakefacesError(
            f"{option} {name}: these runs have no such column{hint} They have {', '.join(sorted(known))}"
        )


def filter_rows(rows: Iterable[Row], conditions: Sequence[Condition]) -> list[Row]:
    """The rows that meet all conditions."""
    return [row for row in rows if all(condition.holds(row) for condition in conditions)]


def sort_rows(rows: Iterable[Row], by: str) -> list[Row]:
    """The rows sorted by a name, or by ``-name`` in descending order; rows without it come last."""
    rows, name, descending = list(rows), by.removeprefix("-"), by.startswith("-")
    with_value = [row for row in rows if row.get(name) is not None]
    try:
        with_value.sort(key=lambda row: _number_or_text(row[name]), reverse=descending)
    except TypeError:  # numbers among words
        with_value.sort(key=lambda row: str(row[name]), reverse=descending)
    return with_value + [row for row in rows if row.get(name) is None]


def differing_parameters(store: Store, rows: Sequence[Row]) -> list[str]:
    """The names of the parameters in which the rows that have them differ."""
    names = {name: None for row in rows for name in store.client.get_run(row["run"]).data.params}
    return [name for name in names if len({str(row[name]) for row in rows if name in row}) > 1]


def _row(run: "RunRecord") -> Row:
    tags = run.data.tags
    commit = tags.get("mlflow.source.git.commit", "")[:7]
    columns = {
        "run": run.info.run_id,
        "started": datetime.fromtimestamp(run.info.start_time / 1000),
        "status": run.info.status,
        "model": run.info.run_name,
        "experiment": tags.get("dvc.experiment", ""),
        "commit": commit + ("*" if tags.get("git.dirty") == "true" else ""),
    }
    own_tags = {name: value for name, value in tags.items() if not name.startswith("mlflow.")}
    return own_tags | dict(run.data.params) | dict(run.data.metrics) | columns


def _meets(actual: Any, sign: str, wanted: str) -> bool:
    a, b = _number_or_text(actual), _number_or_text(wanted)
    if isinstance(a, float) != isinstance(b, float):
        a, b = str(actual), wanted
    return _OPERATORS[sign](a, b)


def _number_or_text(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
