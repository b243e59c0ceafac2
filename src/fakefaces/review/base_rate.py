"""What "called fake" means where fakes are rare: the precision at a base rate that the reader states."""

from pathlib import Path

from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.evaluation.base_rate import ErrorRates
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.inference.metadata import DetectorMetadata


def error_rates(metadata: DetectorMetadata, root: Path) -> ErrorRates | None:
    """The error rates of a detector at its operating threshold, on the test images of the project in ``root``.

    None where the project has no evaluation of a model of this name at this very threshold: rates of another training
    would say nothing about this one.
    """
    if metadata.operating is None:
        return None
    try:
        point = ModelMetrics.read(Layout(root).metrics(metadata.model)).operating_point
    except (OSError, ValueError, FakefacesError):  # none, or of another version; the page works without
        return None
    if point.test is None or point.threshold != metadata.operating.threshold:
        return None
    return ErrorRates.of(point.test)
