"""Each fake against the photograph it was made from: the fairest question to a detector."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import MIN_GROUPS, bootstrap, proportion_interval
from fakefaces.evaluation.predictions import Array, Predictions
from fakefaces.evaluation.ranking import ratio
from fakefaces.evaluation.subset_metrics import shown


def paired_win_rate(
    images: Predictions, pairs: Sequence[tuple[int, int]], *, n_resamples: int, seed: int
) -> dict[str, Any]:
    """The share of fakes that score higher than their own source photograph, ties counting one half.

    It is the ROC AUC restricted to pairs of one face in one light, so what a model has learned of faces and
    light at large cannot help it; a difference in how the two files were saved still can. The probability
    of superiority of Vargha and Delaney, "A critique and improvement of the CL common language effect size
    statistics of McGraw and Wong", Journal of Educational and Behavioral Statistics 25 (2000), for matched
    pairs.

    Args:
        images: n of them.
        pairs: (place of a fake, place of its source) in ``images``; a source may have several fakes.
        n_resamples: resamples of the sources' groups.
        seed: of the resampling.

    Returns:
        A JSON-ready record: ``n`` pairs, ``groups`` (of the sources), ``win_rate`` in [0, 1] or None,
        ``ties``, and ``intervals``, ``left_out`` and ``reasons`` as
        :func:`fakefaces.evaluation.subset_metrics.measure` has them.

    Raises:
        ModelError: a pair's places do not hold a fake and a real.
    """
    places = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    if places.size and (places.min() < 0 or places.max() >= len(images)):
        raise ModelError(f"pairs: a place is not among 0 to {len(images) - 1}")
    fakes, sources = places.T
    wrong = ~images.fake[fakes] | images.fake[sources]
    if wrong.any():
        raise ModelError(f"pairs: {int(wrong.sum())} of {len(wrong)} are not a fake with a real as its source")
    if not len(places):
        none = {"n": 0, "groups": 0, "win_rate": None, "ties": 0}
        return none | shown({"win_rate": None}, {"win_rate": "no fake with its source among the images"})
    lead = images.p_fake[fakes] - images.p_fake[sources]
    wins = (np.sign(lead) + 1) / 2
    # Numbered anew: only groups with a pair are drawn. The source's group, since its fakes share it.
    group = np.unique(images.group[sources], return_inverse=True)[1].astype(np.intp)
    n_groups, rate = int(group.max()) + 1, float(wins.mean())

    def win_rate(weights: Array) -> dict[str, Array]:
        return {"win_rate": ratio(np.einsum("ij,j->i", weights, wins), weights.sum(axis=1))}

    drawn = None
    if n_groups >= MIN_GROUPS:
        drawn = bootstrap(win_rate, group, n_resamples=n_resamples, seed=seed)["win_rate"]
    record = {"n": len(places), "groups": n_groups, "win_rate": rate, "ties": int((lead == 0).sum())}
    return record | shown({"win_rate": proportion_interval(rate, drawn, n_groups)}, {})
