"""How much of a model's score a rule that never saw the face could have given."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefaces.evaluation.predictions import Array

_NEAR = 1e-6  # scores nearer to 0 or 1 are taken as this, so that their logits are numbers
_FLAT = 1e-12


def variance_explained(p_fake: ArrayLike, rules: ArrayLike) -> float | None:
    """The share of the variance of a model's score that rules explain, by least squares on the logits.

    The coefficient of determination R². It is high where the model leans on what the rules see, or on
    something that goes along with it; a score that it explains wholly needs no face.

    Args:
        p_fake: (n,) the model's, in [0, 1].
        rules: (n, m) those of the rules.

    Returns:
        A share in [0, 1]; None where the model's scores are all the same or there are too few images.
    """
    target, sees = _logit(p_fake), _logit(rules)
    if len(target) <= sees.shape[1] + 1 or np.ptp(target) < _FLAT:
        return None
    design = np.column_stack([np.ones(len(target)), sees])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.clip(1 - np.sum((target - fitted) ** 2) / np.sum((target - target.mean()) ** 2), 0, 1))


def _logit(values: ArrayLike) -> NDArray[np.float64]:
    p: Array = np.clip(np.asarray(values, dtype=np.float64), _NEAR, 1 - _NEAR)
    return np.asarray(np.log(p / (1 - p)))
