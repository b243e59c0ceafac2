"""A model's heat maps held against what was replaced, beside maps that know nothing."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.explain.localization import localization
from fakefaces.explain.pictures import smooth
from fakefaces.explain.truth import SIDE, Truth

_BLOB = 0.2  # standard deviation of the centre's blob, of the picture's side


def judge_heat(
    heat: NDArray[Any],
    images: pd.DataFrame,
    known: Mapping[str, Truth],
    *,
    random_maps: int,
    n_resamples: int,
    seed: int,
) -> dict[str, Any] | None:
    """How often a model's maps point at the forgery.

    Args:
        heat: (n, h, w) maps of test images, 0 to 1.
        images: (n,) rows with ``image`` and ``group``, in the order of ``heat``.
        known: what was replaced, by image; images that are not in it are not judged.
        random_maps: maps of noise in the resolution of ``heat``, whose mean is the first baseline.
        n_resamples: resamples of the groups.
        seed: of noise and resampling.

    Returns:
        The record of :func:`fakefaces.explain.localization.localization` with the baselines ``random`` and
        ``centre``, and ``truth``: how many fakes are judged by what. None where nothing is known of any.
    """
    rows = np.flatnonzero(images["image"].isin(list(known)))
    if not len(rows):
        return None
    chosen = images.iloc[rows]
    truth = [known[image] for image in chosen["image"]]
    baselines = {"random": noise(heat.shape[1:], random_maps, seed), "centre": centre()[None]}
    record = localization(
        grown(heat[rows]),
        np.stack([one.mask for one in truth]),
        chosen["group"],
        baselines=baselines,
        n_resamples=n_resamples,
        seed=seed,
    )
    return {"truth": dict(sorted(Counter(one.origin for one in truth).items()))} | record


def grown(heat: NDArray[Any]) -> NDArray[np.float32]:
    """Maps at the resolution of the masks, interpolated as they are shown: float32 (n, SIDE, SIDE)."""
    return np.stack([smooth(one, SIDE, SIDE) for one in heat])


def noise(shape: tuple[int, ...], count: int, seed: int) -> NDArray[np.float32]:
    """Uniform noise in a map's own resolution, grown like a map: what a model that knows nothing could show."""
    return grown(np.random.default_rng(seed).random((count, *shape), dtype=np.float32))


def centre() -> NDArray[np.float32]:
    """A blob in the middle, where every face is: float32 (SIDE, SIDE)."""
    place = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    ridge = np.exp(-0.5 * (place / _BLOB) ** 2)
    return np.outer(ridge, ridge).astype(np.float32)
