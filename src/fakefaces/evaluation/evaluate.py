"""All that is told of one model: from its scores, those of the corrupted images, and those of the rules."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.evaluation.calibration import reliability
from fakefaces.evaluation.metrics import classification_metrics
from fakefaces.evaluation.operating_point import at_operating_point
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.robustness import robustness
from fakefaces.evaluation.scores import evaluate_scores, rounded
from fakefaces.evaluation.shortcut_variance import variance_explained


def judge(
    validation: pd.DataFrame,
    test: pd.DataFrame,
    *,
    corrupted_scores: pd.DataFrame | None,
    rules: Mapping[str, pd.Series],
    threshold: float,
    max_fpr: float,
    max_fnr: float,
    n_resamples: int,
    seed: int,
) -> dict[str, Any]:
    """The record of one model, for ``reports/metrics``.

    Args:
        validation: a row an image: ``label``, ``p_fake``, ``group``.
        test: as :func:`fakefaces.evaluation.scores.evaluate_scores` takes it.
        corrupted_scores: ``transform``, ``level``, ``image``, ``p_fake`` of corrupted test images; None for none.
        rules: by rule, p_fake of the test images, indexed by ``image``.
        threshold: an image is called fake where ``p_fake >= threshold``.
        max_fpr: of the operating threshold.
        max_fnr: of the unsure band.
        n_resamples: resamples of the groups.
        seed: of the resampling.

    Returns:
        ``validation``: the figures there; ``test``: those of ``evaluate_scores``; ``reliability``: the bins of
        its diagram; ``operating``: :func:`fakefaces.evaluation.operating_point.at_operating_point`; ``explained``:
        by rule, and by all of them, the share of the score's variance that it explains; ``robustness``: a row
        a level, :func:`fakefaces.evaluation.robustness.robustness`.
    """
    sampling: dict[str, Any] = {"n_resamples": n_resamples, "seed": seed}
    whole = evaluate_scores(test, threshold=threshold, **sampling)
    held, seen = (Predictions.from_arrays(part["label"], part["p_fake"], part["group"]) for part in (validation, test))
    operating = at_operating_point(held, seen, max_fpr=max_fpr, max_fnr=max_fnr, **sampling)
    record = {
        "validation": classification_metrics(held.fake, held.p_fake, threshold),
        "reliability": [asdict(one) for one in reliability(seen.fake, seen.p_fake)],
        "explained": _explained(test, rules),
        "robustness": _robustness(test, corrupted_scores, threshold=threshold, **sampling)
        if corrupted_scores is not None
        else [],
    }
    # The thresholds keep all their digits: rounding could move them past a score.
    return {"test": whole, "operating": _rounded_but(operating)} | rounded(record)


def match_sources(images: pd.DataFrame, pairs: pd.DataFrame, *, min_inliers: int) -> pd.Series:
    """For each fake the real that it was made from: the one that it shares most places with; else missing.

    A fake agrees with the photograph that lent it a part, too, and with the neighbour in a group's photograph,
    but in fewer places: on CIPLAB's set in 94 at most, with its own source in 118 or more (seen on all pairs).

    Args:
        images: ``image`` and ``label`` of all images.
        pairs: ``a``, ``b``, ``inliers`` as in ``reports/duplicate_pairs.csv``.
        min_inliers: from which on a real is the source.
    """
    pairs = pairs[pairs["inliers"] >= min_inliers]
    label = images.set_index("image")["label"]
    both = pd.concat([pairs, pairs.rename(columns={"a": "b", "b": "a"})])
    fakes = both[(both["a"].map(label) == 1) & (both["b"].map(label) == 0)]
    best = fakes.sort_values(["inliers", "b"], ascending=[False, True]).drop_duplicates("a").set_index("a")["b"]
    return images["image"].map(best)


def _explained(test: pd.DataFrame, rules: Mapping[str, pd.Series]) -> dict[str, float | None]:
    if not rules:
        return {}
    columns = {name: scores.loc[test["image"]].to_numpy()[:, None] for name, scores in rules.items()}
    columns["all"] = np.hstack(list(columns.values()))
    return {name: variance_explained(test["p_fake"], values) for name, values in columns.items()}


def _robustness(
    test: pd.DataFrame, corrupted_scores: pd.DataFrame, *, threshold: float, n_resamples: int, seed: int
) -> list[dict[str, Any]]:
    chosen = test[test["image"].isin(corrupted_scores["image"])].set_index("image")
    found = {}
    for (transform, level), rows in corrupted_scores.groupby(["transform", "level"], sort=False):
        found[str(transform), float(str(level))] = rows.set_index("image")["p_fake"].loc[chosen.index]
    return robustness(
        chosen["label"],
        chosen["p_fake"],
        found,
        chosen["group"],
        threshold=threshold,
        n_resamples=n_resamples,
        seed=seed,
    )


def _rounded_but(operating: dict[str, Any]) -> dict[str, Any]:
    kept = {"threshold": operating["threshold"]}
    record = rounded(operating) | kept
    if "unsure" in record:
        record["unsure"] |= {name: operating["unsure"][name] for name in ("low", "high")}
    return record
