"""How much of a model's score is explained by rules that see no face."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fakefaces.evaluation.predictions import Array


def variance_explained_by_shortcuts(test: pd.DataFrame, rules: Mapping[str, pd.Series]) -> dict[str, float | None]:
    """The share of the variance of ``p_fake`` that each rule explains, and ``all`` of them together; empty without.

    Each rule has its ``p_fake`` of the test images, indexed by ``image``.
    """
    if not rules:
        return {}
    columns = {name: scores.loc[test["image"]].to_numpy()[:, None] for name, scores in rules.items()}
    columns["all"] = np.hstack(list(columns.values()))
    return {name: variance_explained(test["p_fake"], scores) for name, scores in columns.items()}


def variance_explained(p_fake: ArrayLike, rules: ArrayLike) -> float | None:
    """The coefficient of determination R² of a linear regression of the model's logits on the rules' logits.

    It is high where the model relies on what the rules see, or on something correlated with it; a score that they
    explain entirely needs no face.

    Args:
        p_fake: (n,) the model's scores, in [0, 1].
        rules: (n, m) the scores of m rules, in [0, 1].

    Returns:
        A share in [0, 1]; None where the model's scores are constant or there are too few images.
    """
    target, predictors = _logit(p_fake), _logit(rules)
    if len(target) <= predictors.shape[1] + 1 or np.ptp(target) < 1e-12:
        return None
    design = np.column_stack([np.ones(len(target)), predictors])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.clip(1 - np.sum((target - fitted) ** 2) / np.sum((target - target.mean()) ** 2), 0, 1))


def _logit(values: ArrayLike) -> Array:
    """Finite logits: scores nearer to 0 or 1 than 1e-6 are clipped."""
    p: Array = np.clip(np.asarray(values, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))
