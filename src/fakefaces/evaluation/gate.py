"""Whether a model may take another's place: both on the same images, as a whole and within each slice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from fakefaces.data.faces import DIFFICULTIES, PARTS
from fakefaces.evaluation.intervals import MIN_GROUPS, Interval, bootstrap, percentile_interval, too_few_groups
from fakefaces.evaluation.metrics import point_metrics, populations, weighted_metrics
from fakefaces.evaluation.predictions import Mask, Predictions


@dataclass(frozen=True)
class SliceDifference:
    """Two models on the fakes of one kind against all reals.

    Attributes:
        slice: ``difficulty`` or ``part``.
        name: such as ``hard`` or ``nose``.
        fakes: of this kind.
        difference: of the figure, candidate minus champion, in [-1, 1]; None where it is not judged.
        reason: why not.
    """

    slice: str
    name: str
    fakes: int
    difference: float | None
    reason: str | None = None


@dataclass(frozen=True)
class ChampionComparison:
    """A candidate held against the champion on the same images.

    Attributes:
        metric: the figure.
        n: images.
        groups: independent groups of them.
        candidate: its figure, in [0, 1]; None where the images cannot tell it.
        champion: likewise.
        difference: candidate minus champion.
        interval: 95 %, from the paired group bootstrap; None with a reason.
        reason: why something is None.
        slices: by difficulty and by part.
    """

    metric: str
    n: int
    groups: int
    candidate: float | None
    champion: float | None
    difference: float | None
    interval: list[float] | None
    reason: str | None = None
    slices: list[SliceDifference] = field(default_factory=list)


@dataclass(frozen=True)
class GateResult:
    """Whether the candidate takes the champion's place, and why in one sentence."""

    promoted: bool
    reason: str


def compare_with_champion(
    images: pd.DataFrame,
    candidate: pd.Series,
    champion: pd.Series,
    thresholds: Mapping[str, float],
    *,
    metric: str,
    n_resamples: int,
    seed: int,
) -> ChampionComparison:
    """Measure two models on the same images, draw by draw on the same groups.

    Args:
        images: (n) rows with ``label`` (1 fake), ``group``, ``difficulty`` and :data:`PARTS`.
        candidate: (n,) its p_fake of them, in their order.
        champion: (n,) the champion's.
        thresholds: under ``candidate`` and ``champion``: an image is called fake where ``p_fake`` reaches it.
        metric: one of :data:`fakefaces.evaluation.metrics.METRICS`.
        n_resamples: resamples of the groups.
        seed: of the resampling.

    Raises:
        ModelError: as :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    pair = {
        "candidate": Predictions.from_arrays(images["label"], candidate, images["group"]),
        "champion": Predictions.from_arrays(images["label"], champion, images["group"]),
    }
    first = pair["candidate"]
    values, reason = _values(pair, thresholds, metric)
    difference, interval = _difference(values), Interval(reason=reason)
    if difference is not None:
        interval = _interval(pair, thresholds, metric, n_resamples=n_resamples, seed=seed)
    slices = [
        _slice(pair, thresholds, metric, kind, name, mask)
        for kind, masks in _masks(images).items()
        for name, mask in masks.items()
    ]
    return ChampionComparison(
        metric,
        n=len(first),
        groups=first.n_groups,
        candidate=values["candidate"],
        champion=values["champion"],
        difference=difference,
        interval=interval.ends,
        reason=interval.reason,
        slices=slices,
    )


def decide(held: ChampionComparison, *, margin: float, slice_margin: float) -> GateResult:
    """The candidate is promoted where it is not worse, surely not much worse, and much worse on no slice.

    A test of non-inferiority: a new model must not be shown to be better, which a few hundred images can
    hardly do, but a loss of more than ``margin`` must be ruled out.

    Args:
        held: the two on the same images.
        margin: the interval of the difference may reach down to minus this.
        slice_margin: no slice's difference may lie below minus this; a slice is a few images, so its
            difference is taken without an interval.
    """
    if held.difference is None or held.interval is None:
        return GateResult(
            False, f"the test images cannot tell it from the champion ({held.reason}): the champion stays"
        )
    low, high = held.interval
    figures = (
        f"{held.metric} {held.candidate:.4f} against the champion's {held.champion:.4f} on the same {held.n} test "
        f"images: {held.difference:+.4f} [{low:+.4f}, {high:+.4f}]"
    )
    if held.difference < 0:
        return GateResult(False, f"{figures}; it is worse: the champion stays")
    if low < -margin:
        return GateResult(False, f"{figures}; a loss of more than {margin:g} is not ruled out: the champion stays")
    fallen = [f"{one.name} {one.difference:+.4f}" for one in worse(held, slice_margin)]
    if fallen:
        return GateResult(False, f"{figures}; but worse by more than {slice_margin:g} on {', '.join(fallen)}")
    return GateResult(True, f"{figures}, and no slice is worse by more than {slice_margin:g}")


def worse(held: ChampionComparison, slice_margin: float) -> list[SliceDifference]:
    """The slices on which the candidate falls behind by more than the margin."""
    return [one for one in held.slices if one.difference is not None and one.difference < -slice_margin]


def _masks(images: pd.DataFrame) -> dict[str, dict[str, Mask]]:
    parts = {name: (images[name] == 1).fillna(False).to_numpy(dtype=bool) for name in PARTS}
    difficulties = {name: (images["difficulty"] == name).to_numpy(dtype=bool) for name in DIFFICULTIES}
    return {"difficulty": difficulties, "part": parts}


def _slice(
    pair: Mapping[str, Predictions], thresholds: Mapping[str, float], metric: str, kind: str, name: str, mask: Mask
) -> SliceDifference:
    fake = pair["candidate"].fake
    chosen = mask & fake
    fakes = int(chosen.sum())
    groups = len(np.unique(pair["candidate"].group[chosen]))
    if groups < MIN_GROUPS:
        return SliceDifference(kind, name, fakes, None, f"groups: {groups}; {MIN_GROUPS} are needed")
    inside = {which: images.subset(chosen | ~fake) for which, images in pair.items()}
    values, reason = _values(inside, thresholds, metric)
    return SliceDifference(kind, name, fakes, _difference(values), reason)


def _values(
    pair: Mapping[str, Predictions], thresholds: Mapping[str, float], metric: str
) -> tuple[dict[str, float | None], str | None]:
    values, why = {}, None
    for which, images in pair.items():
        found, reasons = point_metrics(images, thresholds[which], [metric])
        values[which] = found[metric]
        why = why or reasons.get(metric)
    return values, why


def _difference(values: Mapping[str, float | None]) -> float | None:
    candidate, champion = values["candidate"], values["champion"]
    return None if candidate is None or champion is None else candidate - champion


def _interval(
    pair: Mapping[str, Predictions], thresholds: Mapping[str, float], metric: str, *, n_resamples: int, seed: int
) -> Interval:
    images = pair["candidate"]
    masks = populations(images, thresholds["candidate"])
    groups = min(len(np.unique(images.group[masks[side]])) for side in ("positives", "negatives"))
    if groups < MIN_GROUPS:
        return too_few_groups(groups)

    def both(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {
            which: weighted_metrics(one, thresholds[which], weights, [metric])[metric] for which, one in pair.items()
        }

    drawn = bootstrap(both, images.group, n_resamples=n_resamples, seed=seed)
    differences = drawn["candidate"] - drawn["champion"]
    # Two models that put all images in the same order: known exactly, which no interval of resamples would say.
    return percentile_interval(differences) if differences.any() else Interval(0.0, 0.0)
