"""Which expert decides: whether a photograph was recompressed or scaled since it was first saved.

A mixture of two experts, R. Jacobs and others, "Adaptive Mixtures of Local Experts", Neural Computation 3, 1991, whose
gate is fitted by itself: which training images are copies is known. Traces that an editor leaves differ less between
real and fake photographs than recompression makes them differ, so an expert that learned from both is worse at either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import TrainArrays
from fakefaces.models.forensic.experts import evenly
from fakefaces.models.forensic.layers import dense, standardised, variances
from fakefaces.models.forensic.projection import CLIP, inverse_deviations
from fakefaces.models.forensic.unfamiliarity import group_bounds

Array = NDArray[np.float64]

_MOST = 4096  # originals that are learned from, and as many copies; evenly spaced ones
_STRENGTH = 0.1  # C of the logistic regression


@dataclass(frozen=True)
class Gate:
    """A logistic regression on the means of features over the regions, standardised and clipped."""

    first: int  # column of the features that are read; those before it are sizes
    mean: Array  # (features,)
    scale: Array  # (features,), one over the standard deviation; 0 for constant features
    weights: Array  # (features,)
    intercept: float

    def predict(self, features: NDArray[np.float32]) -> Array:
        """Features (n, regions, features) to float64 (n,), the probability that an image is an original."""
        standardised = np.clip((features[..., self.first :].mean(axis=1) - self.mean) * self.scale, -CLIP, CLIP)
        return np.asarray(1 / (1 + np.exp(-(standardised @ self.weights + self.intercept))))


def fit_gate(train: TrainArrays, group_sizes: Sequence[int]) -> Gate:
    """Fit it to training images and their copies, features (n, regions, features)."""
    from sklearn.linear_model import LogisticRegression

    first = group_bounds(train.features.shape[-1], group_sizes)[0][0]
    copies = len(train.copy_of)
    originals = len(train.labels) - copies
    rows = np.concatenate([evenly(originals, _MOST), originals + evenly(copies, _MOST)])
    means = np.stack([train.features[row : row + 1][0, :, first:].mean(axis=0) for row in rows.tolist()])
    mean, deviation = means.mean(axis=0, dtype=np.float64), means.std(axis=0, dtype=np.float64)
    scale = inverse_deviations(mean, deviation)
    standardised = np.clip((means - mean) * scale, -CLIP, CLIP)
    fitted = LogisticRegression(C=_STRENGTH, max_iter=1000).fit(standardised, rows < originals)
    return Gate(first, mean, scale, fitted.coef_[0], float(fitted.intercept_[0]))


def as_layer(gate: Gate, inputs: Any) -> Any:
    """The gate as layers: from features (batch, regions, features) to (batch, 1), 0 to 1."""
    import keras

    means = keras.ops.mean(inputs[:, :, gate.first :], axis=1)
    units = standardised(means, gate.mean, variances(gate.scale), "gate_unit")
    logit = dense(gate.weights[:, None], [gate.intercept], "gate")(units)
    return keras.layers.Activation("sigmoid", name="original")(logit)
