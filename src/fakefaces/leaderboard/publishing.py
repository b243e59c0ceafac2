"""Bring what MLflow's pages show up to date: after an evaluation or a promotion, and in stores of earlier releases."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from fakefaces.base.progress import track
from fakefaces.leaderboard import models
from fakefaces.leaderboard.changes import Change, log
from fakefaces.leaderboard.evaluated import EvaluationRun, evaluations, runs_of, trainings
from fakefaces.leaderboard.parents import BEST_RUN, Row, best_of, experiment
from fakefaces.leaderboard.rows import evaluation_rows, training_beside, training_rows
from fakefaces.tracking.connection import Connection
from fakefaces.tracking.descriptions import NOTE, note_of_role
from fakefaces.tracking.runs import PARENT
from fakefaces.tracking.store import Store, connect, exclusive_lock

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord


def publish(digests: Collection[str]) -> None:
    """Bring the runs, logged models and descriptions of some models up to date, by the digests of their folders.

    A store that is lost meanwhile is told, and costs the caller nothing: ``fakefaces doctor --fix`` does it later.
    """
    with Connection():
        store = connect()
        # Two evaluations at the same time would each leave out the other's rows.
        with exclusive_lock("leaderboard"):
            for change in changes(store, digests):
                change.make()


def outdated() -> list[str]:
    """What the pages of the store lack, such as ``descriptions (12)``; of a store of an earlier release a lot."""
    counts = Counter(change.kind for change in changes(connect(create=False, update=False)))
    return [f"{kind} ({count})" for kind, count in counts.items()]


def update() -> None:
    """Bring the whole store up to date.

    Raises:
        TrackingError: it cannot be written.
    """
    store = connect()
    with exclusive_lock("leaderboard"):
        todo = list(changes(store))
        for change in track(todo, "MLflow's pages", len(todo)):
            change.make()


def changes(store: Store, digests: Collection[str] | None = None) -> Iterator[Change]:
    """The changes that bring a store up to date, in the order in which they are to be made.

    Args:
        store: of any release.
        digests: of the models' folders; None for all, with the names and descriptions that earlier
            releases did not give.
    """
    if store.experiment_id is None:
        return
    runs = runs_of(store, digests)
    if digests is None:
        yield from models.names(store, {run.info.run_id: run for run in runs})
        yield from _undescribed(store, runs)
    parents = {run.info.run_id: run.data.tags.get(PARENT, "") for run in runs}
    trained = trainings(runs)
    newest: dict[str, EvaluationRun] = {}
    rows: dict[str, list[Row]] = {}  # by the pipeline's run
    for evaluation in evaluations(store, runs):
        of_model = trained.get(evaluation.digest, [])
        newest.setdefault(evaluation.digest, evaluation)
        nested = training_beside(evaluation, of_model, parents) or parents[evaluation.id] in {*_ids(of_model)}
        if not nested:
            rows.setdefault(parents[evaluation.id], []).append(Row(evaluation.model, evaluation.id, evaluation))
        if digests is None or evaluation.digest in digests:
            yield from evaluation_rows(evaluation, of_model, parents)
    for digest, evaluation in newest.items():
        of_model = trained.get(digest, [])
        for run in of_model:
            row = Row(evaluation.model, run.info.run_id, evaluation)
            rows.setdefault(parents[run.info.run_id], []).append(row)
        if digests is None or digest in digests:
            yield from training_rows(evaluation, of_model)
            logged = list(models.models_of(store, of_model))
            yield from models.model_metrics(evaluation, logged, of_model[0].data.params if of_model else {})
    yield from _above(store, runs, rows)


def _above(store: Store, runs: "Sequence[RunRecord]", rows: Mapping[str, Sequence[Row]]) -> Iterator[Change]:
    """The changes of what stands above the rows; the newest evaluated pipeline describes the experiment."""
    for run in runs:
        if run.data.tags.get("role") == "pipeline" and run.info.run_id in rows:
            yield from best_of(store, run, _latest(rows[run.info.run_id]))
    pipelines = store.search_runs("tags.role = 'pipeline'")
    evaluated = (run.info.run_id for run in pipelines if run.info.run_id in rows or BEST_RUN in run.data.tags)
    newest = next(evaluated, None)
    if newest is not None and newest in rows:
        tags = store.client.get_experiment(str(store.experiment_id)).tags
        yield from experiment(store, tags, _latest(rows[newest]))


def _latest(rows: Sequence[Row]) -> list[Row]:
    """One row for each model: that of its newest evaluation."""
    by_model: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: -row.evaluation.run.info.start_time):
        by_model.setdefault(row.model, row)
    return list(by_model.values())


def _undescribed(store: Store, runs: "Sequence[RunRecord]") -> Iterator[Change]:
    """Give runs of earlier releases, which had no description, that of every new run."""
    for run in runs:
        tags = note_of_role(run.data.tags.get("role", ""))
        if tags and NOTE not in run.data.tags and run.info.status != "RUNNING":
            yield Change("descriptions", partial(log, store, run.info.run_id, {}, tags))


def _ids(runs: "Sequence[RunRecord]") -> list[str]:
    return [run.info.run_id for run in runs]
