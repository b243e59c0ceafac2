"""Candidate pairs of images: those with a few keypoints that hash alike and agree on a similarity transform."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import Features
from fakefaces.duplicates.hashing import BANDS, keys

MAX_HAMMING_DISTANCE = 42  # of 288 bits, between two descriptors of one point
MIN_VOTES = 3  # matches that must agree

_BATCH_COLLISIONS = 1 << 21  # collisions processed at a time: bounds the memory
_SCALE_BIN = 1.0  # bin width of log2 of the scale
_ROTATION_BIN = 45.0  # degrees
_SHIFT_BIN = 0.5  # of the shift, as a share of the image's side

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def candidate_pairs(features: Sequence[Features], is_new: Bools) -> Ints:
    """Find pairs of images that may share a photograph, from an index of hashed descriptors.

    Descriptors that share a key and whose signatures are near (Jegou, Douze & Schmid 2008,
    doi:10.1007/978-3-540-88682-2_24) vote for the scale, rotation and shift that map one keypoint to the other
    (Lowe 2004, section 7.3). Whether a pair is returned depends on its two images only.

    Args:
        features: of every image.
        is_new: bool (len(features),); pairs without a new image are left out.

    Returns:
        int64 (m, 2), positions i < j in ``features``, sorted.
    """
    counts = np.array([len(image) for image in features], dtype=np.int64)
    if len(features) < 2 or not counts.sum() or not is_new.any():
        return np.zeros((0, 2), np.int64)
    owner = np.repeat(np.arange(len(features)), counts)
    hashed = keys(np.concatenate([image.descriptors for image in features]))
    collisions = [pairs for band in range(BANDS) for pairs in _collisions(hashed, band, owner, is_new)]
    collided = np.unique(np.concatenate([np.zeros(0, np.int64), *collisions]))
    left, right = np.divmod(collided, len(owner))
    return _vote(left, right, owner, features)


def _collisions(hashed: NDArray[np.uint32], band: int, owner: Ints, is_new: Bools) -> Iterator[Ints]:
    """Pairs of descriptors with equal keys in a band and near signatures, encoded as left * len(owner) + right."""
    signatures = hashed.view(np.uint64)
    # Keys that no new image has are dropped first, so that a few new images cost little.
    candidates = np.flatnonzero(np.isin(hashed[:, band], hashed[is_new[owner], band]))
    # Sorting key and position together puts equal keys side by side, in the order of the images.
    joined = np.sort(hashed[candidates, band].astype(np.uint64) << np.uint64(32) | candidates.astype(np.uint64))
    key, place = joined >> np.uint64(32), (joined & np.uint64(0xFFFFFFFF)).astype(np.int64)
    # A key counts once an image, or two brick walls would collide a million times.
    first_of_image = np.ones(len(key), dtype=np.bool_)
    first_of_image[1:] = (key[1:] != key[:-1]) | (owner[place[1:]] != owner[place[:-1]])
    key, place = key[first_of_image], place[first_of_image]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    lengths = np.diff(np.append(starts, len(key)))
    shared = lengths > 1
    place = place[np.repeat(shared, lengths)]
    ends = np.repeat(np.cumsum(lengths[shared]), lengths[shared])
    partners = ends - np.arange(len(place)) - 1
    cumulative = np.concatenate([[0], np.cumsum(partners)])
    start = 0
    while start < len(place):
        stop = max(start + 1, int(np.searchsorted(cumulative, cumulative[start] + _BATCH_COLLISIONS, side="right")) - 1)
        counts = partners[start:stop]
        first = np.repeat(np.arange(start, stop), counts)
        second = first + 1 + np.arange(len(first)) - np.repeat(cumulative[start:stop] - cumulative[start], counts)
        left, right = place[first], place[second]
        has_new = is_new[owner[left]] | is_new[owner[right]]
        left, right = left[has_new], right[has_new]
        distance = np.bitwise_count(signatures[left] ^ signatures[right]).sum(axis=1, dtype=np.uint16)
        yield (left * len(owner) + right)[distance <= MAX_HAMMING_DISTANCE]
        start = stop


def _vote(left: Ints, right: Ints, owner: Ints, features: Sequence[Features]) -> Ints:
    """Pairs of images with enough votes in one bin of similarity transforms; bins overlap by a half."""
    sizes = np.array([max(image.shape) for image in features], dtype=np.float64)
    keypoints = np.concatenate([image.keypoints for image in features]).astype(np.float64)
    pairs, pair = np.unique(owner[left] * len(features) + owner[right], return_inverse=True)
    enough = np.bincount(pair, minlength=len(pairs))[pair] >= MIN_VOTES
    left, right, pair = left[enough], right[enough], pair[enough]
    a, b = keypoints[left], keypoints[right]
    scale = b[:, 2] / a[:, 2]
    rotation = (b[:, 3] - a[:, 3]) % 360.0
    linear = scale * np.exp(1j * np.deg2rad(rotation))
    side_a, side_b = sizes[owner[left]], sizes[owner[right]]
    middle = (0.5 + 0.5j) * side_a
    shift = (b[:, 0] + 1j * b[:, 1] + linear * (middle - a[:, 0] - 1j * a[:, 1])) / side_b
    axes = (np.log2(scale) / _SCALE_BIN, rotation / _ROTATION_BIN, shift.real / _SHIFT_BIN, shift.imag / _SHIFT_BIN)
    accepted = np.zeros(len(pairs), dtype=np.bool_)
    for offsets in np.ndindex(2, 2, 2, 2):
        bins = [np.floor(axis + 0.5 * half).astype(np.int64) for axis, half in zip(axes, offsets, strict=True)]
        bins[1] %= round(360.0 / _ROTATION_BIN)
        code = pair
        for axis_bin in bins:
            code = code * 64 + np.clip(axis_bin + 32, 0, 63)
        _, index, votes = np.unique(code, return_index=True, return_counts=True)
        accepted[pair[index[votes >= MIN_VOTES]]] = True
    return np.stack(np.divmod(pairs[accepted], len(features)), axis=1)
