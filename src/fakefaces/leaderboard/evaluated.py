"""The runs of a store that belong to evaluated models, and what an evaluation says of its model."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from fakefaces.base.errors import FakefacesError
from fakefaces.evaluation.metrics import METRICS
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.tracking.evaluations import metrics_by_name
from fakefaces.tracking.runs import OUTPUT_TAG, PARENT
from fakefaces.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

# What a row has of an evaluation; the rest, such as the metrics of corrupted images, is the evaluation's alone.
_OF_ROW = re.compile(
    rf"(validation|test)_({'|'.join(METRICS)})(_low|_high)?|test_matched_roc_auc(_low|_high)?"
    r"|test_paired_win_rate(_low|_high)?|operating_(threshold|recall|fpr|precision)(_low|_high)?|explained_all"
    r"|seeds|test_\w+_seeds_(mean|spread|low|high)"
)


@dataclass(frozen=True)
class EvaluationRun:
    """A finished evaluation of a model."""

    store: Store
    run: "RunRecord"

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.run.info.run_id)

    @property
    def model(self) -> str:
        """The model's name in ``params.yaml``."""
        return str(self.run.data.params["model"])

    @property
    def digest(self) -> str:
        """DVC's digest of the model's folder."""
        return str(self.run.data.tags["model.digest"])

    @property
    def drawn(self) -> bool | None:
        """Whether the faces are drawn ones; None in evaluations of earlier releases, which do not say."""
        return {"True": True, "False": False}.get(self.run.data.params.get("drawn", ""))

    @cached_property
    def record(self) -> ModelMetrics | None:
        """The logged metrics; None if the file is gone, or of a release before 0.1."""
        try:
            with self.store.artifacts(self.id, f"{self.model}.json") as path:
                return ModelMetrics.read(path)
        except FakefacesError:
            return None

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All its metrics by their names in MLflow, with the bounds of intervals where :attr:`record` is there."""
        return metrics_by_name(self.record) if self.record else dict(self.run.data.metrics)

    @property
    def row(self) -> dict[str, float]:
        """The metrics of its model's row."""
        return {name: value for name, value in self.metrics.items() if _OF_ROW.fullmatch(name)}


def runs_of(store: Store, digests: Collection[str] | None) -> "list[RunRecord]":
    """The runs that the rows of some models are made of, the newest first.

    Args:
        store: that holds them.
        digests: of the models' folders, DVC's; None for all runs of the store.

    Returns:
        The models' trainings and evaluations, their parents, and all runs below these.
    """
    if digests is None:
        return store.search_runs("")
    runs: dict[str, RunRecord] = {}

    def add(condition: str) -> None:
        runs.update({run.info.run_id: run for run in store.search_runs(condition)})

    for digest in sorted(digests):
        add(_evaluation_of(digest))
        of_digest = (run for run in runs.values() if run.data.tags.get("model.digest") == digest)
        for name in sorted({run.data.params["model"] for run in of_digest if "model" in run.data.params}):
            add(f"tags.`{model_tag(name)}` = '{digest}'")
    for parent in sorted({run.data.tags[PARENT] for run in runs.values() if PARENT in run.data.tags} - {*runs}):
        add(f"tags.{PARENT} = '{parent}'")
        add(f"attributes.run_id = '{parent}'")
    for digest in sorted(trainings(runs.values()).keys() - {*digests}):
        add(_evaluation_of(digest))
    return sorted(runs.values(), key=lambda run: -run.info.start_time)


def _evaluation_of(digest: str) -> str:
    return f"tags.role = 'evaluate' and tags.`model.digest` = '{digest}'"


def evaluations(store: Store, runs: "Iterable[RunRecord]") -> Iterator[EvaluationRun]:
    """The finished evaluations among runs, in their order."""
    for run in runs:
        tags, finished = run.data.tags, run.info.status == "FINISHED"
        if finished and tags.get("role") == "evaluate" and "model.digest" in tags and "model" in run.data.params:
            yield EvaluationRun(store, run)


def trainings(runs: "Iterable[RunRecord]") -> "dict[str, list[RunRecord]]":
    """The finished trainings among runs, by the digest of the model that they wrote."""
    by_digest: dict[str, list[RunRecord]] = {}
    for run in runs:
        digest = run.data.tags.get(model_tag(run.data.params.get("model", "")))
        if digest and run.data.tags.get("role") == "train" and run.info.status == "FINISHED":
            by_digest.setdefault(digest, []).append(run)
    return by_digest


def model_tag(name: str) -> str:
    """The tag of a training with the digest of its model's folder."""
    return f"{OUTPUT_TAG}outputs/models/{name}"
