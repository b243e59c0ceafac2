"""Metrics under recompression, blur and other corruptions."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import CorruptedMetrics, ScoreDrift
from fakefaces.evaluation.predictions import TestPredictions
from fakefaces.evaluation.subset_metrics import subset_metrics


def robustness(
    test: pd.DataFrame,
    corrupted: Mapping[tuple[str, float], ArrayLike],
    threshold: float,
    resampling: Resampling,
) -> list[CorruptedMetrics]:
    """Metrics on corrupted copies of the same images, at the threshold of the originals.

    After Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    perturbations", ICLR 2019.

    Args:
        test: (n) rows with ``label``, ``group`` and ``p_fake`` of the originals.
        corrupted: (n,) scores of the copies by transform and level, such as ``("jpeg", 50)``.
        threshold: an image is called fake where its score reaches it.
        resampling: number of resamples of the groups, and seed.

    Returns:
        The originals, then each of ``corrupted`` in its order.

    Raises:
        ModelError: the copies are not as many as the originals, or a score is not in [0, 1].
    """
    original = TestPredictions.from_table(test)
    versions: list[tuple[str | None, float | None, ArrayLike]] = [(None, None, original.p_fake)]
    versions += [(transform, level, scores) for (transform, level), scores in corrupted.items()]
    rows = []
    for transform, level, scores in versions:
        predictions = TestPredictions.from_arrays(test["label"], scores, test["group"])
        change = predictions.p_fake - original.p_fake
        drift = ScoreDrift(
            mean=_mean(change),
            reals=_mean(change[~original.fake]),
            fakes=_mean(change[original.fake]),
            absolute=_mean(np.abs(change)),
            verdicts=_mean(predictions.called_fake(threshold) != original.called_fake(threshold)),
        )
        identity = {"transform": transform, "level": level}
        rows.append(subset_metrics(CorruptedMetrics, predictions, threshold, resampling, **identity, drift=drift))
    return rows


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    return float(values.mean()) if len(values) else None
