"""Which of the trained models to promote: the best on validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakefaces.base.errors import ModelError


@dataclass(frozen=True)
class Candidate:
    """A model with the figures that decide.

    Attributes:
        model: its name in ``params.yaml``.
        digest: DVC's digest of its folder.
        test_digest: of the test images.
        validation: the deciding figure on validation, which chooses among the models.
        test: the same on the test images, which is held against the champion's.
    """

    model: str
    digest: str
    test_digest: str
    validation: float
    test: float


def select_candidate(metrics: Mapping[str, Mapping[str, Any]], metric: str) -> Candidate:
    """The model that is best on validation; of equals the one with fewer parameters, then by name.

    Args:
        metrics: what stands in ``reports/metrics/<model>.json``, by model.
        metric: the figure's name.

    Raises:
        ModelError: the figure could be computed for no model.
    """
    known = [
        (-found["validation"][metric], found["parameters"], name)
        for name, found in metrics.items()
        if found["validation"][metric] is not None and found["test"]["overall"][metric] is not None
    ]
    if not known:
        raise ModelError(f"no model has a {metric} on both validation and test; see reports/metrics")
    name = min(known)[-1]
    found = metrics[name]
    value, test = found["validation"][metric], found["test"]["overall"][metric]
    return Candidate(name, found["model_digest"], found["test_digest"], value, test)
