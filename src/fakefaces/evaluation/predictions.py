"""Labels, scores and groups of a set of images, checked once; validation and test have types of their own."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import FAKE, PARTS, REAL

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PART_SCORES = tuple(f"{name}_score" for name in PARTS)  # columns of the scores of the parts


@dataclass(frozen=True)
class Predictions:
    """The labels of a set of images and a model's scores; made by :meth:`from_arrays` or :meth:`from_table`."""

    fake: Mask  # bool (n,), the labels
    p_fake: Array  # float64 (n,), in [0, 1]
    group: NDArray[np.intp]  # intp (n,), codes 0 … n_groups - 1; images of one code share a source photograph

    def __len__(self) -> int:
        return len(self.fake)

    @property
    def n_groups(self) -> int:
        """Groups that hold at least one image."""
        return int(self.group.max()) + 1 if len(self) else 0

    @property
    def n_groups_by_class(self) -> tuple[int, int]:
        """Groups that hold at least one real, and at least one fake."""
        return len(np.unique(self.group[~self.fake])), len(np.unique(self.group[self.fake]))

    def called_fake(self, threshold: float) -> Mask:
        """Predicted classes, bool (n,): fake where ``p_fake >= threshold``, which must lie in [0, 1]."""
        if not 0 <= threshold <= 1:
            raise ModelError(f"threshold: {threshold} is not between 0 and 1")
        return self.p_fake >= threshold

    def subset(self, mask: Mask) -> Self:
        """The images where ``mask``, bool (n,), is true; groups are renumbered in their order."""
        group = np.unique(self.group[mask], return_inverse=True)[1].astype(np.intp)
        return type(self)(self.fake[mask], self.p_fake[mask], group)

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Self:
        """Predictions from the columns ``label``, ``p_fake`` and ``group``."""
        return cls.from_arrays(table["label"], table["p_fake"], table["group"])

    @classmethod
    def from_arrays(cls, y_true: ArrayLike, p_fake: ArrayLike, group: ArrayLike | None = None) -> Self:
        """Check labels, scores and groups, and put them into one value.

        Args:
            y_true: (n,), 1 fake, 0 real.
            p_fake: (n,), probability of fake, in [0, 1].
            group: (n,), sortable keys; images with equal keys are not independent. None: each image by itself.

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
        if missing := int(np.isnan(scores).sum()):
            raise ModelError(f"scores: {missing} of {scores.size} are NaN; the model or its input is broken")
        if scores.size and (scores.min() < 0 or scores.max() > 1):
            raise ModelError(f"scores must be probabilities; they lie between {scores.min():g} and {scores.max():g}")
        codes, _ = pd.factorize(keys, sort=True)
        if (codes < 0).any():
            raise ModelError(f"groups: {int((codes < 0).sum())} of {len(codes)} images have none")
        return cls(labels == FAKE, scores, codes.astype(np.intp))


class ValidationPredictions(Predictions):
    """Predictions of validation images: what thresholds and models are chosen on."""


class TestPredictions(Predictions):
    """Predictions of test images: what is reported; nothing is chosen on them."""


@dataclass(frozen=True)
class ScoredImages:
    """One model's scores: the image table by name, with ``p_fake``; :data:`PART_SCORES` and ``unfamiliar`` if known."""

    validation: pd.DataFrame
    test: pd.DataFrame

    @classmethod
    def join(cls, images: pd.DataFrame, scores: pd.DataFrame) -> Self:
        """Join images with their scores: ``image``, ``split``, ``p_fake``; parts, ``unfamiliar`` if there."""
        columns = ["image", "split", "p_fake", *(name for name in (*PARTS, "unfamiliar") if name in scores)]
        renamed = scores[columns].rename(columns=dict(zip(PARTS, PART_SCORES, strict=True)))
        of_split = {
            split: images.merge(
                renamed[renamed["split"] == split].drop(columns="split"), on="image", validate="one_to_one"
            ).sort_values("image", ignore_index=True)
            for split in ("validation", "test")
        }
        return cls(validation=of_split["validation"], test=of_split["test"])


def _numbers(values: ArrayLike, name: str) -> Array:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError(f"{name}: not all are numbers") from None
