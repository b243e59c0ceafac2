"""Do two images agree on a similarity transform? Found out from their sketches, before their features are needed.

First three collisions have to agree, as the inliers of a verified pair do; then the transform says where the other
keypoints are to be, and enough of them must be there. Both depend on the two images only.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates import verification
from fakefaces.duplicates.ranges import ranges
from fakefaces.duplicates.sketches import Sketches

MIN_VOTES = 3  # collisions that agree
MIN_KEYPOINTS = 7  # that agree; a pair is stored with eight, but not each is as like in its sketch
MAX_DISTANCE = 42  # of 288 bits, between the signatures of two keypoints that agree
# Distances, shares of the longer side: two keypoints give a transform less exactly than all that agree.
VOTE_TOLERANCE = 1.5 * verification.TOLERANCE
FIRST_TOLERANCE = 2.0 * verification.TOLERANCE  # of the keypoints that the transform is fitted to again
LAST_TOLERANCE = 1.25 * verification.TOLERANCE

_APART = 2 * VOTE_TOLERANCE
_PAIRS = 32  # of images, at a time, so that a processor's cache holds their keypoints

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Matches:
    """Keypoints of one image and the keypoints of another that may be the same points."""

    p: Complex  # positions in the first image, shares of its longer side
    q: Complex  # in the second
    log_scale: Floats  # logarithm of the ratio of their sizes
    rotation: Floats  # difference of their orientations, in radians

    @classmethod
    def of(cls, sketches: Sketches, left: Ints, right: Ints) -> Self:
        """Of keypoints by their rows, one by one."""
        return cls(
            sketches.positions(left),
            sketches.positions(right),
            np.log(2) * (sketches.log_sizes(right) - sketches.log_sizes(left)),
            np.deg2rad(sketches.orientations(right) - sketches.orientations(left)),
        )

    def __getitem__(self, chosen: Ints | Bools) -> "Matches":
        return Matches(self.p[chosen], self.q[chosen], self.log_scale[chosen], self.rotation[chosen])

    def follow(self, linear: Complex, shift: Complex) -> Bools:
        """Whether each match is what a transform of its own makes of a keypoint."""
        return self.turn_as(linear) & (self.errors(linear, shift) < VOTE_TOLERANCE)

    def errors(self, linear: Complex, shift: Complex) -> Floats:
        """Distances between the mapped keypoints and their partners; what is magnified has larger errors by as much."""
        return np.asarray(np.abs(linear * self.p + shift - self.q) / np.maximum(1.0, np.abs(linear)))

    def turn_as(self, linear: Complex) -> Bools:
        """Whether size and orientation of each match change as in a transform."""
        return verification.consistent(linear, self.log_scale + 1j * self.rotation)

    def apart(self, other: "Matches") -> Bools:
        """Whether two matches are of different points in both images."""
        return (np.abs(self.p - other.p) > _APART) & (np.abs(self.q - other.q) > _APART)


def agreeing_pairs(sketches: Sketches, left: Ints, right: Ints) -> Ints:
    """The pairs of images that agree.

    Args:
        sketches: of every image.
        left: keypoints that collide, in the order of pairs of images (i, j).
        right: the keypoints of the second images that they collide with.

    Returns:
        int64 (m, 2), in the same order.
    """
    i, j = (sketches.owner[rows].astype(np.int64) for rows in (left, right))
    begins = np.flatnonzero(np.diff(i, prepend=-1) | np.diff(j, prepend=-1))
    counts = np.diff(begins, append=len(i))
    begins, counts = begins[counts >= MIN_VOTES], counts[counts >= MIN_VOTES]
    agree = np.zeros(len(begins), dtype=np.bool_)
    for start in range(0, len(begins), _PAIRS):
        part = slice(start, start + _PAIRS)
        _, rows = ranges(begins[part], counts[part])
        pairs, linear, shift = _transforms(Matches.of(sketches, left[rows], right[rows]), counts[part])
        at = begins[start + pairs]
        agree[start + pairs] = _keypoints(sketches, i[at], j[at], linear, shift) >= MIN_KEYPOINTS
    return np.stack([i[begins[agree]], j[begins[agree]]], axis=1)


def _transforms(matches: Matches, counts: Ints) -> tuple[Ints, Complex, Complex]:
    """The transform by two matches that most others of their pair follow, ``counts`` of each pair, in their order.

    Returns:
        The pairs with enough, ascending, and the linear part and the shift of each one's transform.
    """
    ends = np.repeat(np.cumsum(counts), counts)
    here = np.arange(len(ends))
    first, second = ranges(here + 1, ends - here - 1)
    pair = np.repeat(np.arange(len(counts)), counts)[first]
    apart = matches[first].apart(matches[second])
    first, second, pair = first[apart], second[apart], pair[apart]
    a, b = matches[first], matches[second]
    linear = (b.q - a.q) / (b.p - a.p)
    valid = a.turn_as(linear) & b.turn_as(linear) & verification.possible(linear)
    first, second, pair, linear = first[valid], second[valid], pair[valid], linear[valid]
    shift = matches.q[first] - linear * matches.p[first]
    which, other = ranges((np.cumsum(counts) - counts)[pair], counts[pair])
    third = matches[other]
    agrees = third.follow(linear[which], shift[which])
    agrees &= third.apart(matches[first[which]]) & third.apart(matches[second[which]])
    votes = 2 + np.bincount(which[agrees], minlength=len(pair))
    order = np.lexsort((-votes, pair))  # stable: of equal ones the first
    best = order[np.flatnonzero(np.diff(pair[order], prepend=-1))]
    best = best[votes[best] >= MIN_VOTES]
    return pair[best], linear[best], shift[best]


def _keypoints(sketches: Sketches, i: Ints, j: Ints, linear: Complex, shift: Complex) -> Ints:
    """How many keypoints a transform maps to their like, at different places, in each of some pairs of images."""
    of_left, left = sketches.rows(i)
    of_right, right = sketches.rows(j)
    mapped = linear[of_left] * sketches.positions(left) + shift[of_left]
    reach = FIRST_TOLERANCE * np.maximum(1.0, np.abs(linear))
    q = sketches.positions(right)
    x = 2 * of_right + q.real  # the pairs one after the other
    order = np.argsort(x, kind="stable")  # so that sums do not depend on the other pairs
    x = x[order]
    centre, radius = 2 * of_left + np.clip(mapped.real, -0.25, 1.25), reach[of_left]
    begin, end = (np.searchsorted(x, centre + side * radius) for side in (-1.001, 1.001))
    first, second = ranges(begin, end - begin)
    second = order[second]
    near = np.abs(mapped[first] - q[second]) < radius[first]
    pair, left, right = of_left[first[near]], left[first[near]], right[second[near]]
    matches = Matches.of(sketches, left, right)
    like = matches.turn_as(linear[pair])
    like[like] = sketches.distances(left[like], right[like]) <= MAX_DISTANCE
    pair, left, right, matches = pair[like], left[like], right[like], matches[like]
    linear, shift = _fit(matches, pair, linear)
    exact = matches.errors(linear[pair], shift[pair]) < LAST_TOLERANCE
    places = [np.unique(pair[exact] << 32 | sketches.places(rows[exact])) >> 32 for rows in (left, right)]
    return np.minimum(*(np.bincount(each, minlength=len(i)) for each in places))


def _fit(matches: Matches, pair: Ints, linear: Complex) -> tuple[Complex, Complex]:
    """The least squares fit for the matches of each pair; where they are at one point ``linear`` stays."""

    def mean(values: Complex) -> Complex:
        sums = np.bincount(pair, values.real, len(linear)) + 1j * np.bincount(pair, values.imag, len(linear))
        return np.asarray(sums / np.maximum(1, np.bincount(pair, minlength=len(linear))))

    centre_p, centre_q = mean(matches.p), mean(matches.q)
    p, q = matches.p - centre_p[pair], matches.q - centre_q[pair]
    spread = mean(np.abs(p) ** 2 + 0j).real
    fitted = np.where(spread > 0, mean(q * np.conj(p)) / np.where(spread > 0, spread, 1), linear)
    return fitted, centre_q - fitted * centre_p
