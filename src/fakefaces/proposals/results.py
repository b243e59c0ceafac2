"""The evaluation of all models at one revision."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.data.splits import read_split
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics

RULE = "rule_"  # the names of shortcut rules among the models begin so


@dataclass(frozen=True)
class Results:
    """Metrics and test scores of models and shortcut rules."""

    metrics: Mapping[str, Evaluation]  # by name; those of models are ModelMetrics
    predictions: pd.DataFrame  # of the test images, with a column of scores for each name

    @property
    def models(self) -> dict[str, ModelMetrics]:
        """The metrics of the models alone."""
        return {name: metrics for name, metrics in self.metrics.items() if isinstance(metrics, ModelMetrics)}


def read_results(layout: Layout) -> Results:
    """Read the evaluation of a project, or of what was fetched of one.

    Raises:
        FakefacesError: the pipeline has not run there, or a file is damaged.
    """
    folder = layout.metrics("_").parent
    files = sorted(folder.glob("*.json"))
    missing = [path for path in (layout.predictions,) if not path.is_file()]
    if not files or missing:
        path = layout.relative(missing[0] if missing else folder)
        raise FakefacesError(f"{path} is missing; make it with: dvc repro")
    read = {path.stem: (Evaluation if path.stem.startswith(RULE) else ModelMetrics).read(path) for path in files}
    predictions = read_split(layout.predictions)
    return Results({name: metrics for name, metrics in read.items() if name in predictions}, predictions)
