"""One row a model: a training's run gets the metrics of the evaluation, or the evaluation the training's parameters."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from fakefaces.evaluation.summary import summary
from fakefaces.leaderboard.changes import Change, describe, log
from fakefaces.leaderboard.evaluated import EvaluationRun
from fakefaces.tracking.descriptions import LOGGED_AGAIN, NOTE, may_describe, note_of_role
from fakefaces.tracking.runs import PARENT, RELOGGED
from fakefaces.tracking.store import Store
from fakefaces.tracking.training_runs import SEED_NUMBER

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

EVALUATION = "evaluation"  # tag of a training's run: the run of the evaluation whose metrics it has


def training_rows(newest: EvaluationRun, trainings: "Sequence[RunRecord]") -> Iterator[Change]:
    """Give the trainings of a model the metrics, and the description, of its newest evaluation."""
    for run in trainings:
        if run.data.tags.get(EVALUATION) != newest.id:
            if may_describe(run.data.tags) or _is_bare(run):
                yield from _description(newest, run)
            yield from _seed_rows(newest, run)
            # The tag comes last: what is killed before it is done again.
            tags = {EVALUATION: newest.id, "test.digest": newest.run.data.tags.get("test.digest", "")}
            yield Change("metrics of models", partial(_log_row, newest, run.info.run_id, tags))


def _seed_rows(newest: EvaluationRun, training: "RunRecord") -> Iterator[Change]:
    """Give the runs of the seeds of a training the metrics of their own, so that they compare."""
    over_seeds = newest.record.over_seeds if newest.record else None
    if over_seeds is None:
        return
    for run in newest.store.search_runs(f"tags.`{PARENT}` = '{training.info.run_id}' and tags.role = 'seed'"):
        number = int(run.data.tags[SEED_NUMBER])
        values = {f"test_{name}": metric.values[number] for name, metric in over_seeds.metrics.items()}
        metrics = {name: value for name, value in values.items() if value is not None}
        yield Change("metrics of seeds", partial(log, newest.store, run.info.run_id, metrics, {}))


def evaluation_rows(
    evaluation: EvaluationRun, trainings: "Sequence[RunRecord]", parents: Mapping[str, str]
) -> Iterator[Change]:
    """Nest an evaluation in the training beside it; one without becomes the row of its model, with its parameters.

    Args:
        evaluation: of a model.
        trainings: of that model.
        parents: by the id of each known run that of its parent.
    """
    store, run = evaluation.store, evaluation.run
    beside = training_beside(evaluation, trainings, parents)
    if beside:
        yield Change("places of evaluations", partial(log, store, evaluation.id, {}, {PARENT: beside}))
    elif trainings and parents.get(evaluation.id) not in {training.info.run_id for training in trainings}:
        lacking = {key: text for key, text in trainings[0].data.params.items() if key not in run.data.params}
        if lacking:
            yield Change("parameters of models", partial(_log_params, store, evaluation.id, lacking))
    if not any(name.endswith("_low") for name in run.data.metrics):
        lacking_metrics = {name: value for name, value in evaluation.metrics.items() if name not in run.data.metrics}
        if lacking_metrics:
            yield Change("intervals of metrics", partial(log, store, evaluation.id, lacking_metrics, {}))
    if _is_bare(run):
        yield from _description(evaluation, run)


def training_beside(
    evaluation: EvaluationRun, trainings: "Sequence[RunRecord]", parents: Mapping[str, str]
) -> str | None:
    """The id of the training of the evaluated model under the same parent; None if that came from DVC's cache."""
    parent = parents.get(evaluation.id)
    return next((run.info.run_id for run in trainings if parent and parents.get(run.info.run_id) == parent), None)


def _description(evaluation: EvaluationRun, run: "RunRecord") -> Iterator[Change]:
    if evaluation.record:
        text = summary(evaluation.model, evaluation.record, evaluation.drawn)
        again = f"\n\n{LOGGED_AGAIN}" if RELOGGED in run.data.tags else ""
        yield describe(evaluation.store, run.info.run_id, text + again)


def _is_bare(run: "RunRecord") -> bool:
    """Whether a run has no description but that of every new run."""
    role = run.data.tags.get("role", "")
    return run.data.tags.get(NOTE, "") in ("", LOGGED_AGAIN, note_of_role(role).get(NOTE))


def _log_row(evaluation: EvaluationRun, run_id: str, tags: Mapping[str, str]) -> None:
    log(evaluation.store, run_id, evaluation.row, tags)


def _log_params(store: Store, run_id: str, params: Mapping[str, str]) -> None:
    from mlflow.entities import Param

    store.client.log_batch(run_id, params=[Param(key, text) for key, text in params.items()])
