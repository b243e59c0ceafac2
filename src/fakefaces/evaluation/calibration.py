"""Whether the scores are calibrated: reliability diagram, Brier score, expected calibration error."""

from typing import Literal

import numpy as np
import pandas as pd

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.subset_metrics import Calibration


def reliability(
    predictions: Predictions, *, bins: int = 10, binning: Literal["equal_mass", "equal_width"] = "equal_mass"
) -> pd.DataFrame:
    """The points of a reliability diagram.

    Niculescu-Mizil and Caruana, "Predicting good probabilities with supervised learning", ICML 2005.

    Args:
        predictions: of at least one image.
        bins: how many, at least 1.
        binning: ``equal_mass`` has its edges at quantiles of the scores; equal scores are never separated, so
            bins may be unequal or fewer. ``equal_width`` cuts [0, 1] evenly.

    Returns:
        A row for each bin that holds an image, ascending: ``low`` (inclusive), ``high`` (exclusive but for the last
        bin), ``n`` images, their mean score ``mean_p``, and ``fraction_fake``, which is equal to it if calibrated.
    """
    if not len(predictions) or bins < 1:
        raise ModelError(f"no calibration of {len(predictions)} images in {bins} bins")
    p_fake, fake = predictions.p_fake, predictions.fake
    quantiles = np.linspace(0, 1, bins + 1)
    edges = quantiles if binning == "equal_width" else np.unique(np.quantile(p_fake, quantiles))
    index = np.searchsorted(edges[1:-1], p_fake, side="right")
    n = np.bincount(index)
    mean_p, fraction = (np.bincount(index, weights=values) / np.maximum(n, 1) for values in (p_fake, fake))
    highs = edges[1:] if len(edges) > 1 else edges  # one distinct score makes one bin without width
    columns = {"low": edges[: len(n)], "high": highs[: len(n)], "n": n, "mean_p": mean_p, "fraction_fake": fraction}
    table = pd.DataFrame(columns)
    return table[table["n"] > 0].reset_index(drop=True)


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """The mean distance of a bin's score from its share of fakes, weighted by images; in [0, 1].

    For the probability of fake, not for the confidence in the likelier class. Even a calibrated model's is
    above 0, by chance, the more so the smaller the bins. Naeini, Cooper and Hauskrecht, "Obtaining well
    calibrated probabilities using Bayesian binning", AAAI 2015; by equal mass as in Nguyen and O'Connor,
    "Posterior calibration and exploratory analysis for natural language processing models", EMNLP 2015.
    """
    distance = (bins["mean_p"] - bins["fraction_fake"]).abs()
    return float(sum(bins["n"] * distance) / bins["n"].sum())


def calibration(predictions: Predictions, *, bins: int = 10) -> Calibration:
    """Brier score (Monthly Weather Review 78, 1950) and both calibration errors, of at least one image."""
    labels, scores = predictions.fake.astype(np.float64), predictions.p_fake
    return Calibration(
        ece_equal_mass=expected_calibration_error(reliability(predictions, bins=bins)),
        ece_equal_width=expected_calibration_error(reliability(predictions, bins=bins, binning="equal_width")),
        brier=float(np.mean((scores - labels) ** 2)),
        mean_p=float(scores.mean()),
        fraction_fake=float(labels.mean()),
        bins=bins,
    )
