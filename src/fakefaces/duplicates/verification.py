"""Geometric verification: the similarity transform that explains the most matches of two images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError
from fakefaces.duplicates.features import NORM, Features, describe

# Distance between a keypoint and its transformed match, as a share of the longer side. Copies are within it; the
# same person in the next photograph of a series is not.
TOLERANCE = 1.25 / 400
MIN_COSINE = 0.95  # of the descriptors of one point; those of two people's eyes are less similar

_MIN_TOLERANCE = 0.6  # pixels of the described size, the precision of a keypoint
_MAX_RATIO = 0.85  # of the distances to the nearest and second nearest descriptor (Lowe 2004, section 7.1)
_MAX_SAMPLES = 3000  # pairs of matches
_MAX_CHECKS = 300_000  # samples times matches: where many match, most are correct and fewer samples suffice
_SCALE_RANGE = (0.2, 5.0)  # beyond it keypoints collapse to a point and any match fits
_SCALE_TOLERANCE = np.log(1.2)  # between the size ratio of two keypoints and the scale of the transform
_ROTATION_TOLERANCE = 8.0  # degrees, between the orientation difference of two keypoints and the angle of the transform
_REFINEMENTS = 4
_REGISTRATION_SIDE = 1200  # pixels: more than for the search, as a fraction of a pixel matters
_REGISTRATION_KEYPOINTS = 3000

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Similarity:
    """Maps a point z = x + iy of one image, in pixels, to ``linear * z + shift`` in another."""

    linear: complex  # its absolute value is the scale, its argument the rotation from x to y
    shift: complex
    inliers: int  # number of distinct keypoint positions that are mapped to their matches

    @property
    def scale(self) -> float:
        """Size in the second image over size in the first."""
        return abs(self.linear)

    @property
    def angle(self) -> float:
        """Degrees from -180 to 180, from x to y."""
        return float(np.degrees(np.angle(self.linear)))

    @property
    def matrix(self) -> Floats:
        """Matrix for OpenCV's warpAffine, float64 (2, 3)."""
        c, s = self.linear.real, self.linear.imag
        return np.array([[c, -s, self.shift.real], [s, c, self.shift.imag]])


def compare(a: Features, b: Features, *, seed: int) -> Similarity | None:
    """Match two images and estimate the similarity transform with the most inliers.

    RANSAC (Fischler & Bolles 1981, doi:10.1145/358669.358692) over pairs of matches. Samples and inliers must
    also agree with the sizes and orientations of their keypoints. OpenCV's ``estimateAffinePartial2D`` ignores
    these: on the public set it accepts photographs of one person, or misses pairs that are checked afterwards.

    Args:
        a: features of the first image.
        b: features of the second image.
        seed: of the samples, the same for every pair, so that a result depends on its images only.

    Returns:
        The transform from ``a`` to ``b`` in pixels of the original images, or None where no two matches agree.
    """
    first, second = _matches(a.descriptors, b.descriptors)
    if len(first) < 2:
        return None
    tolerance = max(_MIN_TOLERANCE, TOLERANCE * b.reduction * max(b.shape))
    p, q = _positions(a, first), _positions(b, second)
    log_scale = np.log(b.keypoints[second, 2] * b.reduction) - np.log(a.keypoints[first, 2] * a.reduction)
    rotation = np.deg2rad(b.keypoints[second, 3].astype(np.float64) - a.keypoints[first, 3])
    expected = log_scale + 1j * rotation  # logarithm of the linear part by each match's keypoints
    inlier = _ransac(p, q, expected, tolerance, np.random.default_rng(seed))
    linear, shift = 0j, 0j
    for _ in range(_REFINEMENTS):
        if inlier.sum() < 2:
            return None
        linear, shift = _fit(p[inlier], q[inlier])
        if not possible(np.array(linear)):
            return None
        inlier = _inliers(np.array([linear]), np.array([shift]), p, q, expected, tolerance)[0]
    inliers = min(len(np.unique(p[inlier].round(1))), len(np.unique(q[inlier].round(1))))
    if inliers < 2:
        return None
    return Similarity(
        linear=complex(linear * a.reduction / b.reduction),
        shift=complex(shift / b.reduction),
        inliers=inliers,
    )


def register(a: NDArray[np.uint8], b: NDArray[np.uint8], *, min_inliers: int, seed: int) -> Floats:
    """Estimate the similarity transform from one grey image to another of the same photograph.

    Returns:
        float64 (2, 3), for ``cv2.warpAffine(a, matrix, (width of b, height of b))``.

    Raises:
        DataError: the images agree in fewer than ``min_inliers`` keypoints, or are not uint8 (height, width).
    """
    first, second = (
        describe(grey, max_side=_REGISTRATION_SIDE, max_keypoints=_REGISTRATION_KEYPOINTS) for grey in (a, b)
    )
    similarity = compare(first, second, seed=seed)
    inliers = similarity.inliers if similarity else 0
    if similarity is None or inliers < min_inliers:
        raise DataError(f"registration: the two images agree in only {inliers} keypoints; {min_inliers} are needed")
    return similarity.matrix


def consistent(linear: Complex, expected: Complex) -> NDArray[np.bool_]:
    """Whether transforms agree with the sizes and orientations of keypoints.

    Args:
        linear: the linear parts.
        expected: their logarithms by the keypoints: of the ratio of sizes, and i times the turn in radians.
    """
    scale_error = np.abs(np.log(np.abs(linear)) - expected.real)
    rotation_error = (np.angle(linear) - expected.imag + np.pi) % (2 * np.pi) - np.pi
    consistent = (scale_error < _SCALE_TOLERANCE) & (np.abs(rotation_error) < np.deg2rad(_ROTATION_TOLERANCE))
    return np.asarray(consistent, dtype=np.bool_)


def possible(linear: Complex) -> NDArray[np.bool_]:
    """Whether transforms neither shrink nor magnify so much that any match fits."""
    return np.asarray((np.abs(linear) > _SCALE_RANGE[0]) & (np.abs(linear) < _SCALE_RANGE[1]), dtype=np.bool_)


def _matches(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[Ints, Ints]:
    """Mutual nearest neighbours that pass the ratio test."""
    if not len(a) or len(b) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    similarity = a.astype(np.float32) @ b.astype(np.float32).T  # integers below 2**24: exact
    nearest = similarity.argmax(axis=1)
    first = np.flatnonzero(similarity[np.arange(len(a)), nearest] > MIN_COSINE * NORM**2)
    nearest = nearest[first]
    mutual = similarity[:, nearest].argmax(axis=0) == first
    rows, index = similarity[first], np.arange(len(first))
    best = rows[index, nearest]
    rows[index, nearest] = -np.inf
    # All descriptors have equal length, so the squared distance is 2 * (length^2 - product).
    distinct = (NORM**2 - best) < _MAX_RATIO**2 * (NORM**2 - rows.max(axis=1))
    return first[mutual & distinct], nearest[mutual & distinct]


def _positions(features: Features, index: Ints) -> Complex:
    x, y = features.keypoints[index, :2].T.astype(np.float64) * features.reduction
    return np.asarray(x + 1j * y)


def _ransac(
    p: Complex, q: Complex, expected: Complex, tolerance: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """The inliers, bool (matches,), of the best sampled transform."""
    n = len(p)
    samples = min(_MAX_SAMPLES, _MAX_CHECKS // n)
    if n * (n - 1) // 2 <= samples:
        i, j = np.triu_indices(n, 1)
    else:
        i = random.integers(0, n, samples)
        j = (i + random.integers(1, n, samples)) % n
    apart = (np.abs(p[i] - p[j]) > 2 * tolerance) & (np.abs(q[i] - q[j]) > 2 * tolerance)
    i, j = i[apart], j[apart]
    linear = (q[j] - q[i]) / (p[j] - p[i])
    valid = consistent(linear, expected[i]) & consistent(linear, expected[j])
    valid &= possible(linear)
    linear, shift = linear[valid], (q[i] - linear * p[i])[valid]
    if not len(linear):
        return np.zeros(n, dtype=np.bool_)
    inlier = _inliers(linear, shift, p, q, expected, tolerance)
    return np.asarray(inlier[inlier.sum(axis=1).argmax()], dtype=np.bool_)


def _inliers(
    linear: Complex, shift: Complex, p: Complex, q: Complex, expected: Complex, tolerance: float
) -> NDArray[np.bool_]:
    """Whether each match is an inlier of each transform: bool (transforms, matches)."""
    # A transform that magnifies the first image magnifies its errors, too.
    max_error = tolerance * np.maximum(1.0, np.abs(linear))
    error = linear[:, None] * p + shift[:, None] - q
    near = error.real**2 + error.imag**2 < max_error[:, None] ** 2
    return np.asarray(near & consistent(linear[:, None], expected), dtype=np.bool_)


def _fit(p: Complex, q: Complex) -> tuple[complex, complex]:
    """Least squares fit: in complex numbers a similarity transform is a straight line."""
    centre_p, centre_q = p.mean(), q.mean()
    spread = np.sum(np.abs(p - centre_p) ** 2)
    if spread == 0:
        return 0j, complex(centre_q)
    linear = np.sum((q - centre_q) * np.conj(p - centre_p)) / spread
    return complex(linear), complex(centre_q - linear * centre_p)
