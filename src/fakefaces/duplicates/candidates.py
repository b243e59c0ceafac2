"""Which pairs of images are worth a look: those with a few keypoints that hash alike and agree on a motion."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import Features
from fakefaces.duplicates.hashing import BANDS, BITS, keys

FARTHEST = 42  # of 288 bits in which two descriptors of one point may differ
FEWEST_VOTES = 3  # keypoints that must agree

_AT_ONCE = 1 << 21  # collisions looked at together: bounds the memory
_OCTAVES = 1.0  # width of a bin of the logarithm of scale
_DEGREES = 45.0  # of the rotation
_SHARE = 0.5  # of the shift, as a share of the image

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def candidate_pairs(features: Sequence[Features], fresh: Bools) -> Ints:
    """Pairs of images that may share a photograph, from an index of hashed descriptors.

    Descriptors that share a key and whose signatures are near (Jegou, Douze & Schmid 2008,
    doi:10.1007/978-3-540-88682-2_24) vote for the scale, rotation and shift that would lay one keypoint on
    the other (Lowe 2004, section 7.3). Whether a pair is returned depends on its two images only.

    Args:
        features: of every image.
        fresh: bool (len(features),): the images whose pairs are wanted; pairs without any are left out.

    Returns:
        int64 (m, 2), positions i < j in ``features``, sorted.
    """
    counts = np.array([len(each) for each in features], dtype=np.int64)
    if len(features) < 2 or not counts.sum() or not fresh.any():
        return np.zeros((0, 2), np.int64)
    owner = np.repeat(np.arange(len(features)), counts)
    hashed = keys(np.concatenate([each.descriptors for each in features]))
    found = [pairs for band in range(BANDS) for pairs in _collisions(hashed, band, owner, fresh)]
    total = len(owner)
    left, right = np.divmod(np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64), total)
    return _agreeing(left, right, owner, features)


def _collisions(hashed: NDArray[np.uint32], band: int, owner: Ints, fresh: Bools) -> Iterator[Ints]:
    """Pairs of descriptors with one key in a band and near signatures, as left * total + right."""
    total = len(owner)
    signatures = hashed.view(np.uint64)
    # Keys that no fresh image has are left out first, so that few fresh images cost little.
    asked = np.zeros(1 << BITS, dtype=np.bool_)
    asked[hashed[fresh[owner], band]] = True
    met = np.flatnonzero(asked[hashed[:, band]])
    # One sort of key and position together: equal keys lie side by side, in the order of the images.
    joined = np.sort(hashed[met, band].astype(np.uint64) << np.uint64(32) | met.astype(np.uint64))
    key, place = joined >> np.uint64(32), (joined & np.uint64(0xFFFFFFFF)).astype(np.int64)
    # A pattern that an image repeats counts once, or a brick wall meets another a million times.
    repeated = np.zeros(len(key), dtype=np.bool_)
    repeated[1:] = (key[1:] == key[:-1]) & (owner[place[1:]] == owner[place[:-1]])
    key, place = key[~repeated], place[~repeated]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    lengths = np.diff(np.append(starts, len(key)))
    wanted = lengths > 1
    place = place[np.repeat(wanted, lengths)]
    ends = np.repeat(np.cumsum(lengths[wanted]), lengths[wanted])
    partners = ends - np.arange(len(place)) - 1
    done = np.concatenate([[0], np.cumsum(partners)])
    start = 0
    while start < len(place):
        stop = max(start + 1, int(np.searchsorted(done, done[start] + _AT_ONCE, side="right")) - 1)
        number = partners[start:stop]
        first = np.repeat(np.arange(start, stop), number)
        second = first + 1 + np.arange(len(first)) - np.repeat(done[start:stop] - done[start], number)
        left, right = place[first], place[second]
        new = fresh[owner[left]] | fresh[owner[right]]
        left, right = left[new], right[new]
        near = np.bitwise_count(signatures[left] ^ signatures[right]).sum(axis=1, dtype=np.uint16) <= FARTHEST
        yield left[near] * total + right[near]
        start = stop


def _agreeing(left: Ints, right: Ints, owner: Ints, features: Sequence[Features]) -> Ints:
    """Pairs of images with enough votes in one bin of motions; bins overlap by a half."""
    sizes = np.array([max(each.shape) for each in features], dtype=np.float64)
    keypoints = np.concatenate([each.keypoints for each in features]).astype(np.float64)
    images = owner[left] * len(features) + owner[right]
    pairs, which = np.unique(images, return_inverse=True)
    enough = np.bincount(which, minlength=len(pairs))[which] >= FEWEST_VOTES
    left, right, which = left[enough], right[enough], which[enough]
    a, b = keypoints[left], keypoints[right]
    scale = b[:, 2] / a[:, 2]
    turn = (b[:, 3] - a[:, 3]) % 360.0
    spin = scale * np.exp(1j * np.deg2rad(turn))
    side_a, side_b = sizes[owner[left]], sizes[owner[right]]
    middle = (0.5 + 0.5j) * side_a
    shift = (b[:, 0] + 1j * b[:, 1] + spin * (middle - a[:, 0] - 1j * a[:, 1])) / side_b
    axes = (np.log2(scale) / _OCTAVES, turn / _DEGREES, shift.real / _SHARE, shift.imag / _SHARE)
    wraps = round(360.0 / _DEGREES)
    accepted = np.zeros(len(pairs), dtype=np.bool_)
    for offsets in np.ndindex(2, 2, 2, 2):
        bins = [np.floor(axis + 0.5 * half).astype(np.int64) for axis, half in zip(axes, offsets, strict=True)]
        bins[1] %= wraps
        code = which
        for each in bins:
            code = code * 64 + np.clip(each + 32, 0, 63)
        _, index, votes = np.unique(code, return_index=True, return_counts=True)
        accepted[which[index[votes >= FEWEST_VOTES]]] = True
    return np.stack(np.divmod(pairs[accepted], len(features)), axis=1)
