"""Whether two images show the same photograph in some place: matches that one similarity explains."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import NORM, Features

# Of the longer side, between a keypoint and where its partner says it is. Copies fit this closely; the same
# person in the next photograph of a series does not.
TOLERANCE = 1.25 / 400
LIKENESS = 0.95  # least cosine of the descriptors of one point; those of two people's eyes are less alike

_FINEST = 0.6  # pixels of the working size below which no keypoint is placed
_RATIO = 0.85  # the second nearest descriptor must be this much farther (Lowe 2004, section 7.1)
_SAMPLES = 3000  # pairs of matches that are tried
_CHECKS = 300_000  # samples times matches: where many match, most are right and fewer samples do
_SCALES = (0.2, 5.0)  # beyond, a few keypoints fall into one spot and anything fits
_SCALE_SLACK = np.log(1.2)  # between the ratio of two keypoints' sizes and the scale of all
_TURN_SLACK = 8.0  # degrees, likewise for orientations
_POLISHES = 4

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Similarity:
    """A motion of the plane that keeps shapes, with the matches that follow it.

    Attributes:
        spin: complex; its length is the scale, its argument the rotation from x to y.
        shift: complex, x + iy in pixels: a point z of the first image lies at ``spin * z + shift``.
        first: int64 (k,), keypoints of the first image that follow it.
        second: int64 (k,), their partners.
        inliers: how many places of either image they are; a place with several orientations counts once.
    """

    spin: complex
    shift: complex
    first: Ints
    second: Ints
    inliers: int

    @property
    def scale(self) -> float:
        """Size in the second image of what measures 1 in the first."""
        return abs(self.spin)

    @property
    def angle(self) -> float:
        """Degrees from -180 to 180, turning from x to y."""
        return float(np.degrees(np.angle(self.spin)))

    @property
    def matrix(self) -> Floats:
        """float64 (2, 3), as OpenCV's warpAffine takes it."""
        c, s = self.spin.real, self.spin.imag
        return np.array([[c, -s, self.shift.real], [s, c, self.shift.imag]])


def compare(a: Features, b: Features, *, seed: int) -> Similarity | None:
    """Match two images and find the similarity that most matches follow.

    Random sample consensus (Fischler & Bolles 1981, doi:10.1145/358669.358692) over pairs of matches, drawn
    at once from a generator of ``seed``; samples that contradict the sizes or orientations of their own
    keypoints are dropped before they are counted, and so are followers that contradict theirs.

    Args:
        a: the first image's features.
        b: the second's.
        seed: of the samples; the same for every pair, so that a result hangs on its two images only.

    Returns:
        The similarity from ``a`` to ``b`` in pixels of the images as given, or None where no two matches
        agree.
    """
    first, second = _matches(a.descriptors, b.descriptors)
    if len(first) < 2:
        return None
    tolerance = max(_FINEST, TOLERANCE * b.reduction * max(b.shape))
    p, q = _places(a, first), _places(b, second)
    grow = np.log(b.keypoints[second, 2] * b.reduction) - np.log(a.keypoints[first, 2] * a.reduction)
    turn = np.deg2rad(b.keypoints[second, 3].astype(np.float64) - a.keypoints[first, 3])
    expected = grow + 1j * turn  # logarithm of the similarity that each match alone proposes
    follows = _consensus(p, q, expected, tolerance, np.random.default_rng(seed))
    spin, shift = 0j, 0j
    for _ in range(_POLISHES):
        if follows.sum() < 2:
            return None
        spin, shift = _fit(p[follows], q[follows])
        if not _SCALES[0] < abs(spin) < _SCALES[1]:
            return None
        follows = _following(np.array([spin]), np.array([shift]), p, q, expected, tolerance)[0]
    inliers = min(len(np.unique(p[follows].round(1))), len(np.unique(q[follows].round(1))))
    if inliers < 2:
        return None
    return Similarity(
        spin=complex(spin * a.reduction / b.reduction),
        shift=complex(shift / b.reduction),
        first=first[follows],
        second=second[follows],
        inliers=inliers,
    )


def _matches(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[Ints, Ints]:
    """Mutual nearest neighbours that are clearly nearer than the second nearest."""
    if not len(a) or len(b) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    likeness = a.astype(np.float32) @ b.astype(np.float32).T  # whole numbers below 2**24: exact
    nearest = likeness.argmax(axis=1)
    # Few are alike at all; only those are looked at further.
    first = np.flatnonzero(likeness[np.arange(len(a)), nearest] > LIKENESS * NORM**2)
    nearest = nearest[first]
    mutual = likeness[:, nearest].argmax(axis=0) == first
    rows, places = likeness[first], np.arange(len(first))
    best = rows[places, nearest]
    rows[places, nearest] = -np.inf
    # All descriptors have the same length, so the squared distance is 2 * (length^2 - product).
    clear = (NORM**2 - best) < _RATIO**2 * (NORM**2 - rows.max(axis=1))
    return first[mutual & clear], nearest[mutual & clear]


def _places(features: Features, which: Ints) -> Complex:
    x, y = features.keypoints[which, :2].T.astype(np.float64) * features.reduction
    return np.asarray(x + 1j * y)


def _consensus(
    p: Complex, q: Complex, expected: Complex, tolerance: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """The matches that follow the best of the sampled similarities."""
    n = len(p)
    samples = min(_SAMPLES, _CHECKS // n)
    if n * (n - 1) // 2 <= samples:
        i, j = np.triu_indices(n, 1)
    else:
        i = random.integers(0, n, samples)
        j = (i + random.integers(1, n, samples)) % n
    apart = (np.abs(p[i] - p[j]) > 2 * tolerance) & (np.abs(q[i] - q[j]) > 2 * tolerance)
    i, j = i[apart], j[apart]
    spin = (q[j] - q[i]) / (p[j] - p[i])
    agrees = _consistent(spin, expected[i]) & _consistent(spin, expected[j])
    agrees &= (np.abs(spin) > _SCALES[0]) & (np.abs(spin) < _SCALES[1])
    spin, shift = spin[agrees], (q[i] - spin * p[i])[agrees]
    if not len(spin):
        return np.zeros(n, dtype=np.bool_)
    follows = _following(spin, shift, p, q, expected, tolerance)
    return follows[follows.sum(axis=1).argmax()]


def _following(
    spin: Complex, shift: Complex, p: Complex, q: Complex, expected: Complex, tolerance: float
) -> NDArray[np.bool_]:
    """Bool (hypotheses, matches)."""
    # Where the second image is magnified, so are the first one's errors.
    reach = tolerance * np.maximum(1.0, np.abs(spin))
    off = spin[:, None] * p + shift[:, None] - q
    near = off.real**2 + off.imag**2 < reach[:, None] ** 2
    return near & _consistent(spin[:, None], expected)


def _consistent(spin: Complex, expected: Complex) -> NDArray[np.bool_]:
    off_scale = np.abs(np.log(np.abs(spin)) - expected.real)
    off_turn = (np.angle(spin) - expected.imag + np.pi) % (2 * np.pi) - np.pi
    return (off_scale < _SCALE_SLACK) & (np.abs(off_turn) < np.deg2rad(_TURN_SLACK))


def _fit(p: Complex, q: Complex) -> tuple[complex, complex]:
    """Least squares: in the complex plane a similarity is a straight line."""
    centre_p, centre_q = p.mean(), q.mean()
    spread = np.sum(np.abs(p - centre_p) ** 2)
    if spread == 0:
        return 0j, complex(centre_q)
    spin = np.sum((q - centre_q) * np.conj(p - centre_p)) / spread
    return complex(spin), complex(centre_q - spin * centre_p)
