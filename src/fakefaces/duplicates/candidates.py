"""Candidate pairs of images: those with a few keypoints that hash alike and agree on a similarity transform."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.hashing import BANDS, KEY_BITS, band_keys, first_bytes, leading_words
from fakefaces.duplicates.sketches import Sketches
from fakefaces.duplicates.votes import Votes

MAX_HAMMING_DISTANCE = 42  # of 288 bits, between two signatures of one point

_SORTED_ROWS = 1 << 20  # keypoints sorted at a time, so that a processor's cache holds them however many there are
_BATCH_COLLISIONS = 1 << 21  # collisions processed at a time

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def candidate_pairs(sketches: Sketches, is_new: Bools) -> Ints:
    """Find pairs of images that may share a photograph, from an index of hashed descriptors.

    Descriptors that share a key and whose signatures are near (Jegou, Douze & Schmid 2008,
    doi:10.1007/978-3-540-88682-2_24) vote for the scale, rotation and shift that map one keypoint to the other
    (Lowe 2004, section 7.3). Whether a pair is returned depends on its two images only, which no index does that
    returns the nearest of all descriptors; and keys are so long that descriptors of different photographs hardly ever
    share one, so that the time grows as the number of images.

    Args:
        sketches: of every image.
        is_new: bool (images,); pairs without a new image are left out.

    Returns:
        int64 (m, 2), positions i < j among the images, sorted.
    """
    with Votes(sketches) as votes:
        if is_new.any():
            new_rows = None if is_new.all() else np.flatnonzero(is_new[sketches.owner])
            for band in range(BANDS):
                rows = None if new_rows is None else _may_collide(sketches, band, new_rows)
                for left, right in _collisions(sketches, band, rows, is_new):
                    votes.add(left, right)
        return votes.pairs()


def _may_collide(sketches: Sketches, band: int, new_rows: Ints) -> Ints:
    """The keypoints whose keys begin as one of a new image does: so a few new images cost little."""
    beginnings = leading_words(sketches.signatures, band)
    table = np.zeros(1 << 16, dtype=np.bool_)
    table[beginnings[new_rows]] = True
    return np.flatnonzero(table[beginnings])


def _collisions(sketches: Sketches, band: int, some: Ints | None, is_new: Bools) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of keypoints with equal keys in a band and near signatures, left < right.

    ``some`` are the only keypoints that count; all where it is None.
    """
    first = first_bytes(sketches.signatures, band)  # equal keys begin alike
    first = first if some is None else first[some]
    by_first, ends = _by_byte(first)
    parts = min(256, 1 + len(first) // _SORTED_ROWS)
    for part in range(parts):
        chosen = by_first[ends[256 * part // parts] : ends[256 * (part + 1) // parts]].astype(np.int64)
        rows = chosen if some is None else some[chosen]
        keys = band_keys(sketches.signatures, band, rows)
        if not is_new.all():
            # Those that no new image has are dropped before they are sorted.
            candidates = _among(keys, keys[is_new[sketches.owner[rows]]])
            rows, keys = rows[candidates], keys[candidates]
        keys, order = _sorted(keys)
        yield from _equal_keys(keys, rows[order], sketches, is_new)


def _by_byte(octets: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], Ints]:
    """The stable order of bytes, in linear time, and where each of the 256 values begins and the last one ends.

    In blocks, as numpy counts in 8 bytes for each of these, and orders in 8 more.
    """
    blocks = [octets[start : start + _SORTED_ROWS] for start in range(0, len(octets), _SORTED_ROWS)]
    counts = [np.bincount(block, minlength=256) for block in blocks]
    ends = np.concatenate([[0], np.cumsum(np.sum(counts, axis=0, dtype=np.int64) if counts else np.zeros(256, int))])
    order, places = np.empty(len(octets), dtype=np.uint32), ends[:-1].copy()  # places of the next byte of each value
    for k, (block, count) in enumerate(zip(blocks, counts, strict=True)):
        begun = np.repeat(places - (np.cumsum(count) - count), count)
        order[begun + np.arange(len(block))] = k * _SORTED_ROWS + np.argsort(block, kind="stable")
        places += count
    return order, ends


def _sorted(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], Ints]:
    """Sorted keys, equal ones in their order, and where each was."""
    bits = np.uint64(64 - KEY_BITS)
    if len(keys) >> int(bits):
        order = np.argsort(keys, kind="stable")
        return keys[order], order
    joined = np.sort(keys << bits | np.arange(len(keys), dtype=np.uint64))  # several times as fast
    return joined >> bits, (joined & np.uint64((1 << int(bits)) - 1)).astype(np.int64)


def _among(keys: NDArray[np.uint64], sought: NDArray[np.uint64]) -> Bools:
    """Whether each key is among a few: a table of their last bits leaves little to look up."""
    table = np.zeros(1 << 20, dtype=np.bool_)
    last_bits = np.uint64(len(table) - 1)
    table[sought & last_bits] = True
    among = table[keys & last_bits]
    among[among] = np.isin(keys[among], sought)
    return np.asarray(among, dtype=np.bool_)


def _equal_keys(key: NDArray[np.uint64], rows: Ints, sketches: Sketches, is_new: Bools) -> Iterator[tuple[Ints, Ints]]:
    """Pairs among the rows of sorted keys."""
    owner, signatures = sketches.owner, sketches.signatures
    # A key counts once an image, or two brick walls would collide a million times.
    first_of_image = np.ones(len(key), dtype=np.bool_)
    first_of_image[1:] = (key[1:] != key[:-1]) | (owner[rows[1:]] != owner[rows[:-1]])
    key, rows = key[first_of_image], rows[first_of_image]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, np.int64)
    lengths = np.diff(np.append(starts, len(key)))
    shared = lengths > 1
    rows = rows[np.repeat(shared, lengths)]
    ends = np.repeat(np.cumsum(lengths[shared]), lengths[shared])
    partners = ends - np.arange(len(rows)) - 1
    cumulative = np.concatenate([[0], np.cumsum(partners)])
    start = 0
    while start < len(rows):
        stop = max(start + 1, int(np.searchsorted(cumulative, cumulative[start] + _BATCH_COLLISIONS, side="right")) - 1)
        counts = partners[start:stop]
        first = np.repeat(np.arange(start, stop), counts)
        second = first + 1 + np.arange(len(first)) - np.repeat(cumulative[start:stop] - cumulative[start], counts)
        left, right = rows[first], rows[second]
        has_new = is_new[owner[left]] | is_new[owner[right]]
        left, right = left[has_new], right[has_new]
        distance = np.bitwise_count(signatures[left] ^ signatures[right]).sum(axis=1, dtype=np.uint16)
        near = distance <= MAX_HAMMING_DISTANCE
        yield left[near], right[near]
        start = stop
