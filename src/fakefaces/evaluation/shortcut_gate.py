"""What a candidate must show by itself: that it is better than chance, and sees more than the shortcut rules do."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fakefaces.evaluation.gate import GateResult
from fakefaces.evaluation.intervals import (
    MIN_GROUPS,
    Interval,
    Resampling,
    bootstrap,
    percentile_interval,
    too_few_groups,
)
from fakefaces.evaluation.metrics import metric_values, weighted_metrics
from fakefaces.evaluation.predictions import Array, TestPredictions
from fakefaces.evaluation.slices import HARMONISED, matched_subset

_METRIC = "roc_auc"
_NO_ENCODING = (
    "no real is a JPEG, whose header would tell its encoding; a model of harmonised features needs none: "
    "docs/promotion.md"
)
_FILE_RULES = ("header", "exif")  # what they see is no more in images that were harmonised


_CURE = "where the format may be the class, set harmonise for its features (docs/promotion.md)"


@dataclass(frozen=True)
class ShortcutComparison:
    """A candidate against chance on all test images, and against the best rule on those of the commonest encoding."""

    n: int  # test images
    roc_auc: float | None  # of the candidate, in [0, 1]; None where it is undefined
    interval: list[float] | None  # 95 %, from the group bootstrap; None with a reason
    n_matched: int  # test images in the encoding that most reals have
    matched: float | None  # the candidate's ROC AUC on these
    rule: str | None  # the shortcut rule with the highest ROC AUC on these; None without rules
    rule_matched: float | None  # its ROC AUC on these
    difference: list[float] | None  # 95 % interval of candidate minus rule, from the paired group bootstrap
    reason: str | None = None  # why something is None


def compare_with_shortcuts(
    images: pd.DataFrame, rules: Mapping[str, pd.Series], resampling: Resampling, *, harmonised: bool = False
) -> ShortcutComparison:
    """Compare a candidate with the shortcut rules on the same test images, and on the same resamples of their groups.

    Args:
        images: ``label`` (1 fake), ``p_fake`` of the candidate, ``group`` and ``encoding``.
        rules: ``p_fake`` of the same images by rule.
        resampling: of the groups.
        harmonised: whether the candidate saw all images in the same sizes and encodings: then all of them count as
            matched, and the rules that read the file say nothing about what it saw.
    """
    candidate = TestPredictions.from_table(images)
    roc_auc, reason = _roc_auc(candidate)
    chance = _interval([candidate], resampling)
    encoding = images.get("encoding", pd.Series("", images.index))  # earlier releases did not record it
    if harmonised:
        encoding = pd.Series(HARMONISED, images.index)
    _, mask = matched_subset(candidate, encoding)
    matched = candidate.subset(mask)
    value, matched_reason = _roc_auc(matched) if len(matched) else (None, _NO_ENCODING)
    by_rule = {
        name: TestPredictions.from_arrays(images["label"], scores, images["group"]).subset(mask)
        for name, scores in rules.items()
        if not (harmonised and name in _FILE_RULES)
    }
    values = {name: _roc_auc(rule)[0] for name, rule in by_rule.items()} if value is not None else {}
    known = {name: rule for name, rule in values.items() if rule is not None}
    best = max(known, key=lambda name: known[name]) if known else None
    if not rules:
        matched_reason = "its evaluation has no scores of shortcut rules: evaluate it again"
    difference = _interval([matched, by_rule[best]], resampling) if best else Interval(reason=matched_reason)
    return ShortcutComparison(
        n=len(candidate),
        roc_auc=roc_auc,
        interval=chance.ends,
        n_matched=len(matched),
        matched=value,
        rule=best,
        rule_matched=known[best] if best else None,
        difference=difference.ends,
        reason=reason or chance.reason or matched_reason or difference.reason,
    )


def decide_on_shortcuts(comparison: ShortcutComparison) -> GateResult:
    """Whether both intervals lie above zero: of the ROC AUC above chance, and of the difference to the best rule."""
    if comparison.interval is None:
        return GateResult(False, f"the test images cannot show that it is better than chance ({comparison.reason})")
    low, high = comparison.interval
    summary = f"ROC AUC {comparison.roc_auc:.4f} [{low:.4f}, {high:.4f}] on {comparison.n} test images"
    if low <= 0.5:
        return GateResult(False, f"{summary}: not shown to be better than chance")
    if comparison.difference is None:
        reason = f"it is not shown to beat the shortcut rules ({comparison.reason}); {_CURE}"
        return GateResult(False, f"{summary}, but {reason}")
    low, high = comparison.difference
    summary = (
        f"ROC AUC {comparison.matched:.4f} on the {comparison.n_matched} test images in one encoding, where the best "
        f"rule that sees no forgery ({comparison.rule}) has {comparison.rule_matched:.4f}: [{low:+.4f}, {high:+.4f}]"
    )
    return GateResult(low > 0, summary if low > 0 else f"{summary}: not shown to see more than the rule does; {_CURE}")


def _roc_auc(predictions: TestPredictions) -> tuple[float | None, str | None]:
    values, reasons = metric_values(predictions, 0.5, [_METRIC])
    return values[_METRIC], reasons.get(_METRIC)


def _interval(models: list[TestPredictions], resampling: Resampling) -> Interval:
    """The interval of the first model's ROC AUC, or of its difference to the second's."""
    n_groups = min(models[0].n_groups_by_class)
    if n_groups < MIN_GROUPS:
        return too_few_groups(n_groups)

    def statistic(weights: Array) -> dict[str, Array]:
        first, *others = (weighted_metrics(model, 0.5, weights, [_METRIC])[_METRIC] for model in models)
        return {"value": first - others[0] if others else first}

    values = bootstrap(statistic, models[0].group, resampling)["value"]
    interval = percentile_interval(values)
    known = values[~np.isnan(values)]
    if interval.ends is None and len(known) and not interval.n_undefined:  # a candidate that is right on every image
        return Interval(float(known.min()), float(known.max()))
    return interval
