"""The evidence for a model: its evaluation's metrics and test scores, from files or from the MLflow store."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fakefaces.base.errors import ParamsError
from fakefaces.data.splits import read_split
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.tracking.evaluations import TRAINING_IMAGES
from fakefaces.tracking.store import connect

_PREDICTIONS = ("predictions.csv", "tested.csv")  # the second in evaluations of earlier releases


@dataclass(frozen=True)
class Evidence:
    """One model's evaluation.

    Attributes:
        model: its name in ``params.yaml``.
        digest: DVC's digest of its folder.
        test_digest: of the test images.
        metrics: what ``reports/metrics/<model>.json`` holds.
        predictions: a row for each test image: ``sha256``, ``label``, ``group``, ``difficulty``, the parts, ``p_fake``.
        training_images: the sha256 of the images that it was trained or selected on; empty where unknown.
    """

    model: str
    digest: str
    test_digest: str
    metrics: ModelMetrics
    predictions: pd.DataFrame
    training_images: frozenset[str] = frozenset()


def read_evidence(model: str, metrics: ModelMetrics, predictions: Path) -> Evidence:
    """The evaluation of a model from its files.

    Args:
        model: its name.
        metrics: of the model.
        predictions: the table of the test images, which has a column of scores for each model.
    """
    table = read_split(predictions)
    scored = table.assign(p_fake=table[model].astype("float64"))
    return Evidence(model, metrics.model_digest, metrics.test_digest, metrics, scored)


def find_evidence(digest: str, test_digest: str | None = None) -> Evidence | None:
    """The newest finished evaluation of a detector in the MLflow store.

    Args:
        digest: DVC's digest of its folder.
        test_digest: of the test images; None for any.

    Returns:
        None if the store has none, or its files are gone or of a release before 0.1.
    """
    store = connect()
    condition = f"tags.role = 'evaluate' and tags.`model.digest` = '{digest}' and attributes.status = 'FINISHED'"
    if test_digest:
        condition += f" and tags.`test.digest` = '{test_digest}'"
    for run in store.search_runs(condition)[:1]:
        model, run_id = run.data.params["model"], run.info.run_id
        files = {file.path for file in store.client.list_artifacts(run_id)}
        table = next((name for name in _PREDICTIONS if name in files), None)
        if table is None or f"{model}.json" not in files:
            return None
        metrics, predictions = (
            Path(store.client.download_artifacts(run_id, name)) for name in (f"{model}.json", table)
        )
        images: frozenset[str] = frozenset()
        if TRAINING_IMAGES in files:  # not among those of earlier releases
            path = Path(store.client.download_artifacts(run_id, TRAINING_IMAGES))
            images = frozenset(path.read_text(encoding="utf-8").split())
        try:
            evidence = read_evidence(model, ModelMetrics.read(metrics), predictions)
        except ParamsError:  # of a release before 0.1
            return None
        return replace(evidence, training_images=images)
    return None
