"""What recompression, blur and the like leave of a model's figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.subset_metrics import subset_metrics

ROBUSTNESS_METRICS = ("roc_auc", "accuracy", "recall")


def robustness(
    y_true: ArrayLike,
    p_fake: ArrayLike,
    corrupted_scores: Mapping[tuple[str, float], ArrayLike],
    group: ArrayLike | None = None,
    *,
    threshold: float,
    n_resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """The figures on transformed copies of the same images, at the threshold of the untouched ones.

    After Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    perturbations", ICLR 2019.

    Args:
        y_true: (n,), 1 fake, 0 real.
        p_fake: (n,), in [0, 1], of the untouched images.
        corrupted_scores: likewise, by transform and level, such as ``("jpeg", 50)``.
        group: (n,) keys; images of one key are drawn together. None: each image by itself.
        threshold: an image is called fake where its score reaches it.
        n_resamples: resamples of the groups; all rows share them.
        seed: of the resampling.

    Returns:
        A row for the untouched images (``transform`` None) and one for each of ``corrupted_scores``, in its order:
        ``transform``, ``level``, the record of :func:`fakefaces.evaluation.subset_metrics.subset_metrics`, and ``drift``:
        ``mean`` change of the score, ``reals`` and ``fakes`` (the same by class, None if absent),
        ``absolute`` (mean size of the change) and ``verdicts`` (share of images whose verdict changes).

    Raises:
        ModelError: see :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    before = Predictions.from_arrays(y_true, p_fake, group)
    rows = []
    versions: list[tuple[str | None, float | None, ArrayLike]] = [(None, None, p_fake)]
    versions += [(transform, level, values) for (transform, level), values in corrupted_scores.items()]
    for transform, level, values in versions:
        after = Predictions.from_arrays(y_true, values, group)
        change = after.p_fake - before.p_fake
        flipped = after.called(threshold) != before.called(threshold)
        drift = {
            "mean": _mean(change),
            "reals": _mean(change[~before.fake]),
            "fakes": _mean(change[before.fake]),
            "absolute": _mean(np.abs(change)),
            "verdicts": _mean(flipped),
        }
        record = subset_metrics(
            after, threshold=threshold, n_resamples=n_resamples, seed=seed, figures=ROBUSTNESS_METRICS
        )
        rows.append({"transform": transform, "level": level, **record, "drift": drift})
    return rows


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None
