"""Subsets of the test images: fakes of one difficulty or with one replaced part, and images in one encoding."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fakefaces.data.faces import DIFFICULTIES, PARTS
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import subset_metrics
from fakefaces.evaluation.predictions import Mask, Predictions
from fakefaces.evaluation.subset_metrics import SliceMetrics

HARMONISED = "harmonised"  # the encoding of images that were all passed through the same sizes and encoders


def difficulty_masks(difficulty: pd.Series) -> dict[str, Mask]:
    """The images of each difficulty; any other value, or a missing one, belongs to no slice."""
    return {name: _mask(difficulty == name) for name in DIFFICULTIES}


def part_masks(parts: pd.DataFrame) -> dict[str, Mask]:
    """The images in which each part is replaced, whatever else is; 0, 1 or missing, which belongs to no slice."""
    return {name: _mask(parts[name] == 1) for name in PARTS}


def part_count_masks(parts: pd.DataFrame) -> dict[str, Mask]:
    """The images with ``"1"`` to ``"4"`` replaced parts."""
    replaced = parts[list(PARTS)].sum(axis=1, skipna=False)
    return {str(count): _mask(replaced == count) for count in range(1, len(PARTS) + 1)}


def slice_metrics(
    predictions: Predictions, masks: Mapping[str, Mask], threshold: float, resampling: Resampling
) -> dict[str, SliceMetrics]:
    """The fakes of each slice against all reals, whether in its mask or not; empty if no fake is in a slice."""
    fakes = {name: mask & predictions.fake for name, mask in masks.items()}
    if not any(mask.any() for mask in fakes.values()):
        return {}
    return {
        name: subset_metrics(SliceMetrics, predictions.subset(mask | ~predictions.fake), threshold, resampling)
        for name, mask in fakes.items()
    }


def matched_subset(predictions: Predictions, encoding: pd.Series) -> tuple[str | None, Mask]:
    """The encoding that most reals have (of equally common ones the first; None if no real has any), and its images.

    Where fakes were saved by another program than the photographs, the quantization tables alone separate the
    classes. Within one encoding they cannot; traces of an earlier one may be left in the pixels. An empty or missing
    encoding matches nothing.
    """
    known = _mask(encoding.notna() & (encoding != ""))
    counts = encoding[known & ~predictions.fake].value_counts()
    if counts.empty:
        return None, np.zeros(len(predictions), dtype=bool)
    commonest = min(counts.index[counts == counts.max()])
    return str(commonest), _mask(encoding == commonest)


def _mask(condition: pd.Series) -> Mask:
    """A condition as a mask; unknown (``<NA>``) is false."""
    return condition.fillna(False).to_numpy(dtype=bool)
