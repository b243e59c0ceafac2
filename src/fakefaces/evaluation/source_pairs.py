"""Each fake against the photograph it was made from: the fairest comparison for a detector."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import FAKE, REAL
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import MIN_GROUPS, Resampling, bootstrap, proportion_interval
from fakefaces.evaluation.metrics import estimate, ratio
from fakefaces.evaluation.predictions import Array, Predictions
from fakefaces.evaluation.subset_metrics import SourcePairs


def match_sources(images: pd.DataFrame, pairs: pd.DataFrame, *, min_inliers: int) -> pd.Series:
    """The real that each fake was made from: the one with most, and at least ``min_inliers``, inliers; or missing.

    A fake also agrees with the photograph that lent it a part, and with the neighbour in a group's photograph,
    but in fewer places: on CIPLAB's set in 94 at most, with its own source in 118 or more (over all pairs).

    Args:
        images: ``image`` and ``label`` of all images.
        pairs: ``a``, ``b``, ``inliers`` of ``reports/duplicate_pairs.csv``.
        min_inliers: of a source.
    """
    pairs = pairs[pairs["inliers"] >= min_inliers]
    label = images.set_index("image")["label"]
    directed = pd.concat([pairs, pairs.rename(columns={"a": "b", "b": "a"})])
    of_fakes = directed[(directed["a"].map(label) == FAKE) & (directed["b"].map(label) == REAL)]
    ranked = of_fakes.sort_values(["inliers", "b"], ascending=[False, True])
    return images["image"].map(ranked.drop_duplicates("a").set_index("a")["b"])


def paired_win_rate(predictions: Predictions, pairs: Sequence[tuple[int, int]], resampling: Resampling) -> SourcePairs:
    """The share of fakes that score higher than their own source photograph, ties counting one half.

    It is the ROC AUC restricted to pairs of one face in one light, so what a model has learned about faces and
    light in general cannot help it; a difference in how the two files were saved still can. The probability
    of superiority of Vargha and Delaney, "A critique and improvement of the CL common language effect size
    statistics of McGraw and Wong", Journal of Educational and Behavioral Statistics 25 (2000), for matched
    pairs. Each pair is the position of a fake and that of its source, which may have several fakes.
    """
    positions = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    fakes, sources = positions.T
    wrong = ~predictions.fake[fakes] | predictions.fake[sources]
    if wrong.any():
        raise ModelError(f"pairs: {int(wrong.sum())} of {len(wrong)} are not a fake with a real as its source")
    unpaired = int(predictions.fake.sum()) - len(positions)
    if not len(positions):
        none = Estimate(value=None, reason="no fake with its source among the images")
        return SourcePairs(n=0, groups=0, win_rate=none, ties=0, unpaired=unpaired)
    lead = predictions.p_fake[fakes] - predictions.p_fake[sources]
    wins = (np.sign(lead) + 1) / 2
    # Renumbered: only groups with a pair are resampled. The group is the source's, since its fakes share it.
    group = np.unique(predictions.group[sources], return_inverse=True)[1].astype(np.intp)
    n_groups, win_rate = int(group.max()) + 1, float(wins.mean())

    def weighted_win_rate(weights: Array) -> dict[str, Array]:
        return {"win_rate": ratio(np.einsum("ij,j->i", weights, wins), weights.sum(axis=1))}

    resampled = bootstrap(weighted_win_rate, group, resampling)["win_rate"] if n_groups >= MIN_GROUPS else None
    return SourcePairs(
        n=len(positions),
        groups=n_groups,
        win_rate=estimate(win_rate, proportion_interval(win_rate, resampled, n_groups)),
        ties=int((lead == 0).sum()),
        unpaired=unpaired,
    )
