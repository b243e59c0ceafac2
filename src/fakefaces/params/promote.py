"""``params.yaml``: promote."""

from typing import Annotated, Literal

from pydantic import Field

from fakefaces.base.schema import Schema

Margin = Annotated[float, Field(ge=0, lt=1)]


class Promote(Schema):
    """Which model becomes champion."""

    name: str = Field(
        pattern=r"^\w([\w .-]*[\w.-])?$",
        max_length=256,  # of MLflow's column
        description="Of the registered model: letters, digits, ._- and, within it, spaces.",
    )
    metric: Literal["roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1"] = Field(
        description="Selects the candidate on validation and compares it with the champion on test."
    )
    margin: Margin = Field(description="The lower 95 % bound of candidate minus champion must be at least -margin.")
    beat_shortcuts: bool = Field(
        True,
        description="A champion is shown to be better than chance, and than the best rule that sees no forgery.",
    )
    slice_margin: Margin = Field(
        description="By which the champion may be better on any difficulty, replaced part or group of evaluate.slices."
    )
