"""``params.yaml``: train."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from fakefaces.base.schema import Count, Schema, Share, Slug, parse


class Fit(Schema):
    """How a network is fitted."""

    epochs: Count
    batch_size: Count
    learning_rate: float = Field(gt=0)
    patience: Count = Field(description="Epochs without improvement after which training stops early.")
    monitor: Literal["val_loss", "val_roc_auc"] = "val_loss"
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        default="float32",
        description="Of a step's products; with the mixed ones weights, validation and what ships are float32.",
    )


class Model(Schema):
    """One row of the results table: a kind of model, what it reads, and how it is trained."""

    kind: Slug = Field(description="A module in src/fakefaces/models.")
    features: Slug = Field(description="A feature set of prepare.features.")
    augment: Literal["none", "standard"] = Field(default="none", description="standard: augment.transforms.")
    tuned: Literal["none", "best"] = Field(default="none", description="best: with the best trial's values.")
    seeds: int = Field(
        default=1, ge=1, le=100, description="Trainings, each with a seed of its own; the first one's model counts."
    )
    settings: dict[str, Any] = Field(default={}, description="Settings of the kind.")
    fit: dict[str, Any] = Field(default={}, description="Values in place of train.fit's.")

    @property
    def seed_columns(self) -> list[str]:
        """The columns of the scores by the detectors of the seeds after the first, whose are ``p_fake``."""
        return [f"p_fake_seed{number}" for number in range(1, self.seeds)]


class Train(Schema):
    """The models, and the fit that they share."""

    fit: Fit
    threshold: Share = Field(
        description="p_fake from which on an image is called fake where no operating point is chosen."
    )
    models: dict[Slug, Model] = Field(min_length=1)

    def fit_with(self, *overrides: Mapping[str, Any], where: str) -> Fit:
        """The shared fit with some values replaced, the later ones last; a ParamsError names the key ``where``."""
        values = self.fit.model_dump()
        for override in overrides:
            values |= override
        return parse(Fit, values, f"params.yaml: {where}")
