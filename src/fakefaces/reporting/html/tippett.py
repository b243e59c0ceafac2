"""The Tippett plot of a model, and what its card says of the weight of its evidence."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.data.faces import FAKE
from fakefaces.evaluation.decision_metrics import LikelihoodRatio
from fakefaces.reporting.html.charts import PALETTE

_POINTS = 61
_LINES = ("fakes", "reals")


def tippett(ratio: LikelihoodRatio | None, test: pd.DataFrame) -> dict[str, Any] | None:
    """Shares of fakes and of reals whose log10 likelihood ratio is at least x, as a Vega-Lite specification.

    Tippett plots: Evett and Buckleton, "Statistical analysis of STR data", Advances in Forensic Haemogenetics 6 (1996).
    Where the fakes' line falls left of 0, or the reals' has not fallen there, evidence misleads.

    Args:
        ratio: the calibration; None gives no plot.
        test: ``label`` and ``p_fake`` of the test images.
    """
    if ratio is None or not len(test):
        return None
    log10_lr, fake = ratio.log10_lr(test["p_fake"].to_numpy(np.float64)), test["label"].to_numpy() == FAKE
    grid = np.unique(np.r_[np.linspace(ratio.low, ratio.high, _POINTS), 0.0])
    values = [
        {"x": round(float(x), 4), "share": round(_share(log10_lr[mask], x), 4), "images": name}
        for name, mask in zip(_LINES, (fake, ~fake), strict=True)
        if mask.any()
        for x in grid
    ]
    x = {"field": "x", "type": "quantitative", "title": "log10 likelihood ratio (above 0 speaks for fake)"}
    share = {"field": "share", "type": "quantitative", "title": "share of images with at least this ratio"}
    colour = {
        "field": "images",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(_LINES), "range": [PALETTE[4], PALETTE[0]]},
        "legend": {"orient": "bottom"},
    }
    lines = {
        "mark": {"type": "line", "interpolate": "step-before"},
        "encoding": {
            "x": x | {"scale": {"nice": False}},
            "y": share | {"scale": {"domain": [0, 1]}},
            "color": colour,
            "tooltip": [{"field": "images", "type": "nominal"}, x | {"format": ".2f"}, share | {"format": ".3f"}],
        },
    }
    neutral = {
        "data": {"values": [{"x": 0}]},
        "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#888"},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": "Tippett plot: share of fakes and of reals whose log10 likelihood ratio is at least x.",
        "data": {"values": values},
        "width": "container",
        "height": 280,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "layer": [neutral, lines],
    }


def weight_of_evidence(ratio: LikelihoodRatio | None) -> str:
    """The sentence of the model card."""
    if ratio is None:
        return (
            "Its scores are not calibrated as likelihood ratios: validation lacks a class, or the scores do not rise."
        )
    cost = (
        ""
        if ratio.cllr is None or ratio.min_cllr is None
        else (
            f" Their cost on the test images is Cllr {ratio.cllr} (0 perfect, 1 as good as no evidence), of which "
            f"{ratio.min_cllr:.3f} is left by the best calibration of the same scores."
        )
    )
    return (
        f"Its scores are calibrated as log10 likelihood ratios, from {ratio.low:+.2f} to {ratio.high:+.2f}: more the "
        f"{ratio.n_reals} real and {ratio.n_fakes} fake validation images do not support (ELUB).{cost}"
    )


def _share(values: NDArray[np.float64], x: float) -> float:
    return float((values >= x - 1e-9).mean())
