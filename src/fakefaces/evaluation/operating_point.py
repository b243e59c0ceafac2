"""What a model does at a threshold for a stated false-positive rate, chosen on validation, measured on test."""

from typing import Any

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import wilson_interval
from fakefaces.evaluation.predictions import Mask, Predictions
from fakefaces.evaluation.subset_metrics import subset_metrics
from fakefaces.evaluation.thresholds import OperatingPoint, operating_point, unsure_band


def at_operating_point(
    validation: Predictions, test: Predictions, *, max_fpr: float, max_fnr: float, n_resamples: int, seed: int
) -> dict[str, Any]:
    """Choose a threshold and an unsure band on validation, and tell what they do on the test images.

    Args:
        validation: what they are chosen on.
        test: what they are measured on.
        max_fpr: share of reals that may be called fake.
        max_fnr: share of fakes that may be called real outside of the unsure band.
        n_resamples: resamples of the groups.
        seed: of the resampling.

    Returns:
        A JSON-ready record: ``threshold``, ``max_fpr``, and on validation ``fpr``, ``fpr_high`` and
        ``recall``; ``test`` with accuracy, precision and recall as
        :func:`fakefaces.evaluation.subset_metrics.subset_metrics`, and ``fpr`` with its interval; ``unsure`` with the
        band's ``low`` and ``high``, the share of test images in it and the errors outside of it. Or
        ``threshold`` None with a ``reason``.
    """
    try:
        point = operating_point(validation.fake, validation.p_fake, max_fpr=max_fpr)
    except ModelError as error:
        return {"threshold": None, "max_fpr": max_fpr, "reason": str(error)}
    found: dict[str, Any] = vars(point).copy()
    if point.threshold is not None:
        found["test"] = _on_test(point, test, n_resamples=n_resamples, seed=seed)
        found["unsure"] = _band(validation, test, point.threshold, max_fpr=max_fpr, max_fnr=max_fnr)
    return found


def _on_test(point: OperatingPoint, test: Predictions, *, n_resamples: int, seed: int) -> dict[str, Any]:
    assert point.threshold is not None
    figures = ("accuracy", "precision", "recall")
    record = subset_metrics(test, threshold=point.threshold, n_resamples=n_resamples, seed=seed, figures=figures)
    share, ends = _share(test.called(point.threshold), ~test.fake)
    record["fpr"] = share
    record["intervals"]["fpr"] = ends
    return record


def _band(
    validation: Predictions, test: Predictions, threshold: float, *, max_fpr: float, max_fnr: float
) -> dict[str, Any]:
    try:
        band = unsure_band(validation.fake, validation.p_fake, threshold, max_fpr=max_fpr, max_fnr=max_fnr)
    except ModelError as error:
        return {"low": None, "high": None, "reasons": {"band": str(error)}}
    called_fake = test.p_fake >= band.high if band.high is not None else test.p_fake > 1
    called_real = test.p_fake < band.low if band.low is not None else test.p_fake < 0
    called_real &= ~called_fake
    unsure = ~(called_fake | called_real)
    return {
        "low": band.low,
        "high": band.high,
        "max_fnr": max_fnr,
        "share": float(unsure.mean()) if len(test) else None,
        "fpr": _share(called_fake, ~test.fake)[0],
        "fnr": _share(called_real, test.fake)[0],
        "reasons": band.reasons,
    }


def _share(chosen: Mask, among: Mask) -> tuple[float | None, list[float] | None]:
    n = int(among.sum())
    if not n:
        return None, None
    share = float((chosen & among).sum() / n)
    return share, wilson_interval(share, n).ends
