"""p-values as text, in which a floor is not mistaken for a value."""

import math

import pandas as pd

_SMALLEST = 0.0005  # of what three decimals show


def p_text(p_holm: float | None, p: float | None = None, n_resamples: int | None = None) -> str:
    """A corrected p-value for people.

    Args:
        p_holm: after Holm's correction; None or NaN where there is none.
        p: before it, where it is a bootstrap's.
        n_resamples: of the bootstrap, which shows no p below 2 / (n_resamples + 1).

    Returns:
        Such as ``0.021``; ``≤ 0.021`` where all resamples lie on one side, so that it is a floor; ``< 0.0005``.
    """
    if p_holm is None or pd.isna(p_holm):
        return "–"
    # Resamples in which the metric is undefined are left out, up to a tenth of them; the next p is twice the floor.
    if p is not None and n_resamples is not None and p < 3 / (n_resamples + 1):
        return f"≤ {math.ceil(1000 * p_holm) / 1000:.3f}"
    return f"< {_SMALLEST}" if p_holm < _SMALLEST else f"{p_holm:.3f}"


def with_p_texts(comparisons: pd.DataFrame, n_resamples: int) -> pd.DataFrame:
    """Add ``accuracy_p_text`` and ``roc_auc_p_text`` to the table of comparisons; accuracy's p is exact."""
    pairs = zip(comparisons["roc_auc_p_holm"], comparisons["roc_auc_p"], strict=True)
    return comparisons.assign(
        accuracy_p_text=[p_text(p_holm) for p_holm in comparisons["accuracy_p_holm"]],
        roc_auc_p_text=[p_text(p_holm, p, n_resamples) for p_holm, p in pairs],
    )
