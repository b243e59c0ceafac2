"""Candidate pairs of images: those with a few keypoints that hash alike and agree on a similarity transform."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError
from fakefaces.duplicates.hashing import BANDS, KEY_BITS, band_keys
from fakefaces.duplicates.ranges import ranges
from fakefaces.duplicates.sketches import KEYPOINTS, Sketches, head_distances
from fakefaces.duplicates.votes import Votes

MAX_HAMMING_DISTANCE = 42  # of 288 bits, between two signatures of one point

_ROW = np.uint64(64 - KEY_BITS)  # bits of a keypoint's number behind its key: sorting both is sorting by the key
_NEXT_KEY = np.uint64(1) << _ROW
_HASHED_ROWS = 1 << 15  # keypoints hashed at a time, so that a processor's cache holds them
_SORTED_ROWS = 1 << 18  # sorted keypoints looked through at a time, for the same reason
_BATCH_COLLISIONS = 1 << 13  # collisions whose signatures are compared at a time
_TABLE_BITS = 22  # of the keys of new images

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Codes = NDArray[np.uint64]


def candidate_pairs(sketches: Sketches, is_new: Bools) -> Ints:
    """Find pairs of images that may share a photograph, from an index of hashed descriptors.

    Descriptors that share a key and whose signatures are near (Jegou, Douze & Schmid 2008,
    doi:10.1007/978-3-540-88682-2_24) vote for the scale, rotation and shift that map one keypoint to the other
    (Lowe 2004, section 7.3). Whether a pair is returned depends on its two images only, which no index does that
    returns the nearest of all descriptors; and keys are so long that distinctive descriptors of different photographs
    hardly ever share one, so that the time grows as the number of images.

    Args:
        sketches: of every image.
        is_new: bool (images,); pairs without a new image are left out.

    Returns:
        int64 (m, 2), positions i < j among the images, sorted.

    Raises:
        DataError: more keypoints than can be numbered, of a million images and more.
    """
    if len(sketches.owner) >> int(_ROW):
        raise DataError(f"duplicates: {len(sketches.owner)} keypoints; at most {1 << int(_ROW)} can be searched")
    memory = np.empty(len(sketches.owner), dtype=np.uint64)  # once, as the system empties what it lends
    with Votes(sketches) as votes:
        if is_new.any():
            for band in range(BANDS):
                codes = _sorted_codes(sketches, band, is_new, memory)
                for start, stop in _whole_keys(codes):
                    for left, right in _equal_keys(codes[start:stop], sketches, is_new):
                        votes.add(left, right)
        return votes.pairs()


def _sorted_codes(sketches: Sketches, band: int, is_new: Bools, memory: Codes) -> Codes:
    """Keys in a band with the numbers of their keypoints, sorted; of a few new images, hardly any others' keys."""
    table = None
    if not is_new.all():
        table = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        table[_places(band_keys(sketches.columns, band, np.flatnonzero(is_new[sketches.owner])))] = True
    end = 0
    for start in range(0, len(memory), _HASHED_ROWS):
        stop = min(start + _HASHED_ROWS, len(memory))
        keys, rows = band_keys(sketches.columns, band, slice(start, stop)), np.arange(start, stop, dtype=np.uint64)
        if table is not None:
            kept = table[_places(keys)]
            keys, rows = keys[kept], rows[kept]
        np.bitwise_or(keys << _ROW, rows, out=memory[end : end + len(keys)])
        end += len(keys)
    codes = memory[:end]
    codes.sort()
    return codes


def _places(keys: Codes) -> Codes:
    return keys & np.uint64((1 << _TABLE_BITS) - 1)


def _whole_keys(codes: Codes) -> Iterator[tuple[int, int]]:
    """Parts of sorted codes that end where a key does."""
    start = 0
    while start < len(codes):
        last = codes[min(start + _SORTED_ROWS, len(codes)) - 1] >> _ROW
        stop = int(np.searchsorted(codes, (last + np.uint64(1)) << _ROW)) if last + 1 < 1 << KEY_BITS else len(codes)
        yield start, stop
        start = stop


def _equal_keys(codes: Codes, sketches: Sketches, is_new: Bools) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of keypoints of two images with equal keys and near signatures, left < right."""
    equal = (codes[1:] ^ codes[:-1]) < _NEXT_KEY
    shared = codes[np.flatnonzero(np.append(equal, False) | np.append(False, equal))]
    keys, rows = shared >> _ROW, (shared & (_NEXT_KEY - np.uint64(1))).astype(np.int64)
    # A key counts once an image, or two brick walls would collide a million times.
    repeated = np.flatnonzero((keys[1:] == keys[:-1]) & (rows[1:] - rows[:-1] < KEYPOINTS))  # or of other images
    repeated = repeated[sketches.owner[rows[repeated]] == sketches.owner[rows[repeated + 1]]] + 1
    keys, rows = np.delete(keys, repeated), np.delete(rows, repeated)
    begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    counts = np.diff(begins, append=len(keys))
    partners = np.repeat(begins + counts, counts) - np.arange(len(keys)) - 1
    cumulative = np.append(0, np.cumsum(partners))
    heads = sketches.heads(rows)  # once, as each is far from the last in memory; those of a part of the keys lie close
    start = 0
    while start < len(rows):
        stop = max(start + 1, int(np.searchsorted(cumulative, cumulative[start] + _BATCH_COLLISIONS, side="right")) - 1)
        first, second = ranges(np.arange(start, stop) + 1, partners[start:stop])
        first += start
        distances = head_distances(np.take(heads, first, axis=0), np.take(heads, second, axis=0))
        near = np.flatnonzero(distances <= MAX_HAMMING_DISTANCE)
        left, right, distances = rows[first[near]], rows[second[near]], distances[near]
        if not is_new.all():
            has_new = is_new[sketches.owner[left]] | is_new[sketches.owner[right]]
            left, right, distances = left[has_new], right[has_new], distances[has_new]
        distances += sketches.tail_distances(left, right)
        near = np.flatnonzero(distances <= MAX_HAMMING_DISTANCE)
        yield left[near], right[near]
        start = stop
