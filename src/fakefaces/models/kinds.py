"""Kinds of models: from a name in ``params.yaml`` to a package in this folder.

A kind is a package, so that an edit of one kind retrains its own models only (``dvc.yaml``). It has ``Settings``, a
record of what ``params.yaml`` may set; ``READS``, the feature sets that it can read, as
:attr:`fakefaces.params.prepare.FeatureSet.content` names them; and either ``build(settings, shape, trainable)``, which
returns a network to train, or ``fit(settings, train, validation, group_sizes)``, which returns one that is fitted in
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
    """A kind of model, which is a module, with checked settings, an instance of the module's ``Settings``."""

    module: ModuleType
    settings: Schema

    @property
    def is_closed_form(self) -> bool:
        """Whether :meth:`fit` makes the network, not :meth:`build` and training."""
        return hasattr(self.module, "fit")

    def fit(self, train: TrainArrays, validation: ValidationArrays, group_sizes: Sequence[int]) -> Any:
        """The network of a closed-form kind, fitted on ``train`` and calibrated on ``validation``."""
        return self.module.fit(self.settings, train, validation, group_sizes)

    def build(self, shape: tuple[int, ...], trainable: Any | None = None) -> Any:
        """The untrained network of another kind, from inputs (batch, *shape) to p_fake (batch, 1).

        ``trainable`` is the part of a backbone that is trained with it.
        """
        return self.module.build(self.settings, shape, trainable)


def kinds() -> list[str]:
    """The names of all kinds."""
    return sorted(module.name for module in pkgutil.iter_modules(fakefaces.models.__path__) if module.ispkg)


def model_spec(kind: str, settings: dict[str, Any], where: str) -> ModelSpec:
    """Look up a kind and check its settings; errors name ``where`` they stand.

    Raises:
        ParamsError: there is no such kind, or it does not accept the settings.
    """
    if kind not in kinds():
        raise ParamsError(f"{where}: no kind '{kind}'; known: {', '.join(kinds())}")
    module = importlib.import_module(f"fakefaces.models.{kind}")
    return ModelSpec(module, parse(module.Settings, settings, f"{where}: settings"))
