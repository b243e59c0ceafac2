"""The figures of parts of a set: by difficulty, by replaced part, and within one encoding."""

from collections.abc import Hashable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.data.faces import DIFFICULTIES, PARTS
from fakefaces.evaluation.predictions import Mask, Predictions
from fakefaces.evaluation.subset_metrics import subset_metrics

# Those that do not move with the share of fakes in the slice, so that slices may be compared.
SLICE_METRICS = ("roc_auc", "balanced_accuracy", "recall")

Records = dict[str, dict[str, Any]]


def by_difficulty(
    images: Predictions, difficulty: pd.Series, *, threshold: float, n_resamples: int, seed: int
) -> Records:
    """The fakes of each difficulty against all reals.

    Args:
        images: n of them.
        difficulty: (n,) ``easy``, ``mid``, ``hard``; anything else, or missing, belongs to no slice.
        threshold: an image is called fake where ``p_fake >= threshold``.
        n_resamples: resamples of the groups in the slice.
        seed: of the resampling.

    Returns:
        A record of :data:`SLICE_METRICS` by difficulty, as :func:`fakefaces.evaluation.subset_metrics.subset_metrics`
        gives it; empty if no fake has a known difficulty.
    """
    masks = {name: _where(difficulty == name) for name in DIFFICULTIES}
    return _fakes_against_all_reals(images, masks, threshold=threshold, n_resamples=n_resamples, seed=seed)


def by_part(images: Predictions, parts: pd.DataFrame, *, threshold: float, n_resamples: int, seed: int) -> Records:
    """The fakes in which a part was replaced, whatever else was, against all reals.

    Args:
        images: n of them.
        parts: (n, 4), 0 or 1, columns :data:`fakefaces.data.faces.PARTS`; missing belongs to no slice.
        threshold: as above.
        n_resamples: as above.
        seed: as above.

    Returns:
        As :func:`by_difficulty`, by part.
    """
    masks = {name: _where(parts[name] == 1) for name in PARTS}
    return _fakes_against_all_reals(images, masks, threshold=threshold, n_resamples=n_resamples, seed=seed)


def by_part_count(
    images: Predictions, parts: pd.DataFrame, *, threshold: float, n_resamples: int, seed: int
) -> Records:
    """The fakes by the number of replaced parts, against all reals.

    Args:
        images: n of them.
        parts: (n, 4) as in :func:`by_part`.
        threshold: as above.
        n_resamples: as above.
        seed: as above.

    Returns:
        As :func:`by_difficulty`, by ``"1"`` to ``"4"``.
    """
    replaced = parts[list(PARTS)].sum(axis=1, skipna=False)
    masks = {str(count): _where(replaced == count) for count in range(1, len(PARTS) + 1)}
    return _fakes_against_all_reals(images, masks, threshold=threshold, n_resamples=n_resamples, seed=seed)


def matched_subset(images: Predictions, encoding: pd.Series) -> tuple[Hashable, Mask]:
    """The images in the encoding that most reals have.

    Where fakes were saved by another program than the photographs, the quantization tables alone tell the
    classes apart. Within one encoding they cannot; traces of an earlier one may be left in the pixels.

    Args:
        images: n of them.
        encoding: (n,) an identifier each; empty or missing matches nothing.

    Returns:
        That encoding (of equally common ones the first in order; None if no real has one), and bool (n,),
        the images in it.
    """
    known = _where(encoding.notna() & (encoding != ""))
    counts = encoding[known & ~images.fake].value_counts()
    if counts.empty:
        return None, np.zeros(len(images), dtype=bool)
    common = min(counts.index[counts == counts.max()])
    return common, _where(encoding == common)


def _fakes_against_all_reals(
    images: Predictions, masks: dict[str, Mask], *, threshold: float, n_resamples: int, seed: int
) -> Records:
    of = partial(subset_metrics, threshold=threshold, n_resamples=n_resamples, seed=seed, figures=SLICE_METRICS)
    chosen = {name: mask & images.fake for name, mask in masks.items()}
    if not any(mask.any() for mask in chosen.values()):
        return {}
    return {name: of(images.subset(mask | ~images.fake)) for name, mask in chosen.items()}


def _where(condition: pd.Series) -> Mask:
    """A condition with unknowns (``<NA>``) as a mask; unknown is false."""
    return condition.fillna(False).to_numpy(dtype=bool)
