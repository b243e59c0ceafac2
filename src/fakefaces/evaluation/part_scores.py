"""Whether the score of each face part separates images in which it was replaced from the others."""

import pandas as pd

from fakefaces.data.faces import FAKE, PARTS
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import PartMetrics, PartScores
from fakefaces.evaluation.predictions import PART_SCORES, TestPredictions
from fakefaces.evaluation.subset_metrics import subset_metrics


def part_score_metrics(test: pd.DataFrame, resampling: Resampling) -> dict[str, PartScores] | None:
    """The ROC AUC of each part's score: images in which it was replaced against all in which it was not.

    The latter are the reals and the fakes with other parts replaced, so a score that detects fakes as such is not
    enough.

    Args:
        test: a row an image: ``label``, ``group``, :data:`fakefaces.data.faces.PARTS` (0, 1 or missing) and, where
            the model scores parts, :data:`fakefaces.evaluation.predictions.PART_SCORES`, in [0, 1].
        resampling: number of resamples of the groups, and seed.

    Returns:
        By part; images whose parts are unknown are left out. None where the model does not score parts.
    """
    if not set(PART_SCORES) <= set(test):
        return None

    def roc_auc(rows: pd.DataFrame, part: str, score: str) -> PartMetrics:
        predictions = TestPredictions.from_arrays(rows[part].astype(int), rows[score], rows["group"])
        return subset_metrics(PartMetrics, predictions, 0.5, resampling)

    scores = {}
    for part, score in zip(PARTS, PART_SCORES, strict=True):
        known = test[test[part].notna() & test[score].notna()]
        fakes = known[known["label"] == FAKE]
        scores[part] = PartScores(all=roc_auc(known, part, score), fakes=roc_auc(fakes, part, score))
    return scores
