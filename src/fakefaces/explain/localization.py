"""Localization metrics: whether heatmaps point at the forgery, compared with uninformed baselines."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import REAL
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import MIN_GROUPS, Resampling, bootstrap, percentile_interval, too_few_groups
from fakefaces.evaluation.localization_metrics import SIDE, Baseline, Localization, LocalizationMetrics
from fakefaces.evaluation.metrics import estimate
from fakefaces.explain.ground_truth import GroundTruth
from fakefaces.explain.heatmaps import resize_heatmap

_CENTRE_WIDTH = 0.2  # standard deviation of the centre baseline's blob, as a share of the image's side

Heatmaps = NDArray[np.floating]
Masks = NDArray[np.bool_]
Values = NDArray[np.float64]


def evaluate_localization(
    heatmaps: Heatmaps,
    images: pd.DataFrame,
    ground_truth: Mapping[str, GroundTruth],
    *,
    random_maps: int,
    n_resamples: int,
    seed: int,
) -> LocalizationMetrics | None:
    """Compare a model's heatmaps with the ground truth masks and with baselines that know nothing of the image.

    The baselines are ``random``, noise that has no preferred place; ``centre``, a blob in the middle, where faces are;
    and ``average``, the model's own mean map of the real photographs, where there are any: what it always looks at.

    Args:
        heatmaps: (n, h, w) of test images, 0 to 1.
        images: rows with ``image``, ``label`` and ``group``, in the order of ``heatmaps``.
        ground_truth: by image; images without any are left out. None is returned where no image has any.
        random_maps: number of noise maps, in the resolution of ``heatmaps``, that the baseline ``random`` averages.
        n_resamples: bootstrap resamples of the groups.
        seed: random seed of the noise and the bootstrap.
    """
    rows = np.flatnonzero(images["image"].isin(list(ground_truth)))
    if not len(rows):
        return None
    baselines = {"random": random_heatmaps(heatmaps.shape[1:], random_maps, seed), "centre": centre_heatmap()[None]}
    reals = (images["label"] == REAL).to_numpy()
    if reals.any():
        baselines["average"] = _resize_to_masks(heatmaps[reals].mean(axis=0)[None])
    images = images.iloc[rows]
    truths = [ground_truth[image] for image in images["image"]]
    metrics = localization_metrics(
        _resize_to_masks(heatmaps[rows]),
        np.stack([truth.mask for truth in truths]),
        images["group"],
        baselines=baselines,
        n_resamples=n_resamples,
        seed=seed,
    )
    return metrics.model_copy(update={"truth": dict(sorted(Counter(truth.origin for truth in truths).items()))})


def localization_metrics(
    heatmaps: Heatmaps,
    masks: Masks,
    group: ArrayLike,
    *,
    baselines: Mapping[str, Heatmaps],
    n_resamples: int,
    seed: int,
) -> LocalizationMetrics:
    """Both metrics of the heatmaps of fakes and of the baselines, and their differences, with 95 % intervals.

    Args:
        heatmaps: (n, height, width), not negative.
        masks: bool (n, height, width), ground truth.
        group: (n,) keys; images of one group are resampled together.
        baselines: by name (k, height, width): k heatmaps, each of which is compared with all n masks and averaged.
        n_resamples: bootstrap resamples of the groups.
        seed: random seed of the bootstrap.

    Raises:
        ModelError: the shapes of heatmaps and masks differ.
    """
    if heatmaps.shape != masks.shape:
        raise ModelError(f"localization: heatmaps {heatmaps.shape} and masks {masks.shape} are of different images")
    _, codes = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    values: dict[str, Values] = {"pointing": pointing_game(heatmaps, masks), "energy": energy_in_mask(heatmaps, masks)}
    for name, maps in baselines.items():
        for metric, of_baseline in _baseline_values(maps, masks).items():
            values[f"{name}.{metric}"] = of_baseline
            values[f"{name}.gain.{metric}"] = values[metric] - of_baseline
    n_groups = int(codes.max()) + 1

    def means(weights: Values) -> dict[str, Values]:
        total = weights.sum(axis=1)
        return {name: weights @ per_image / total for name, per_image in values.items()}

    enough = n_groups >= MIN_GROUPS
    resampled = bootstrap(means, codes.astype(np.intp), Resampling(n_resamples, seed)) if enough else {}

    def estimate_of(name: str) -> Estimate:
        interval = percentile_interval(resampled[name]) if name in resampled else too_few_groups(n_groups)
        return estimate(float(values[name].mean()), interval)

    def localization(prefix: str) -> Localization:
        return Localization(pointing=estimate_of(f"{prefix}pointing"), energy=estimate_of(f"{prefix}energy"))

    return LocalizationMetrics(
        n=len(heatmaps),
        groups=n_groups,
        area=float(masks.mean()),
        empty=float((heatmaps.max(axis=(1, 2)) <= 0).mean()),
        model=localization(""),
        baselines={
            name: Baseline(metrics=localization(f"{name}."), gain=localization(f"{name}.gain.")) for name in baselines
        },
    )


def pointing_game(heatmaps: Heatmaps, masks: Masks) -> Values:
    """Whether the hottest place of each heatmap lies in its mask: 1 or 0; of equally hot places, the share inside.

    Zhang et al., "Top-down neural attention by excitation backprop", IJCV 126 (2018), without its tolerance.
    """
    return energy_in_mask(_hottest(heatmaps), masks)


def energy_in_mask(heatmaps: Heatmaps | Masks, masks: Masks) -> Values:
    """Share of each heatmap's heat that lies in its mask, in [0, 1]; 0 for a heatmap without any heat.

    The energy-based pointing game of Wang et al., "Score-CAM", CVPR workshops 2020.
    """
    total = heatmaps.sum(axis=(1, 2), dtype=np.float64)
    inside = np.where(masks, heatmaps, 0).sum(axis=(1, 2), dtype=np.float64)
    shares: Values = np.zeros(len(heatmaps))
    np.divide(inside, total, out=shares, where=total > 0)
    return shares


def _hottest(heatmaps: Heatmaps) -> Masks:
    """The places at which each heatmap has its peak; none in a heatmap without any heat."""
    return np.asarray((heatmaps == heatmaps.max(axis=(1, 2), keepdims=True)) & (heatmaps > 0))


def random_heatmaps(shape: tuple[int, ...], count: int, seed: int) -> NDArray[np.float32]:
    """Noise as coarse as a heatmap that peaks nowhere more often than elsewhere: float32 (count, SIDE, SIDE).

    Cells are enlarged as heatmaps are, but on a torus, whose halves meet at the edges, and each map is shifted so that
    the peaks of all are spread evenly, at the points of Halton's sequence. Enlarged otherwise, maps of few cells peak
    at the border, where interpolation repeats the outermost cells, and hardly ever in what was replaced.
    """
    from scipy.stats.qmc import Halton

    rng = np.random.default_rng(seed)
    peaks = (Halton(2, rng=rng).random(count) * SIDE).astype(int)
    height, width = (round(SIDE * (size + 2) / size) for size in shape)
    top, left = (round(SIDE / size) for size in shape)
    maps = []
    for cells, peak in zip(rng.random((count, *shape), dtype=np.float32), peaks, strict=True):
        enlarged = resize_heatmap(np.pad(cells, 1, mode="wrap"), height, width)
        heatmap = enlarged[top : top + SIDE, left : left + SIDE]
        shift = peak - np.unravel_index(int(heatmap.argmax()), heatmap.shape)
        maps.append(np.roll(heatmap, tuple(shift.tolist()), axis=(0, 1)))
    return np.stack(maps)


def centre_heatmap() -> NDArray[np.float32]:
    """A Gaussian blob in the middle, where every face is: float32 (SIDE, SIDE)."""
    position = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    profile = np.exp(-0.5 * (position / _CENTRE_WIDTH) ** 2)
    return np.outer(profile, profile).astype(np.float32)


def _resize_to_masks(heatmaps: Heatmaps) -> NDArray[np.float32]:
    """Heatmaps at the resolution of the masks, interpolated as overlays are: float32 (n, SIDE, SIDE)."""
    return np.stack([resize_heatmap(heatmap, SIDE, SIDE) for heatmap in heatmaps])


def _baseline_values(maps: Heatmaps, masks: Masks) -> dict[str, Values]:
    """Both metrics of each mask, float64 (n,), averaged over all maps."""
    flat_masks = masks.reshape(len(masks), -1).astype(np.float64)
    values = {}
    for metric, weights in (("pointing", _hottest(maps)), ("energy", maps)):
        flat = weights.reshape(len(weights), -1).astype(np.float64)
        total = flat.sum(axis=1, keepdims=True)
        shares = np.divide(flat, total, out=np.zeros_like(flat), where=total > 0)
        values[metric] = flat_masks @ shares.mean(axis=0)
    return values
