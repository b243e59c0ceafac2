"""Logged models: the metrics of their evaluation, the images that these were computed on, and names of their own."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from fakefaces.base import environment
from fakefaces.evaluation.summary import summary
from fakefaces.leaderboard.changes import Change
from fakefaces.leaderboard.evaluated import EvaluationRun
from fakefaces.tracking.descriptions import NOTE, note_tags
from fakefaces.tracking.detectors import REGISTERED, logged_name
from fakefaces.tracking.store import Store, all_pages, mlflow_errors

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.entities import Run as RunRecord

_OLD_NAMES = ("detector", REGISTERED)  # of all logged models of earlier releases
_MAX_PARAM = 250  # characters of a parameter's value


def models_of(store: Store, trainings: "Sequence[RunRecord]") -> "Iterator[LoggedModel]":
    """The logged models of trainings, those made for the registry included; not those of single folds."""
    for run in trainings:
        yield from _search(store, f"source_run_id = '{run.info.run_id}'")


def model_metrics(
    newest: EvaluationRun, models: "Sequence[LoggedModel]", params: Mapping[str, str]
) -> Iterator[Change]:
    """Give the logged models of a model what its newest evaluation says, and the parameters of its training."""
    for model in models:
        if newest.record and NOTE not in (model.tags or {}):
            tags = note_tags(summary(newest.model, newest.record, newest.drawn))
            yield Change("descriptions", partial(newest.store.client.set_logged_model_tags, model.model_id, tags))
        if not any(metric.run_id == newest.id for metric in model.metrics or ()):
            yield Change("metrics of logged models", partial(_log, newest, model.model_id))
        if not model.params and params:
            short = {key: text[:_MAX_PARAM] for key, text in params.items()}
            log_params = partial(newest.store.client.log_model_params, model.model_id, short)
            yield Change("parameters of logged models", log_params)


def names(store: Store, runs: "Mapping[str, RunRecord]") -> Iterator[Change]:
    """Name the logged models of earlier releases, which were all called alike, after their models.

    MLflow has no call for it, so the database is changed; behind a tracking server they keep their names.
    """
    if environment.tracking_uri().startswith(("sqlite:", "postgresql")):
        for model in [model for name in _OLD_NAMES for model in _search(store, f"name = '{name}'")]:
            if (name := _own_name(model, runs)) and name != model.name:
                yield Change("names of logged models", partial(_rename, model.model_id, name))


def _search(store: Store, condition: str) -> "list[LoggedModel]":
    experiments = [str(store.experiment_id)]
    return all_pages(lambda token: store.client.search_logged_models(experiments, condition, page_token=token))


def _log(evaluation: EvaluationRun, model_id: str) -> None:
    """Log the row of an evaluation to a logged model, by the evaluation's run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, Metric

    tags, metrics, now = evaluation.run.data.tags, evaluation.metrics, int(time.time() * 1000)
    digest, data = tags.get("test.digest", "")[:36] or "unknown", tags.get("data.digest", "")
    sizes = {name: int(metrics[f"test_{name}"]) for name in ("n", "reals", "fakes") if f"test_{name}" in metrics}
    source = json.dumps({"url": f"dvc://data/{data}"})
    images = Dataset("test", digest, "http", source, profile=json.dumps(sizes))
    client = evaluation.store.client
    client.log_inputs(
        evaluation.id,
        datasets=[DatasetInput(images, [InputTag("mlflow.data.context", "test")])],
        models=[LoggedModelInput(model_id)],
    )
    on_test = {"dataset_name": images.name, "dataset_digest": digest}
    on_all = {"dataset_name": "data", "dataset_digest": data[:36]} if data else {}  # what every run has as its input
    values = [
        Metric(name, value, now, 0, model_id, run_id=evaluation.id, **(on_all if "validation" in name else on_test))
        for name, value in evaluation.row.items()
    ]
    client.log_batch(evaluation.id, metrics=values)


def _own_name(model: "LoggedModel", runs: "Mapping[str, RunRecord]") -> str | None:
    """The name that a logged model would have been given by now; None if the run that logged it is not known."""
    run = runs.get(model.source_run_id or "")
    if run is None:
        return None
    if run.data.tags.get("role") == "fold":
        training = runs.get(run.data.tags.get("mlflow.parentRunId", ""))
        return logged_name(training.data.params["model"], run.info.run_name.replace(" ", "")) if training else None
    name = run.data.params.get("model")
    return logged_name(name, *([REGISTERED] if model.name == REGISTERED else [])) if name else None


def _rename(model_id: str, name: str) -> None:
    from sqlalchemy import create_engine, text

    with mlflow_errors():
        engine = create_engine(environment.tracking_uri())
        with engine.begin() as connection:
            update = text("UPDATE logged_models SET name = :name WHERE model_id = :id")
            connection.execute(update, {"name": name, "id": model_id})
        engine.dispose()
