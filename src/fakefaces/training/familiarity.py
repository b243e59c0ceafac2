"""What is familiar to a trained network, from images that it has not learned from."""

from typing import Any

import numpy as np

from fakefaces.data.faces import PARTS
from fakefaces.inference.familiar import Familiar
from fakefaces.models.runtime import predicted
from fakefaces.training.fit import PreparedFeatures

# Of left-out images at most 2 % are to be refused, some of them for their faces' sizes, and of corrupted copies of any
# kind 15 %: docs/unfamiliar.md.
_IMAGES, _COPIES, _LARGEST = 0.985, 0.92, 0.995
_SMALLEST = 0.6  # of the smallest face: corrupted copies are scaled down that far
_MOST = 0.999  # a threshold that the highest output is above


def familiar(features: PreparedFeatures, head: Any) -> Familiar | None:
    """The threshold of unfamiliarity, from validation images and their copies; None for a head without that output."""
    if head.output_shape[-1] <= 1 + len(PARTS):
        return None
    validation = features.validation
    images = predicted(head, validation.features)[:, -1]
    threshold, left_out = float(np.quantile(images, _IMAGES, method="higher")), images
    if len(validation.copies):
        left_out = predicted(head, validation.copies)[:, -1]
        threshold = max(threshold, float(np.quantile(left_out, _COPIES, method="higher")))
    threshold = min(threshold, _MOST)
    return Familiar(
        threshold=threshold,
        face_sizes=_face_sizes(features),
        left_out=len(left_out),
        refused=int((left_out > threshold).sum()),
    )


def _face_sizes(features: PreparedFeatures) -> tuple[float, float] | None:
    """The smallest and the largest familiar face in pixels; None where all images are brought to the same sizes."""
    if features.spec.harmonise or features.face_sizes is None or np.isnan(features.face_sizes).all():
        return None
    sizes = features.face_sizes[~np.isnan(features.face_sizes)].astype(np.float64)
    return float(_SMALLEST * sizes.min()), float(np.quantile(sizes, _LARGEST, method="higher"))
