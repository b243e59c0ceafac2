"""Labels, scores and groups of one set of images, checked once so that nothing downstream has to."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import FAKE, REAL

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Predictions:
    """One set of images with what is known and what a model says; made by :meth:`from_arrays`.

    Attributes:
        fake: bool (n,), the truth.
        p_fake: float64 (n,), in [0, 1].
        group: intp (n,), codes 0 … n_groups - 1; images of one code share a source photograph.
    """

    fake: Mask
    p_fake: Array
    group: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.fake)

    @property
    def n_groups(self) -> int:
        """Groups that hold at least one image."""
        return int(self.group.max()) + 1 if len(self) else 0

    def called(self, threshold: float) -> Mask:
        """Tell which images are called fake, bool (n,): those with ``p_fake >= threshold``.

        Raises:
            ModelError: the threshold is not in [0, 1].
        """
        if not 0 <= threshold <= 1:
            raise ModelError(f"threshold: {threshold} is not between 0 and 1")
        return self.p_fake >= threshold

    def subset(self, mask: Mask) -> "Predictions":
        """The images where ``mask`` (bool (n,)) is true; the groups are numbered anew, in their old order."""
        group = np.unique(self.group[mask], return_inverse=True)[1].astype(np.intp)
        return Predictions(self.fake[mask], self.p_fake[mask], group)

    @classmethod
    def from_arrays(cls, y_true: ArrayLike, p_fake: ArrayLike, group: ArrayLike | None = None) -> Self:
        """Check labels, scores and groups, and put them into one record.

        Args:
            y_true: (n,), 1 fake, 0 real.
            p_fake: (n,), probability of fake, in [0, 1].
            group: (n,), any sortable key; images with equal keys are not independent. None: each its own.

        Raises:
            ModelError: the lengths differ, a label is neither 0 nor 1, a score is NaN or outside [0, 1], or a
                group is missing.
        """
        labels, scores = _numbers(y_true, "labels"), _numbers(p_fake, "scores")
        keys = np.arange(len(labels)) if group is None else np.asarray(group)
        lengths = {"labels": labels.shape, "scores": scores.shape, "groups": keys.shape}
        if len(set(lengths.values())) > 1 or labels.ndim != 1:
            shapes = ", ".join(f"{name} {shape}" for name, shape in lengths.items())
            raise ModelError(f"labels, scores and groups must be of one length; they are {shapes}")
        if not np.isin(labels, (REAL, FAKE)).all():
            raise ModelError("labels must be 0 (real) or 1 (fake)")
        _check_probabilities(scores, "scores")
        codes, _ = pd.factorize(keys, sort=True)
        if (codes < 0).any():
            raise ModelError(f"groups: {int((codes < 0).sum())} of {len(codes)} images have none")
        return cls(labels == FAKE, scores, codes.astype(np.intp))


def _numbers(values: ArrayLike, name: str) -> Array:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError(f"{name}: not all are numbers") from None


def _check_probabilities(values: Array, name: str) -> None:
    missing = int(np.isnan(values).sum())
    if missing:
        raise ModelError(f"{name}: {missing} of {values.size} are NaN; the model or its input is broken")
    if values.size and (values.min() < 0 or values.max() > 1):
        raise ModelError(f"{name} must be probabilities; they lie between {values.min():g} and {values.max():g}")
