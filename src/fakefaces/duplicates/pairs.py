"""Every pair of images that share a photograph, with what is known from before taken over."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fakefaces.base.errors import DataError
from fakefaces.duplicates.candidates import candidate_pairs
from fakefaces.duplicates.features import MOST_KEYPOINTS, Features
from fakefaces.duplicates.verification import compare

COLUMNS = ("a", "b", "inliers", "scale", "angle")
KEPT_INLIERS = 8  # fewest that are remembered, so that ``min_inliers`` can be changed later without a search

Progress = Callable[[int, int], None]  # called with the number done and the number of all

_CHUNK = 64


def no_pairs() -> pd.DataFrame:
    """A table of pairs without a row, with the dtypes of one that has some."""
    return _table([])


@dataclass(frozen=True, eq=False)
class Known:
    """What earlier searches found: images by key, and every pair among them.

    Attributes:
        features: by key. A key names content: the sha256 of an image's bytes, if names may change.
        pairs: ``a``, ``b`` (keys, a < b), ``inliers``, ``scale``, ``angle`` of all pairs of at least
            ``KEPT_INLIERS`` inliers, sorted.
        seed: with which they were verified.
    """

    features: Mapping[str, Features] = field(default_factory=dict)
    pairs: pd.DataFrame = field(default_factory=no_pairs)
    seed: int = 0


def find_pairs(
    features: Mapping[str, Features],
    known: Known | None = None,
    *,
    min_inliers: int,
    seed: int,
    workers: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Find the images that share a photograph, whole or in part.

    Found are copies, crops, resized, slightly turned and recompressed copies, images with parts replaced,
    and images that carry a part of the same third photograph. Not found are mirrored copies and parts too
    small to hold ``min_inliers`` keypoints. Other photographs of the same person are no pair, nor are
    drawings by one hand; 13 inliers kept both out where we looked.

    Args:
        features: of all images, by key.
        known: the outcome of an earlier search; pairs among its images are taken from it.
        min_inliers: places that must lie on each other under one similarity; at least ``KEPT_INLIERS``.
        seed: of the sampling.
        workers: threads; all cores if None. The result does not depend on it.
        progress: told how many candidates of how many have been verified.

    Returns:
        A row a pair, sorted: ``a`` and ``b`` (str, a < b), ``inliers`` (int64), ``scale`` (float64, size in
        ``b`` of what measures 1 in ``a``) and ``angle`` (float64, degrees, -180 to 180, from x to y, from
        ``a`` to ``b``). The same whether the images came at once or one after the other.

    Raises:
        DataError: ``min_inliers`` is below what is remembered.
    """
    if min_inliers < KEPT_INLIERS:
        raise DataError(f"sources: min_inliers is {min_inliers}; pairs of fewer than {KEPT_INLIERS} are not kept")
    start = Known(seed=seed) if known is None else known
    pairs = update(start, features, seed=seed, workers=workers, progress=progress).pairs
    wanted = (pairs["inliers"] >= min_inliers) & pairs["a"].isin(features) & pairs["b"].isin(features)
    return pairs[wanted].reset_index(drop=True)


def update(
    known: Known,
    features: Mapping[str, Features],
    *,
    seed: int,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Known:
    """Add images: they are compared with all known ones and with each other, the known ones are not again.

    Args:
        known: of earlier searches; ``Known()`` to begin with. If it was verified with another seed, its
            features are kept and its pairs are found anew.
        features: by key; those whose keys are known already are ignored.
        seed: of the sampling.
        workers: threads; all cores if None. The result does not depend on it.
        progress: told how many candidates of how many have been verified.

    Returns:
        All of it, the same in whatever order and portions the images came.
    """
    joined = dict(known.features) | {key: each for key, each in features.items() if key not in known.features}
    keys = sorted(joined)
    images = [joined[key] for key in keys]
    old = set(known.features) if known.seed == seed else set()
    fresh = np.array([key not in old for key in keys], dtype=np.bool_)
    candidates = candidate_pairs(images, fresh)
    chunks = [candidates[start : start + _CHUNK] for start in range(0, len(candidates), _CHUNK)]

    def verify(chunk: np.ndarray) -> list[tuple[str, str, int, float, float]]:
        rows = []
        for i, j in chunk:
            found = compare(images[i], images[j], seed=seed)
            if found is not None and found.inliers >= KEPT_INLIERS:
                rows.append((keys[i], keys[j], found.inliers, found.scale, found.angle))
        return rows

    rows = []
    done = 0
    # Our threads take a pair each; BLAS's own would wait for each other within every one of them.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for chunk, found in zip(chunks, pool.map(verify, chunks), strict=True):
            rows += found
            done += len(chunk)
            if progress is not None:
                progress(done, len(candidates))
    if old:
        rows += list(known.pairs[list(COLUMNS)].itertuples(index=False, name=None))
    return Known(features={key: joined[key] for key in keys}, pairs=_table(rows), seed=seed)


def name_pairs(pairs: pd.DataFrame, keys: Mapping[str, str]) -> pd.DataFrame:
    """From a table over content keys to one over names, where several names may have one content.

    Args:
        pairs: as :func:`find_pairs` returns it, over keys.
        keys: the key of each name, for instance the sha256 of its bytes.

    Returns:
        The same columns over names, a < b, sorted; scale and angle are turned about where the order of the
        names is not that of the keys. Names of one key are pairs too, whatever they show: scale 1, angle 0,
        and as many inliers as there can be.
    """
    names: dict[str, list[str]] = {}
    for name, key in sorted(keys.items()):
        names.setdefault(key, []).append(name)
    rows = [
        (a, b, MOST_KEYPOINTS, 1.0, 0.0)
        for group in names.values()
        for position, a in enumerate(group)
        for b in group[position + 1 :]
    ]
    for key_a, key_b, inliers, scale, angle in pairs[list(COLUMNS)].itertuples(index=False, name=None):
        for a in names.get(key_a, ()):
            for b in names.get(key_b, ()):
                rows.append((a, b, inliers, scale, angle) if a < b else (b, a, inliers, 1 / scale, -angle))
    return _table(rows)


def _table(rows: list[tuple[str, str, int, float, float]]) -> pd.DataFrame:
    types = {"a": "str", "b": "str", "inliers": "int64", "scale": "float64", "angle": "float64"}
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)
    return table.sort_values(["a", "b"], ignore_index=True)
