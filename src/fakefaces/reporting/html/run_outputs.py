"""The outputs of a run, each read once for the page and the model card."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.base.schema import parse
from fakefaces.data.splits import images_digest, read_split
from fakefaces.evaluation.localization_metrics import SIDE, LocalizationMetrics
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.params.file import Params
from fakefaces.reporting.tables.results import results_table, rule_name
from fakefaces.tracking.trials import Trial, read_trials

RULES = ("header", "thumbnail", "colour", "exif")


@dataclass(frozen=True)
class RunOutputs:
    """The outputs of a run, each read at its first use."""

    params: Params  # of the run
    layout: Layout  # of the project

    @property
    def models(self) -> list[str]:
        """Names of the models, in the order of ``params.yaml``."""
        return list(self.params.train.models)

    @cached_property
    def metrics(self) -> dict[str, ModelMetrics]:
        """The evaluation of each model, by its name."""
        return {name: ModelMetrics.read(self.layout.metrics(name)) for name in self.models}

    @cached_property
    def rules(self) -> dict[str, Evaluation]:
        """The evaluation of each shortcut rule, by its name."""
        paths = {rule: self.layout.metrics(rule_name(rule)) for rule in RULES}
        return {rule: Evaluation.read(path) for rule, path in paths.items() if path.is_file()}

    @cached_property
    def best(self) -> str:
        """The model that is best on validation, by the metric that promotes."""
        return select_candidate(self.metrics, self.params.promote.metric).model

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """Where each model decides."""
        return {name: model.decision_threshold for name, model in self.metrics.items()}

    @property
    def n_resamples(self) -> int:
        """Resamples of the bootstrap behind the intervals."""
        return self.metrics[self.models[0]].test.bootstrap.n_resamples

    @cached_property
    def results(self) -> pd.DataFrame:
        """The table of results."""
        return results_table(self.metrics | {rule_name(rule): metrics for rule, metrics in self.rules.items()})

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """The table of pairwise comparisons."""
        return pd.read_csv(self.layout.reports / "comparisons.csv")

    @cached_property
    def images(self) -> pd.DataFrame:
        """The table of all accepted images."""
        return read_split(self.layout.images)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The test images with a column of scores for each model."""
        return read_split(self.layout.predictions)

    def scored(self, name: str) -> ScoredImages:
        """The validation and test images with the scores of one model."""
        return ScoredImages.join(self.images, pd.read_csv(self.layout.scores(name)))

    @cached_property
    def localization(self) -> dict[str, LocalizationMetrics]:
        """How well the heatmaps locate the forgery, by model; without models whose maps could not be evaluated."""
        path = self.layout.explanations
        records = read_json(path)
        return {name: parse(LocalizationMetrics, records[name], str(path)) for name in self.models if name in records}

    @cached_property
    def trials(self) -> list[Trial]:
        """The trials of the tuning study."""
        return read_trials(self.layout.tuning_trials)

    @cached_property
    def validation(self) -> dict[str, Any]:
        """The summary of Great Expectations and of the shortcut audit."""
        return dict(read_json(self.layout.reports / "validation.json"))

    @cached_property
    def duplicate_pairs(self) -> pd.DataFrame:
        """The pairs of images that share a photograph."""
        return pd.read_csv(self.layout.duplicate_pairs, dtype={"a": "str", "b": "str"})

    @cached_property
    def heatmaps(self) -> dict[str, NDArray[np.uint8]]:
        """Heatmaps of the test images by model, uint8 (n, h, w), in the order of ``predictions``."""
        paths = {name: self.layout.heatmaps / f"{name}.npy" for name in self.models}
        return {name: np.load(path, allow_pickle=False) for name, path in paths.items() if path.is_file()}

    @cached_property
    def truth(self) -> dict[str, tuple[str, NDArray[np.bool_]]]:
        """By fake, how it is known what was replaced, and its mask, bool (SIDE, SIDE)."""
        table = pd.read_csv(self.layout.heatmaps / "images.csv", keep_default_na=False)
        known = table[table["truth"] != ""]
        packed = np.load(self.layout.heatmaps / "masks.npy", allow_pickle=False)
        masks = np.unpackbits(packed, axis=-1, count=SIDE).astype(np.bool_) if len(packed) else packed
        return dict(zip(known["image"], zip(known["truth"], masks, strict=True), strict=True))

    @property
    def data_digest(self) -> str:
        """Digest of all images and their labels."""
        return images_digest(self.images)

    def curves(self, kind: str) -> dict[str, pd.DataFrame]:
        """The curve of each model: ``roc`` or ``precision_recall``."""
        return {name: pd.read_csv(self.layout.reports / kind / f"{name}.csv") for name in self.models}

    def history(self, name: str) -> pd.DataFrame:
        """A model's metrics by epoch; empty for a kind that is fitted in closed form."""
        path = self.layout.history(name)
        return pd.read_csv(path) if path.is_file() else pd.DataFrame()
