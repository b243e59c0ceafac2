"""What the page's script needs: test images, scores, thresholds, comparisons and charts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.evaluation.base_rate import threshold_curve
from fakefaces.evaluation.predictions import TestPredictions, ValidationPredictions
from fakefaces.reporting.html import pictures
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.tables.p_values import with_p_texts

_GALLERY_SHARE = 0.62  # of the page's bytes that photographs of the galleries may take


def script_data(run: RunOutputs, specs: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the page's script needs, to be written as JSON."""
    predictions = rounded(run.predictions, run.thresholds)
    gallery = run.params.report.gallery
    rows = pictures.select(predictions, predictions[run.best], run.thresholds[run.best], gallery)
    shown = predictions.iloc[rows].reset_index(drop=True)
    heat = {name: maps[rows] for name, maps in run.heatmaps.items()}
    entries = pictures.entries(shown, run.models, heat, run.truth, unfamiliar(run))
    max_bytes = int(run.params.report.max_bytes * _GALLERY_SHARE)
    uris = pictures.gallery_uris(run.layout.data, list(shown["image"]), max_bytes, threads=run.params.threads)
    comparisons = with_p_texts(run.comparisons, run.n_resamples)
    return {
        "models": run.models,
        "best": run.best,
        "thresholds": [run.thresholds[name] for name in run.models],
        "planning": planning(run),
        "heat": {name: list(maps.shape[1:]) for name, maps in heat.items()},
        "images": [entry | {"uri": uri} for entry, uri in zip(entries, uris, strict=True)],
        "all": {
            "image": predictions["image"].tolist(),
            "label": predictions["label"].tolist(),
            "scores": [predictions[name].tolist() for name in run.models],
        },
        "comparisons": comparisons.astype(object).where(comparisons.notna(), None).to_dict("records"),
        "charts": dict(specs),
    }


def unfamiliar(run: RunOutputs) -> dict[str, frozenset[str]]:
    """By model, the names of the test images that it calls unfamiliar; without models that cannot tell."""
    tables = {name: run.scored(name).test for name in run.models}
    return {
        name: frozenset(test["image"][test["unfamiliar"] == 1]) for name, test in tables.items() if "unfamiliar" in test
    }


def planning(run: RunOutputs) -> dict[str, Any]:
    """What the page computes the work of a day from, as :mod:`fakefaces.evaluation.base_rate` does.

    Returns:
        The numbers of independent test reals and fakes, and for each model the thresholds to choose from, with the
        rates of the validation images: threshold, recall, false-positive rate.
    """
    curves, n_reals, n_fakes = [], 0, 0
    for name in run.models:
        scored = run.scored(name)
        n_reals, n_fakes = TestPredictions.from_table(scored.test).n_groups_by_class
        curve = threshold_curve(ValidationPredictions.from_table(scored.validation))
        curves.append([[float(threshold), round(recall, 6), round(fpr, 6)] for threshold, recall, fpr in curve])
    return {"n_reals": n_reals, "n_fakes": n_fakes, "curves": curves}


def rounded(predictions: pd.DataFrame, thresholds: Mapping[str, float]) -> pd.DataFrame:
    """Scores with four digits, or all of them where rounding would move a score to the other side of its threshold."""
    short = {}
    for name, threshold in thresholds.items():
        scores = predictions[name].to_numpy(dtype=np.float64)
        four = scores.round(4)
        short[name] = np.where((four >= threshold) == (scores >= threshold), four, scores)
    return predictions.assign(**short)
