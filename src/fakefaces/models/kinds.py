"""Kinds of models: from a name in ``params.yaml`` to a package in this folder.

A kind is a package, so that an edit of one kind retrains its own models only (``dvc.yaml``). It has ``Settings``, a
strict record of what ``params.yaml`` may set, ``READS``, the feature sets that it can read, as
:attr:`fakefaces.params.prepare.FeatureSet.holds` names them, and one of two functions: ``build(settings, shape,
trainable)`` returns a network to train; ``fit(settings, train, validation, group_sizes)`` returns one that is fitted in
closed form. A new package is a new kind; nothing else changes. Keras is imported inside of these functions, so that
settings are checked in milliseconds.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import fakefaces.models
from fakefaces.base.errors import ParamsError
from fakefaces.base.schema import Schema, parse
from fakefaces.data.arrays import TrainArrays, ValidationArrays


@dataclass(frozen=True)
class ModelSpec:
    """A kind of model with checked settings.

    Attributes:
        module: of the kind.
        settings: an instance of the module's ``Settings``.
    """

    module: ModuleType
    settings: Schema

    @property
    def is_closed_form(self) -> bool:
        """Whether :meth:`fit` makes the network, not :meth:`build` and training."""
        return hasattr(self.module, "fit")

    def fit(self, train: TrainArrays, validation: ValidationArrays, group_sizes: Sequence[int]) -> Any:
        """Make the fitted network of a closed-form kind.

        Args:
            train: to learn from.
            validation: to calibrate on.
            group_sizes: number of features in each group, in their order.
        """
        return self.module.fit(self.settings, train, validation, group_sizes)

    def build(self, shape: tuple[int, ...], trainable: Any | None = None) -> Any:
        """Make the untrained network.

        Args:
            shape: of one input, without the batch.
            trainable: the part of a backbone that is trained with the network, or None.

        Returns:
            A Keras model from a batch of inputs to p_fake, float32 (batch, 1).
        """
        return self.module.build(self.settings, shape, trainable)


def kinds() -> list[str]:
    """The names of all kinds."""
    return sorted(module.name for module in pkgutil.iter_modules(fakefaces.models.__path__) if module.ispkg)


def model_spec(kind: str, settings: dict[str, Any], where: str) -> ModelSpec:
    """Look up a kind and check its settings.

    Args:
        kind: the name of a package in this folder.
        settings: as in ``params.yaml``.
        where: the place that errors name.

    Raises:
        ParamsError: there is no such kind, or it does not accept the settings.
    """
    if kind not in kinds():
        raise ParamsError(f"{where}: no kind '{kind}'; known: {', '.join(kinds())}")
    module = importlib.import_module(f"fakefaces.models.{kind}")
    return ModelSpec(module, parse(module.Settings, settings, f"{where}: settings"))
