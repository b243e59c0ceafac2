"""What a run left behind, read once for the page and the model card."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data.splits import images_digest, read_split
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.explain.ground_truth import SIDE
from fakefaces.params.file import Params
from fakefaces.reporting.tables.results import results_table, rule_name

RULES = ("header", "thumbnail", "colour", "exif")


@dataclass(frozen=True)
class Gathered:
    """A run's outputs.

    Attributes:
        params: of the run.
        layout: where they lie.
    """

    params: Params
    layout: Layout

    @property
    def models(self) -> list[str]:
        """The models, in the order of ``params.yaml``."""
        return list(self.params.train.models)

    @cached_property
    def images(self) -> pd.DataFrame:
        """The table of all accepted images."""
        return read_split(self.layout.images)

    @cached_property
    def tested(self) -> pd.DataFrame:
        """The test images with each model's score."""
        return read_split(self.layout.predictions)

    @cached_property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The figures of models and shortcut rules, by name."""
        names = [*self.models, *(rule_name(rule) for rule in RULES)]
        return {name: read_json(self.layout.metrics(name)) for name in names if self.layout.metrics(name).is_file()}

    @cached_property
    def results(self) -> pd.DataFrame:
        """The results table."""
        return results_table(self.metrics)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """The table of comparisons."""
        return pd.read_csv(self.layout.reports / "comparisons.csv")

    @cached_property
    def explanations(self) -> dict[str, dict[str, Any]]:
        """How often heat maps point at the forgery, by model."""
        record: dict[str, dict[str, Any]] = read_json(self.layout.explanations)
        return {name: record[name] for name in self.models if name in record}

    @cached_property
    def trials(self) -> list[dict[str, Any]]:
        """What the study tried."""
        path = self.layout.tuning_trials
        found: list[dict[str, Any]] = read_json(path)["trials"] if path.is_file() else []
        return found

    @cached_property
    def validation(self) -> dict[str, Any]:
        """What Great Expectations found."""
        found: dict[str, Any] = read_json(self.layout.reports / "validation.json")
        return found

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The images that share a photograph."""
        return pd.read_csv(self.layout.duplicate_pairs, dtype={"a": "str", "b": "str"})

    @cached_property
    def heat(self) -> dict[str, NDArray[np.uint8]]:
        """The heat maps of the test images by model, in the order of ``tested``."""
        paths = {name: self.layout.heatmaps / f"{name}.npy" for name in self.models}
        return {name: np.load(path, allow_pickle=False) for name, path in paths.items() if path.is_file()}

    @cached_property
    def truth(self) -> dict[str, tuple[str, NDArray[np.bool_]]]:
        """By fake, from where it is known what was replaced, and its mask."""
        table = pd.read_csv(self.layout.heatmaps / "images.csv", keep_default_na=False)
        known = table[table["truth"] != ""]
        packed = np.load(self.layout.heatmaps / "masks.npy", allow_pickle=False)
        masks = np.unpackbits(packed, axis=-1, count=SIDE).astype(np.bool_) if len(packed) else packed
        return dict(zip(known["image"], zip(known["truth"], masks, strict=True), strict=True))

    @cached_property
    def best(self) -> str:
        """The model that is best on validation, by the figure that promotes."""
        return select_candidate({name: self.metrics[name] for name in self.models}, self.params.promote.metric).model

    @property
    def digest(self) -> str:
        """Of all images and their labels: it stands for the data."""
        return images_digest(self.images)

    def points(self, kind: str) -> dict[str, pd.DataFrame]:
        """The points of a plot by model: ``roc`` or ``precision_recall``."""
        return {name: pd.read_csv(self.layout.reports / kind / f"{name}.csv") for name in self.models}

    def history(self, name: str) -> pd.DataFrame:
        """A model's figures by epoch; empty for a kind that is fitted at once."""
        path = self.layout.history(name)
        return pd.read_csv(path) if path.is_file() else pd.DataFrame()
