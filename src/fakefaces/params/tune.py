"""``params.yaml``: tune."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fakefaces.base.schema import Count, Schema, Slug

# Keys of train.fit that a trial takes from tune.epochs: a search over them would change nothing.
SET_BY_TRIALS = ("epochs", "patience")


class SearchRange(Schema):
    """The values that a study tries for one parameter: a list of choices, or an interval."""

    choices: list[bool | int | float | str | None] | None = Field(default=None, min_length=1)
    low: float | None = None
    high: float | None = None
    log: bool = Field(default=False, description="Sample the interval on a logarithmic scale.")

    def examples(self) -> list[bool | int | float | str | None]:
        """All choices, or both ends of the interval."""
        return self.choices if self.choices is not None else [self.low, self.high]

    @model_validator(mode="after")
    def _choices_or_interval(self) -> "SearchRange":
        interval = self.low is not None and self.high is not None
        if (self.choices is None) != interval or (self.low is None) != (self.high is None):
            raise ValueError("give either 'choices' or both 'low' and 'high'")
        if self.low is not None and self.high is not None:
            if self.low >= self.high:
                raise ValueError(f"low ({self.low:g}) must be less than high ({self.high:g})")
            if self.log and self.low <= 0:
                raise ValueError(f"log: true needs low > 0 (it is {self.low:g})")
        elif self.log:
            raise ValueError("log: true is for an interval, not for choices")
        return self


class Tune(Schema):
    """The hyperparameter study."""

    kind: Slug = Field(description="The kind of model that is tuned: a module in src/fakefaces/models.")
    features: Slug = Field(description="A feature set of prepare.features.")
    augment: Literal["none", "standard"]
    trials: Count
    epochs: Count = Field(description="Of each trial.")
    startup_trials: Count = Field(description="Sampled at random before TPE starts, and never pruned by the median.")
    pruner: Literal["median", "hyperband", "none"] = "median"
    space: dict[Annotated[str, Field(pattern=r"^(settings|fit)\.[a-z0-9_]+$|^augment\.strength$")], SearchRange] = (
        Field(description="settings.<a setting of the kind>, fit.<a key of train.fit> or augment.strength.")
    )
