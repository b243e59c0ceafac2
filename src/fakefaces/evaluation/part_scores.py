"""Whether the scores of the parts tell which parts were replaced."""

from typing import Any

import pandas as pd

from fakefaces.data.faces import PARTS
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.subset_metrics import subset_metrics

_SUFFIX = "_score"
PART_SCORES = tuple(f"{name}{_SUFFIX}" for name in PARTS)  # the columns beside the truth's, which are PARTS


def part_score_metrics(table: pd.DataFrame, *, n_resamples: int, seed: int) -> dict[str, dict[str, Any]] | None:
    """The ROC AUC of each part's score: images in which it was replaced against all in which it was kept.

    Those are the reals and the fakes with other parts replaced, so a score that only tells a fake does not suffice.

    Args:
        table: a row an image: ``group``, :data:`fakefaces.data.faces.PARTS` (0, 1 or missing) and, where the model
            tells of parts, :data:`PART_SCORES`, in [0, 1].
        n_resamples: resamples of the groups.
        seed: of the resampling.

    Returns:
        By part two records of :func:`fakefaces.evaluation.subset_metrics.subset_metrics`: ``all``, of every image whose parts are
        known, and ``fakes``, of the fakes among them. None where the table holds no scores of parts.
    """
    if not set(PART_SCORES) <= set(table):
        return None
    found: dict[str, dict[str, Any]] = {}
    for name in PARTS:
        known = table[table[name].notna() & table[name + _SUFFIX].notna()]
        sets = {"all": known, "fakes": known[known["label"] == 1]}
        found[name] = {
            which: subset_metrics(
                Predictions.from_arrays(rows[name].astype(int), rows[name + _SUFFIX], rows["group"]),
                threshold=0.5,
                n_resamples=n_resamples,
                seed=seed,
                figures=("roc_auc",),
            )
            for which, rows in sets.items()
        }
    return found
