"""Incremental search for all pairs of images that share a photograph."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fakefaces.base.errors import DataError
from fakefaces.duplicates.candidates import candidate_pairs
from fakefaces.duplicates.features import MAX_KEYPOINTS, Features
from fakefaces.duplicates.sketches import Sketch, Sketches, sketch
from fakefaces.duplicates.verification import compare

COLUMNS = ("a", "b", "inliers", "scale", "angle")
MIN_STORED_INLIERS = 8  # stored, so that ``min_inliers`` can be changed later without a new search

_CHUNK_SIZE = 64


def pair_table(rows: Sequence[tuple[str, str, int, float, float]] = ()) -> pd.DataFrame:
    """A sorted table of pairs with the columns ``COLUMNS``."""
    types = {"a": "str", "b": "str", "inliers": "int64", "scale": "float64", "angle": "float64"}
    table = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(types)
    return table.sort_values(["a", "b"], ignore_index=True)


@dataclass(frozen=True, eq=False)
class SearchState:
    """State of the search: which images were compared, and all pairs with at least ``MIN_STORED_INLIERS`` inliers.

    A key identifies content, such as the sha256 of an image's bytes.
    """

    keys: tuple[str, ...] = ()  # of the images, sorted
    pairs: pd.DataFrame = field(default_factory=pair_table)
    seed: int = 0  # of the verification


def find_pairs(state: SearchState, min_inliers: int) -> pd.DataFrame:
    """Select the pairs of images that share a photograph, whole or in part.

    Finds copies, crops, resized, slightly rotated and recompressed copies, images with replaced parts, and images
    that contain a part of the same third photograph. Misses mirrored copies and parts too small to hold
    ``min_inliers`` keypoints. Different photographs of one person are not pairs; 13 inliers exclude them in the
    public set.

    Returns:
        Sorted by ``a`` and ``b`` (a < b): ``inliers``, the keypoints that one similarity transform maps to their
        matches, its ``scale`` (size in ``b`` over size in ``a``) and its ``angle`` (degrees, -180 to 180, from x to
        y, from ``a`` to ``b``).

    Raises:
        DataError: ``min_inliers`` is below ``MIN_STORED_INLIERS``.
    """
    if min_inliers < MIN_STORED_INLIERS:
        raise DataError(f"duplicates: min_inliers is {min_inliers}; it must be at least {MIN_STORED_INLIERS}")
    return state.pairs[state.pairs["inliers"] >= min_inliers].reset_index(drop=True)


def update(
    state: SearchState,
    features: Mapping[str, Features],
    *,
    seed: int,
    sketches: Iterable[Sketch] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SearchState:
    """Compare the images that are new with each other and with all others; those that are gone are left out.

    Args:
        state: of earlier searches; ``SearchState()`` for the first. If its seed differs, all pairs are verified again.
        features: of all images, by key; only those of candidates are asked for where ``sketches`` are given, each
            several times and by several threads.
        seed: random seed of RANSAC.
        sketches: of all images in the order of their sorted keys; made of the features where left out.
        workers: number of threads, which does not change the result; all cores if None.
        progress: called with the numbers of candidates verified and of all.

    Returns:
        The new state, which does not depend on the order in which images were added.
    """
    keys = sorted(features)
    compared = set(state.keys) & set(keys) if state.seed == seed else set()
    is_new = np.array([key not in compared for key in keys], dtype=np.bool_)
    collected = Sketches((sketch(features[key]) for key in keys) if sketches is None else sketches, len(keys))
    candidates = candidate_pairs(collected, is_new)
    chunks = [candidates[start : start + _CHUNK_SIZE] for start in range(0, len(candidates), _CHUNK_SIZE)]

    def verify(chunk: np.ndarray) -> list[tuple[str, str, int, float, float]]:
        rows = []
        for i, j in chunk:
            similarity = compare(features[keys[i]], features[keys[j]], seed=seed)
            if similarity is not None and similarity.inliers >= MIN_STORED_INLIERS:
                rows.append((keys[i], keys[j], similarity.inliers, similarity.scale, similarity.angle))
        return rows

    known = state.pairs[state.pairs["a"].isin(compared) & state.pairs["b"].isin(compared)]
    rows = list(known[list(COLUMNS)].itertuples(index=False, name=None))
    done = 0
    # Each thread verifies a pair; BLAS's threads would wait for each other within it.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for chunk, verified in zip(chunks, pool.map(verify, chunks), strict=True):
            rows += verified
            done += len(chunk)
            if progress is not None:
                progress(done, len(candidates))
    return SearchState(keys=tuple(keys), pairs=pair_table(rows), seed=seed)


def name_pairs(pairs: pd.DataFrame, keys: Mapping[str, str]) -> pd.DataFrame:
    """Convert pairs of content keys to pairs of names; several names may have one key.

    Scale and angle are inverted where names and keys sort differently. Names of one key are pairs with scale 1,
    angle 0 and ``MAX_KEYPOINTS`` inliers.
    """
    names: dict[str, list[str]] = {}
    for name, key in sorted(keys.items()):
        names.setdefault(key, []).append(name)
    rows = [(a, b, MAX_KEYPOINTS, 1.0, 0.0) for same in names.values() for a, b in combinations(same, 2)]
    for key_a, key_b, inliers, scale, angle in pairs[list(COLUMNS)].itertuples(index=False, name=None):
        for a, b in product(names.get(key_a, ()), names.get(key_b, ())):
            rows.append((a, b, inliers, scale, angle) if a < b else (b, a, inliers, 1 / scale, -angle))
    return pair_table(rows)
