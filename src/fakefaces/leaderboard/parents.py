"""What stands above the rows: the best of a pipeline's models, and the description of the experiment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fakefaces.evaluation.summary import not_for
from fakefaces.leaderboard.changes import Change, describe, log
from fakefaces.leaderboard.evaluated import EvaluationRun
from fakefaces.tracking.descriptions import NOTE, may_describe, note_of_role, note_tags
from fakefaces.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

_BY = "validation_roc_auc"  # a choice by a test metric would be rewarded for luck
BEST_RUN = "best.run"  # tag of a pipeline's run: the row of its best model
_EXPERIMENT = """Detectors of faked face photographs, trained and compared by `dvc repro`.

A row of the list is a state of the project; the plus sign before it shows its models, one a row, with their parameters
and their metrics on validation and test. `test_roc_auc_low` and `test_roc_auc_high` are the bounds of the 95 % interval
of `test_roc_auc`, and so for the others. `tags.role = 'train'` in the search field lists the models alone."""


@dataclass(frozen=True)
class Row:
    """The row of a model below a pipeline's run."""

    model: str
    run_id: str
    evaluation: EvaluationRun


def best_of(store: Store, parent: "RunRecord", rows: Sequence[Row]) -> Iterator[Change]:
    """Give the run of a pipeline the metrics of its best model, chosen on validation, and a table of all of them."""
    best = best_row(rows)
    if best is None:
        return
    tags, metrics = parent.data.tags, best.evaluation.row
    text = f"{note_of_role('pipeline')[NOTE]}\n\n{table(rows)}"
    if may_describe(tags) and tags.get(NOTE) != text:
        yield describe(store, parent.info.run_id, text)
    if tags.get(BEST_RUN) != best.run_id or not metrics.items() <= parent.data.metrics.items():
        own = {"best.model": best.model, BEST_RUN: best.run_id}
        yield Change("the best of a pipeline's models", partial(log, store, parent.info.run_id, metrics, own))


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row that is best on validation; None if none has a ROC AUC there."""
    ranked = [(-row.evaluation.row[_BY], row.model, row) for row in rows if _BY in row.evaluation.row]
    return min(ranked, key=lambda item: item[:2])[2] if ranked else None


def experiment(store: Store, tags: Mapping[str, str], rows: Sequence[Row]) -> Iterator[Change]:
    """Describe the experiment: how to read its page, its newest models, and what these must not be used for.

    Args:
        store: that holds it.
        tags: of the experiment.
        rows: of its newest pipeline.
    """
    if not rows or not may_describe(tags):
        return
    drawn = rows[0].evaluation.drawn
    lines = [_EXPERIMENT, "", "The newest models:", "", table(rows), "", "They must not be used for:", ""]
    text = "\n".join([*lines, *(f"- {line}" for line in not_for(drawn))])
    if tags.get(NOTE) != text:
        yield Change("descriptions", partial(_describe_experiment, store, text))


def table(rows: Sequence[Row]) -> str:
    """Markdown of models by their ROC AUC on validation, the best first."""
    lines = [
        "| model | ROC AUC on validation | on test [95 % interval] | accuracy on test |",
        "| --- | --- | --- | --- |",
    ]
    for row in sorted(rows, key=lambda row: (-row.evaluation.row.get(_BY, -1), row.model)):
        metrics = row.evaluation.row
        cells = (_cell(metrics, name) for name in (_BY, "test_roc_auc", "test_accuracy"))
        lines.append(f"| {row.model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(metrics: Mapping[str, float], name: str) -> str:
    if name not in metrics:
        return "–"
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return f"{metrics[name]:.3f}" + (f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else "")


def _describe_experiment(store: Store, text: str) -> None:
    for name, value in note_tags(text).items():
        store.client.set_experiment_tag(str(store.experiment_id), name, value)
