"""The promotion gate: candidate and champion on the same test images, overall and within each slice."""

from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
import pandas as pd

from fakefaces.evaluation.groups import NOT_STATED, compared, group_masks
from fakefaces.evaluation.intervals import (
    MIN_GROUPS,
    Interval,
    Resampling,
    bootstrap,
    percentile_interval,
    too_few_groups,
)
from fakefaces.evaluation.metrics import metric_values, weighted_metrics
from fakefaces.evaluation.predictions import Array, Mask, TestPredictions
from fakefaces.evaluation.slices import difficulty_masks, part_masks

_EQUAL = 1e-9  # metrics that differ by less are equal
# A two-sided test at 5 % sees a difference of so many standard errors four times in five.
_DETECTABLE = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)


@dataclass(frozen=True)
class Scores:
    """A model's scores of the test images."""

    p_fake: pd.Series  # (n,), in the order of the images
    threshold: float  # an image is called fake where its score reaches it


@dataclass(frozen=True)
class SliceDifference:
    """Candidate and champion on the fakes of one kind against all reals, or on the images of one group."""

    slice: str  # ``difficulty``, ``part``, or an attribute of ``evaluate.slices``
    name: str  # such as ``hard`` or ``nose``; of a group what is compared, too: ``camera A: reals called real``
    fakes: int  # of this kind
    difference: float | None  # candidate minus champion, in [-1, 1], above 0 better; None where it is not estimated
    reason: str | None = None  # why it is not
    reals: int | None = None  # of a group; None for kinds of fakes, which are compared with all reals


@dataclass(frozen=True)
class ChampionComparison:
    """Candidate and champion on the same test images."""

    metric: str  # its name
    n: int  # images
    groups: int  # groups of images that share a photograph
    candidate: float | None  # the candidate's metric, in [0, 1]; None where it is undefined
    champion: float | None  # the champion's metric, in [0, 1]; None where it is undefined
    difference: float | None  # candidate minus champion
    interval: list[float] | None  # 95 %, from the paired group bootstrap; None with a reason
    reason: str | None = None  # why something is None
    slices: list[SliceDifference] = field(default_factory=list)  # by difficulty, by part and by group
    detectable: float | None = None  # difference that these images show four times in five; None without an estimate

    @property
    def tied(self) -> bool:
        """Whether both have the same metric."""
        return self.difference is not None and abs(self.difference) < _EQUAL

    def summary(self) -> str:
        """Both metrics, their difference with its interval, and what the images could have shown, for people."""
        low, high = self.interval or (float("nan"), float("nan"))
        power = (
            "" if self.detectable is None else f", which show a difference of {self.detectable:.4f} four times in five"
        )
        return (
            f"{self.metric} {self.candidate:.4f} against the champion's {self.champion:.4f} on the same {self.n} test "
            f"images of {self.groups} photographs{power}: {self.difference:+.4f} [{low:+.4f}, {high:+.4f}]"
        )


@dataclass(frozen=True)
class GateResult:
    """Whether the candidate replaces the champion, and why in one sentence."""

    promoted: bool
    reason: str


def compare_with_champion(
    images: pd.DataFrame, candidate: Scores, champion: Scores, *, metric: str, resampling: Resampling
) -> ChampionComparison:
    """Evaluate two models on the same images, and on the same resamples of their groups.

    The images have ``label`` (1 fake), ``group``, ``difficulty`` and the parts, and ``slice_<attribute>`` for groups.
    """
    first, second = (
        TestPredictions.from_arrays(images["label"], scores.p_fake, images["group"]) for scores in (candidate, champion)
    )
    pair = _Pair(metric, first, second, (candidate.threshold, champion.threshold))
    candidate_value, champion_value, difference, reason = pair.values()
    interval, detectable = (Interval(reason=reason), None) if difference is None else pair.interval(resampling)
    masks = {"difficulty": difficulty_masks(images["difficulty"]), "part": part_masks(images)}
    return ChampionComparison(
        metric,
        n=len(pair.candidate),
        groups=pair.candidate.n_groups,
        candidate=candidate_value,
        champion=champion_value,
        difference=difference,
        interval=interval.ends,
        reason=interval.reason,
        slices=[
            pair.slice_difference(kind, name, mask) for kind, by_name in masks.items() for name, mask in by_name.items()
        ]
        + [
            difference
            for attribute, by_name in group_masks(images).items()
            for name, mask in by_name.items()
            if name != NOT_STATED
            for difference in pair.group_differences(attribute, name, mask)
        ],
        detectable=detectable,
    )


def decide(
    comparison: ChampionComparison, *, margin: float, slice_margin: float, advantage: str | None = None
) -> GateResult:
    """A test of non-inferiority: is the candidate no worse, surely not much worse, and much worse on no slice.

    A new model need not be shown to be better, which a few hundred images can hardly do, but a loss of more than
    ``margin`` must be ruled out: the lower 95 % bound of candidate minus champion must be at least -``margin``, and
    no slice's difference may lie below -``slice_margin`` (a slice is a few images: it has no interval). Where both have
    the same metric, the champion stays, unless the candidate has an ``advantage`` elsewhere, stated in a clause.
    """
    if comparison.difference is None or comparison.interval is None:
        return GateResult(
            False, f"the test images do not separate it from the champion ({comparison.reason}): the champion stays"
        )
    low, summary = comparison.interval[0], comparison.summary()
    if comparison.tied:
        if advantage is None:
            return GateResult(
                False, f"{summary}; a tie, and it is not better on validation nor trained on more: the champion stays"
            )
        summary = f"{summary}; a tie, but {advantage}"
    elif comparison.difference < 0:
        return GateResult(False, f"{summary}; it is worse: the champion stays")
    if low < -margin:
        return GateResult(False, f"{summary}; a loss of more than {margin:g} is not ruled out: the champion stays")
    worse_slices = [f"{s.name} {s.difference:+.4f}" for s in worse(comparison, slice_margin)]
    if worse_slices:
        return GateResult(False, f"{summary}; but worse by more than {slice_margin:g} on {', '.join(worse_slices)}")
    return GateResult(True, f"{summary}, and no slice is worse by more than {slice_margin:g}")


def worse(comparison: ChampionComparison, slice_margin: float) -> list[SliceDifference]:
    """The slices on which the candidate is worse by more than the margin."""
    return [s for s in comparison.slices if s.difference is not None and s.difference < -slice_margin]


def detectable_difference(
    candidate: TestPredictions,
    champion: TestPredictions,
    thresholds: tuple[float, float],
    metric: str,
    resampling: Resampling,
) -> float | None:
    """The smallest difference in a metric of two models that these images show four times in five.

    With the candidate as champion: that to a model of unrelated errors. None where the metric is undefined, or the
    images are of too few photographs.
    """
    pair = _Pair(metric, candidate, champion, thresholds)
    return None if pair.values()[2] is None else pair.interval(resampling)[1]


@dataclass(frozen=True)
class _Pair:
    """Predictions of both models for the same images, with their thresholds."""

    metric: str
    candidate: TestPredictions
    champion: TestPredictions
    thresholds: tuple[float, float]

    def values(self) -> tuple[float | None, float | None, float | None, str | None]:
        """The metric of both models, candidate minus champion, and why one is None."""
        first, first_reasons = metric_values(self.candidate, self.thresholds[0], [self.metric])
        second, second_reasons = metric_values(self.champion, self.thresholds[1], [self.metric])
        candidate, champion = first[self.metric], second[self.metric]
        if candidate is None or champion is None:
            return candidate, champion, None, first_reasons.get(self.metric) or second_reasons[self.metric]
        return candidate, champion, candidate - champion, None

    def slice_difference(self, kind: str, name: str, mask: Mask) -> SliceDifference:
        """The fakes of a slice against all reals."""
        fake = self.candidate.fake
        in_slice = mask & fake
        n_fakes, n_groups = int(in_slice.sum()), len(np.unique(self.candidate.group[in_slice]))
        if reason := _too_few(n_groups):
            return SliceDifference(kind, name, n_fakes, None, reason)
        subset = in_slice | ~fake
        pair = replace(self, candidate=self.candidate.subset(subset), champion=self.champion.subset(subset))
        _, _, difference, reason = pair.values()
        return SliceDifference(kind, name, n_fakes, difference, reason)

    def group_differences(self, attribute: str, name: str, mask: Mask) -> list[SliceDifference]:
        """The images of a group: the metric, and the shares of its reals and of its fakes that are called right."""
        fake = self.candidate.fake
        reals, fakes, chosen = mask & ~fake, mask & fake, compared(mask, fake)
        pair = replace(self, candidate=self.candidate.subset(chosen), champion=self.champion.subset(chosen))
        reason = _too_few(min(pair.candidate.n_groups_by_class))
        rows: list[tuple[str, float | None, str | None]] = [("", None, reason) if reason else ("", *pair.values()[2:])]
        for title, population, sign in ((": reals called real", reals, -1), (": fakes called fake", fakes, 1)):
            if reason := _too_few(len(np.unique(self.candidate.group[population]))):
                rows.append((title, None, reason))
                continue
            first, second = (
                float(model.called_fake(threshold)[population].mean())
                for model, threshold in zip((self.candidate, self.champion), self.thresholds, strict=True)
            )
            rows.append((title, sign * (first - second), None))
        counts = {"fakes": int(fakes.sum()), "reals": int(reals.sum())}
        return [
            SliceDifference(attribute, f"{attribute} {name}{title}", difference=difference, reason=why, **counts)
            for title, difference, why in rows
        ]

    def interval(self, resampling: Resampling) -> tuple[Interval, float | None]:
        """The interval of the difference, and the smallest difference that so many images show four times in five.

        The minimum detectable difference at a power of 80 % is 2.8 standard errors: Bloom, "Minimum detectable
        effects", Evaluation Review 19 (1995). Where both models agree on all resamples, the error is that of
        independent models, which is an upper bound.
        """
        n_groups = min(self.candidate.n_groups_by_class)
        if n_groups < MIN_GROUPS:
            return too_few_groups(n_groups), None

        def both(weights: Array) -> dict[str, Array]:
            first = weighted_metrics(self.candidate, self.thresholds[0], weights, [self.metric])
            second = weighted_metrics(self.champion, self.thresholds[1], weights, [self.metric])
            return {"first": first[self.metric], "difference": first[self.metric] - second[self.metric]}

        resampled = bootstrap(both, self.candidate.group, resampling)
        differences = resampled["difference"]
        error = float(np.nanstd(differences)) or float(np.sqrt(2) * np.nanstd(resampled["first"]))
        # Two models that rank all images alike differ by exactly 0, which no interval of resamples would say.
        interval = percentile_interval(differences) if differences.any() else Interval(0.0, 0.0)
        return interval, _DETECTABLE * error or None


def _too_few(n_groups: int) -> str | None:
    """Why so many groups are too few for a slice; None where they are not."""
    return f"groups: {n_groups}; {MIN_GROUPS} are needed" if n_groups < MIN_GROUPS else None
