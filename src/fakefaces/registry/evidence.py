"""The evidence for a model: its evaluation's metrics and test scores, from files or from the MLflow store."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fakefaces.base.errors import ParamsError
from fakefaces.data.splits import read_split
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.tracking.evaluations import TRAINING_IMAGES
from fakefaces.tracking.store import connect

_RULE = "rule_"  # columns of predictions.csv start so
_OLD_RULES = ("header", "thumbnail", "colour", "exif")  # columns in evaluations of earlier releases
_TABLES = ("predictions.csv", "tested.csv")  # the second in evaluations of earlier releases


@dataclass(frozen=True)
class Evidence:
    """One model's evaluation."""

    model: str  # its name in ``params.yaml``
    digest: str  # DVC's digest of its folder
    test_digest: str  # of the test images
    metrics: ModelMetrics
    predictions: pd.DataFrame  # of the test images: ``sha256``, ``label``, ``group``, ``difficulty``, parts, ``p_fake``
    training_images: frozenset[str] = frozenset()  # sha256 of those it was trained or selected on; empty where unknown

    @property
    def rules(self) -> dict[str, pd.Series]:
        """The scores of the shortcut rules on the test images, by rule; empty where its evaluation has none."""
        columns = [name for name in map(str, self.predictions) if name.startswith(_RULE) or name in _OLD_RULES]
        return {name.removeprefix(_RULE): self.predictions[name] for name in columns}


def read_evidence(model: str, metrics: ModelMetrics, predictions: Path) -> Evidence:
    """The evaluation of a model, with the scores of its column in the table ``predictions`` of the test images."""
    table = read_split(predictions)
    scored = table.assign(p_fake=table[model].astype("float64"))
    return Evidence(model, metrics.model_digest, metrics.test_digest, metrics, scored)


def find_evidence(digest: str, test_digest: str | None = None) -> Evidence | None:
    """The newest finished evaluation of the detector with a digest, on the test images with another, or on any.

    None if the MLflow store has none, or its files are gone or of a release before 0.1.
    """
    store = connect(create=False)
    condition = f"tags.role = 'evaluate' and tags.`model.digest` = '{digest}' and attributes.status = 'FINISHED'"
    if test_digest:
        condition += f" and tags.`test.digest` = '{test_digest}'"
    runs = store.search_runs(condition)
    if not runs:
        return None
    model, run_id = runs[0].data.params["model"], runs[0].info.run_id
    names = {file.path for file in store.client.list_artifacts(run_id)} & {f"{model}.json", *_TABLES, TRAINING_IMAGES}
    with ExitStack() as stack:
        files = {name: stack.enter_context(store.artifacts(run_id, name)) for name in names}
        table = next((files[name] for name in _TABLES if name in files), None)
        if table is None or f"{model}.json" not in files:
            return None
        try:
            evidence = read_evidence(model, ModelMetrics.read(files[f"{model}.json"]), table)
        except ParamsError:  # of a release before 0.1
            return None
        if TRAINING_IMAGES not in files:  # in earlier releases
            return evidence
        seen = files[TRAINING_IMAGES].read_text(encoding="utf-8").split()
        return replace(evidence, training_images=frozenset(seen))
