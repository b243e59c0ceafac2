"""What a model is trained with: the values of its row, and those of the study beside them where it is tuned.

A study is short, so that its best trial may be worse than the values of the row. Both are trained in full and
validation decides; what is no better than chance keeps the row's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakefaces.models.kinds import ModelSpec, model_spec
from fakefaces.params.train import Train
from fakefaces.training.augmentation import Recipe
from fakefaces.training.loop import FitState, TrainingConfig

Values = Mapping[str, Mapping[str, Any]]  # by section: settings, fit and augment

UNTUNED: Values = {"settings": {}, "fit": {}, "augment": {}}
MIN_GAIN = 0.01  # of ROC AUC: hundreds of validation images do not tell less than that apart


@dataclass(frozen=True)
class Candidate:
    """A model with one set of values."""

    is_tuned: bool  # whether the study's values stand in place of the row's
    spec: ModelSpec
    config: TrainingConfig


@dataclass(frozen=True)
class FittedCandidate:
    """A candidate after its training."""

    candidate: Candidate
    head: Any  # a Keras model, with the weights of the best epoch
    state: FitState

    @property
    def val_roc_auc(self) -> float:
        """Of the best epoch. Not its loss, which has the weight penalty of the candidate's own settings in it."""
        return self.state.history[self.state.best_epoch - 1]["val_roc_auc"]


def candidates(train: Train, name: str, tuned: Values, recipe: Recipe, seed: int) -> list[Candidate]:
    """A model's candidates.

    Args:
        train: the section of ``params.yaml``.
        name: of the model.
        tuned: the study's values, :data:`UNTUNED` for a model that is not tuned.
        recipe: of augmentation, at full strength.
        seed: of the training.

    Returns:
        One, or for a tuned model two, the tuned values first.

    Raises:
        ParamsError: the values do not fit the kind.
    """
    model, where = train.models[name], f"train.models.{name}"

    def candidate(values: Values) -> Candidate:
        config = TrainingConfig(
            train.fit_with(model.fit, values["fit"], where=f"{where}.fit"),
            recipe.with_strength(values["augment"].get("strength", 1.0)),
            seed,
        )
        spec = model_spec(model.kind, {**model.settings, **values["settings"]}, f"params.yaml: {where}")
        return Candidate(values != UNTUNED, spec, config)

    return [candidate(UNTUNED)] if tuned == UNTUNED else [candidate(tuned), candidate(UNTUNED)]


def better(tuned: FittedCandidate, untuned: FittedCandidate) -> FittedCandidate:
    """The tuned one if its validation ROC AUC is higher by more than :data:`MIN_GAIN`, else the untuned."""
    return tuned if tuned.val_roc_auc - untuned.val_roc_auc > MIN_GAIN else untuned
