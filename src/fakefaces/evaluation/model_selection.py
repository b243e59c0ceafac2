"""Which of the trained models to promote: the best on validation."""

from collections.abc import Mapping
from dataclasses import dataclass

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.model_metrics import ModelMetrics


@dataclass(frozen=True)
class Candidate:
    """The selected model."""

    model: str  # its name in ``params.yaml``
    digest: str  # DVC's digest of its folder
    test_digest: str  # digest of the test images
    validation: float  # the metric on validation, by which it was selected
    test: float  # the metric on test, which is compared with the champion's


def select_candidate(models: Mapping[str, ModelMetrics], metric: str) -> Candidate:
    """The model that is best on validation; of equals the one with fewer parameters, then the first by name."""
    candidates = []
    for name, model in models.items():
        validation, test = model.validation.value(metric), model.test.overall.estimate(metric).value
        if validation is not None and test is not None:
            candidate = Candidate(name, model.model_digest, model.test_digest, validation, test)
            candidates.append((-validation, model.parameters, name, candidate))
    if not candidates:
        raise ModelError(f"no model has a {metric} on both validation and test; see reports/metrics")
    return min(candidates)[-1]
