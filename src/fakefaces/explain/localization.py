"""Whether a heat map points at what was replaced, more often than maps that know nothing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefaces.base.errors import ModelError
from fakefaces.evaluation import intervals
from fakefaces.evaluation.predictions import Array

FIGURES = ("pointing", "energy")


def pointing(heat: NDArray[Any], masks: NDArray[np.bool_]) -> Array:
    """Play the pointing game: whether the warmest place of each map lies in its mask.

    Zhang et al., "Top-down neural attention by excitation backprop", IJCV 126 (2018), without its tolerance.

    Args:
        heat: (n, height, width), not negative.
        masks: bool (n, height, width).

    Returns:
        float64 (n,): 1 for a hit. A map without any heat points nowhere: 0. Of equally warm places each
        counts by its share.
    """
    peak = heat.max(axis=(1, 2), keepdims=True)
    warmest = (heat == peak) & (peak > 0)
    count = warmest.sum(axis=(1, 2))
    return np.divide((warmest & masks).sum(axis=(1, 2)), count, out=np.zeros(len(heat)), where=count > 0)


def energy(heat: NDArray[Any], masks: NDArray[np.bool_]) -> Array:
    """The share of a map's heat that lies in the mask.

    The energy-based pointing game of Wang et al., "Score-CAM", CVPR workshops 2020.

    Args:
        heat: (n, height, width), not negative.
        masks: bool (n, height, width).

    Returns:
        float64 (n,), in [0, 1]; 0 for a map without any heat.
    """
    total = heat.sum(axis=(1, 2), dtype=np.float64)
    inside = np.where(masks, heat, 0).sum(axis=(1, 2), dtype=np.float64)
    return np.divide(inside, total, out=np.zeros(len(heat)), where=total > 0)


def localization(
    heat: NDArray[Any],
    masks: NDArray[np.bool_],
    group: ArrayLike,
    *,
    baselines: Mapping[str, NDArray[Any]],
    n_resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Both figures of one model's maps, those of maps that know nothing, and the differences.

    Args:
        heat: (n, height, width) of n fakes, not negative.
        masks: bool (n, height, width), what was replaced in each.
        group: (n,) keys; images of one key are drawn together.
        baselines: by name (k, height, width): k maps each of which is held against all n masks; their mean
            counts.
        n_resamples: resamples of the groups.
        seed: of the resampling.

    Returns:
        A JSON-ready record: ``n``, ``groups``, ``area`` (mean share of the picture in the masks), ``empty``
        (share of maps without any heat), ``pointing`` and ``energy``, ``intervals`` (95 %, by figure) and
        ``baselines``: by name the same two figures, and ``gain``: the model's minus the baseline's, with
        their paired intervals. An interval is None where there are fewer than ten groups.

    Raises:
        ModelError: the arrays do not belong together, or there is no image.
    """
    if heat.shape != masks.shape or not len(heat):
        raise ModelError(f"localization: heat {heat.shape} and masks {masks.shape} are not of the same images")
    _, codes = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    figures: dict[str, Array] = {"pointing": pointing(heat, masks), "energy": energy(heat, masks)}
    for name, maps in baselines.items():
        for figure, values in _of_each_map(maps, masks).items():
            figures[f"{name}.{figure}"] = values
            figures[f"{name}.gain.{figure}"] = figures[figure] - values
    drawn = _drawn(figures, codes, n_resamples=n_resamples, seed=seed)

    def record(prefix: str) -> dict[str, Any]:
        names = {figure: f"{prefix}{figure}" for figure in FIGURES}
        ends = {figure: _ends(drawn.get(name)) for figure, name in names.items()}
        return {figure: float(figures[name].mean()) for figure, name in names.items()} | {"intervals": ends}

    return {
        "n": len(heat),
        "groups": int(codes.max()) + 1,
        "area": float(masks.mean()),
        "empty": float((heat.max(axis=(1, 2)) <= 0).mean()),
        **record(""),
        "baselines": {name: record(f"{name}.") | {"gain": record(f"{name}.gain.")} for name in baselines},
    }


def _of_each_map(maps: NDArray[Any], masks: NDArray[np.bool_]) -> dict[str, Array]:
    """Both figures of each mask, float64 (n,), in the mean over the maps: each map is held against all masks."""
    peak = maps.max(axis=(1, 2), keepdims=True)
    shares = {"pointing": (maps == peak) & (peak > 0), "energy": maps}
    inside = masks.reshape(len(masks), -1).astype(np.float64)
    found = {}
    for figure, heat in shares.items():
        flat = heat.reshape(len(heat), -1).astype(np.float64)
        total = flat.sum(axis=1, keepdims=True)
        parts = np.divide(flat, total, out=np.zeros_like(flat), where=total > 0)
        found[figure] = inside @ parts.mean(axis=0)
    return found


def _drawn(figures: Mapping[str, Array], codes: NDArray[np.intp], *, n_resamples: int, seed: int) -> dict[str, Array]:
    if int(codes.max()) + 1 < intervals.MIN_GROUPS:
        return {}

    def means(weights: Array) -> dict[str, Array]:
        total = weights.sum(axis=1)
        return {name: weights @ values / total for name, values in figures.items()}

    return intervals.bootstrap(means, codes.astype(np.intp), n_resamples=n_resamples, seed=seed)


def _ends(values: Array | None) -> list[float] | None:
    return None if values is None else intervals.percentile_interval(values).ends
