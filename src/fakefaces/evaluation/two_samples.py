"""Do two samples come from one distribution: a test, and an effect size on the scale of shares.

The effect of both kinds is a share: that of the one sample which would have to be other values to look like the other
one. For categories it is the total variation distance, half the sum of the absolute differences of their shares; for
numbers the largest difference of the two distribution functions, which is a lower bound of it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_EXACT = 1_000_000  # product of the sizes up to which the Kolmogorov-Smirnov test is computed exactly
_EXPECTED = 5  # images in each cell of a table that the chi-squared test is trusted with


@dataclass(frozen=True)
class Difference:
    """How far two samples differ."""

    effect: float  # 0 to 1
    p_value: float  # of the test that both are of one distribution, not corrected


def compare_numbers(reference: ArrayLike, batch: ArrayLike) -> Difference:
    """The two-sample Kolmogorov-Smirnov test, exact for small samples; with ties it is conservative.

    Args:
        reference: numbers (m,), at least one.
        batch: numbers (n,), at least one.
    """
    from scipy.stats import ks_2samp

    first, second = np.asarray(reference, dtype=np.float64), np.asarray(batch, dtype=np.float64)
    method = "exact" if len(first) * len(second) <= _EXACT else "asymp"
    result = ks_2samp(first, second, method=method)
    return Difference(float(result.statistic), min(1.0, float(result.pvalue)))


def compare_categories(reference: Sequence[Hashable], batch: Sequence[Hashable]) -> Difference:
    """Fisher's exact test of two categories, the chi-squared test of more.

    Categories of which one sample would be expected to hold fewer than five are one category, as the chi-squared
    distribution does not describe such counts: Cochran, "Some methods for strengthening the common chi-squared tests",
    Biometrics 10 (1954). Which ones these are depends on both samples together, so the test stays valid.

    Args:
        reference: values (m,), at least one.
        batch: values (n,), at least one.
    """
    from scipy.stats import chi2_contingency, fisher_exact

    values = pd.Series([*reference, *batch])
    smaller = min(len(reference), len(batch)) / len(values)
    rare = values.map(values.value_counts()) * smaller < _EXPECTED
    codes = np.where(rare, -1, pd.factorize(values)[0])
    counts = pd.crosstab(np.arange(len(values)) >= len(reference), codes).to_numpy()
    if counts.shape[1] == 1:
        return Difference(0.0, 1.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    effect = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if counts.shape[1] == 2:
        return Difference(effect, min(1.0, float(fisher_exact(counts).pvalue)))
    return Difference(effect, float(chi2_contingency(counts, correction=False).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979); it
    holds whatever the dependence of the tests.
    """
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []
