"""Records of how scores become decisions: operating point, abstention band, likelihood ratios.

Thresholds keep all digits: rounding could move them past a score.
"""

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.schema import Schema
from fakefaces.evaluation.estimates import Estimate, Rounded, Subset


class OperatingMetrics(Subset):
    """Metrics of the test images at the operating threshold; ``fpr`` is the false-positive rate."""

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    fpr: Estimate


class AbstentionBand(Schema):
    """Scores on both sides of the operating threshold, where a person should look at the image."""

    low: float | None  # below it an image is surely called real; None where none may be
    high: float | None  # from it on an image is surely called fake; None where none may be
    max_fnr: float | None = None  # share of validation fakes that may score below it; None where none was asked for
    share: Rounded | None = None  # share of the test images in the band
    fpr: Rounded | None = None  # share of test reals at or above ``high``
    fnr: Rounded | None = None  # share of test fakes below ``low``
    reasons: dict[str, str] = {}  # why ``low`` or ``high`` is missing or unreliable, or why there is no ``band``


class OperatingPoint(Schema):
    """The threshold for a stated false-positive rate, chosen on validation and measured on test."""

    threshold: float | None  # an image is called fake where its score reaches it; None where none keeps the rate
    max_fpr: float  # the false-positive rate that was asked for
    fpr: Rounded | None = None  # false-positive rate on validation, at most ``max_fpr``
    fpr_high: Rounded | None = None  # upper bound of its 95 % Wilson interval
    recall: Rounded | None = None  # share of the validation fakes at or above the threshold; None without fakes
    n_reals: int = 0  # reals in validation
    reason: str | None = None  # why there is no threshold, or why it is unreliable
    test: OperatingMetrics | None = None  # metrics of the test images at the threshold
    abstention_band: AbstentionBand | None = None  # None where there is no threshold


class LikelihoodRatio(Schema):
    """Calibration from scores to log10 likelihood ratios, on validation, and its cost on test."""

    slope: float  # of log10 likelihood ratios on log10 odds of scores; above 0
    intercept: float
    low: float  # limits that so many validation images support; at most 0
    high: float  # at least 0
    n_reals: int  # validation images
    n_fakes: int
    cllr: Estimate | None = None  # log-likelihood-ratio cost of the test images, in bits
    min_cllr: Rounded | None = None  # after the best monotonic calibration of the same scores; None without a class

    def log10_lr(self, p_fake: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log10 likelihood ratios of scores within the limits, float64 (n,)."""
        p = np.clip(p_fake, 1e-6, 1 - 1e-6)
        return np.clip(self.slope * np.log10(p / (1 - p)) + self.intercept, self.low, self.high)
