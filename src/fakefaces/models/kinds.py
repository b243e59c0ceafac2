"""From the name of a kind in ``params.yaml`` to its file in this folder.

A kind is a module here with two names: ``Settings``, a strict record of what ``params.yaml`` may set, and
``build(settings, shape, trained)``, which makes the network; or, in its place, ``fit(settings, train, validation,
families)``, which solves for it, where there is a solution. Adding a file adds a kind; nothing else changes.
Keras is imported inside ``build``, so that settings are checked in milliseconds.
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


@dataclass(frozen=True)
class Blueprint:
    """A kind with settings that it accepts, ready to be built."""

    kind: ModuleType
    settings: Schema

    @property
    def solves(self) -> bool:
        """Whether the kind finds its network by itself, with :meth:`fit`."""
        return hasattr(self.kind, "fit")

    def fit(self, train: Any, validation: Any, families: Sequence[int]) -> Any:
        """Make the network of a kind that solves for it, fitted; see the kind.

        Args:
            train: :class:`fakefaces.data.arrays.Part` to learn from.
            validation: to calibrate on.
            families: how many numbers of a view belong together, in their order.
        """
        return self.kind.fit(self.settings, train, validation, families)

    def build(self, shape: tuple[int, ...], trained: Any | None = None) -> Any:
        """Make the network.

        Args:
            shape: of one array of its view, without the batch.
            trained: the part of a backbone that is trained with it, or None.

        Returns:
            A Keras model from a batch of views to p_fake, float32 (batch, 1).
        """
        return self.kind.build(self.settings, shape, trained)


def kinds() -> list[str]:
    """The names of all kinds."""
    found = pkgutil.iter_modules(fakefaces.models.__path__)
    return sorted(module.name for module in found if module.name not in ("backbones", "kinds", "runtime"))


def blueprint(kind: str, settings: dict[str, Any], where: str) -> Blueprint:
    """Find a kind and check its settings.

    Args:
        kind: the name of a module in this folder.
        settings: as in ``params.yaml``.
        where: what an error calls the place.

    Raises:
        ParamsError: no such kind, or settings that it does not take.
    """
    if kind not in kinds():
        raise ParamsError(f"{where}: no kind '{kind}'; known: {', '.join(kinds())}")
    module = importlib.import_module(f"fakefaces.models.{kind}")
    return Blueprint(module, parse(module.Settings, settings, f"{where}: settings"))
