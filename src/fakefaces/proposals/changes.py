"""Models before and after a change: paired differences on the test images of both, and images that change sides."""

from dataclasses import dataclass

import pandas as pd

from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.gate import ChampionComparison, Scores, compare_with_champion
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import Evaluation
from fakefaces.proposals.results import RULE, Results

SIDES = ("fakes found", "fakes missed", "reals cleared", "reals accused")  # what may happen to an image


@dataclass(frozen=True)
class ModelChange:
    """One model, or shortcut rule, before and after."""

    name: str
    before: Estimate | None  # the metric in its own evaluation; None where the model is new
    after: Estimate | None  # None where the model is removed
    comparison: ChampionComparison | None  # of after (candidate) minus before (champion); None where it has no pair
    same: bool  # whether all scores of the images of both are equal

    @property
    def is_rule(self) -> bool:
        """Whether it is a shortcut rule."""
        return self.name.startswith(RULE)

    @property
    def difference(self) -> Estimate:
        """After minus before."""
        if self.comparison is None:
            return Estimate(value=None, reason="there is no pair")
        pair = self.comparison
        low_high = None if pair.interval is None else (pair.interval[0], pair.interval[1])
        return Estimate(value=pair.difference, interval=low_high, reason=pair.reason)


def compare(name: str, before: Results | None, after: Results, metric: str, resampling: Resampling) -> ModelChange:
    """Compare a model of either, on the same test images and the same resamples of their groups.

    Labels and groups are those of ``after``.
    """
    old, new = before.metrics.get(name) if before else None, after.metrics.get(name)
    paired = _paired(name, before, after) if before and old and new else None
    comparison, same = None, False
    if old and new and paired is not None and len(paired):
        comparison = compare_with_champion(
            paired,
            candidate=Scores(paired["after"], new.decision_threshold),
            champion=Scores(paired["before"], old.decision_threshold),
            metric=metric,
            resampling=resampling,
        )
        same = bool((paired["before"] == paired["after"]).all())
    return ModelChange(name, _estimate(old, metric), _estimate(new, metric), comparison, same)


def changed_sides(name: str, before: Results, after: Results) -> pd.DataFrame:
    """The test images that a model calls fake before and not after, or the reverse.

    Columns: ``model``, ``image``, ``sha256``, ``label``, ``before`` and ``after`` (scores), and ``change``, one of
    :data:`SIDES`.
    """
    paired = _paired(name, before, after).assign(model=name, change="")
    called = {when: paired[when] >= r.metrics[name].decision_threshold for when, r in _both(before, after).items()}
    fake = paired["label"] == 1
    changes = dict(
        zip(
            SIDES,
            (
                fake & called["after"] & ~called["before"],
                fake & ~called["after"] & called["before"],
                ~fake & ~called["after"] & called["before"],
                ~fake & called["after"] & ~called["before"],
            ),
            strict=True,
        )
    )
    for change, mask in changes.items():
        paired.loc[mask, "change"] = change
    columns = ["model", "image", "sha256", "label", "before", "after", "change"]
    return paired.loc[paired["change"] != "", columns].reset_index(drop=True)


def _both(before: Results, after: Results) -> dict[str, Results]:
    return {"before": before, "after": after}


def _paired(name: str, before: Results, after: Results) -> pd.DataFrame:
    """The test images of both, with a model's scores ``before`` and ``after``."""
    earlier = dict(zip(before.predictions["sha256"], before.predictions[name].astype("float64"), strict=True))
    table = after.predictions.assign(
        before=after.predictions["sha256"].map(earlier), after=after.predictions[name].astype("float64")
    )
    return table.dropna(subset=["before", "after"]).reset_index(drop=True)


def _estimate(evaluation: Evaluation | None, metric: str) -> Estimate | None:
    return evaluation.test.overall.estimate(metric) if evaluation else None
