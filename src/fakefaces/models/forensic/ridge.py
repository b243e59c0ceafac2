"""Ridge regression in the span of a kernel's landmarks, whose values are computed some rows at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BLOCK = 8192  # rows of the kernel at a time; the last digits of results depend on it where there are more
_JITTER = 1e-8  # of the mean of a diagonal, so that rounding leaves no system indefinite


class RidgeSystem:
    """Ridge regression in the span of landmarks; kernel ridge regression where every example is a landmark."""

    level: float  # 0 to 1, the mean of the kernel

    def __init__(
        self, points: NDArray[np.float32], landmarks: NDArray[np.float32], gamma: float, target: Array, ridge: float
    ) -> None:
        """Factorise the system.

        Args:
            points: (n, components), the examples.
            landmarks: (landmarks, components), what they are compared with.
            gamma: of the kernel exp(-gamma * squared distance).
            target: (n,).
            ridge: the regularisation.
        """
        from scipy.linalg import cho_factor

        self._points, self._landmarks, self._gamma, self._target = points, landmarks, gamma, target
        n, size = len(points), len(landmarks)
        products, self._right, total = np.zeros((size, size)), np.zeros(size), 0.0
        for start in range(0, n, BLOCK):
            rows = slice(start, start + BLOCK)
            kernel = self._kernel(points[rows])
            products += kernel.T @ kernel
            self._right += kernel.T @ target[rows]
            total += float(kernel.sum())
        self.level = total / (n * size)
        gram = self._kernel(landmarks)
        gram = (gram + gram.T) / 2  # symmetric but for rounding
        system = products + ridge * gram
        system[np.diag_indices(size)] += _JITTER * np.trace(system) / size
        self._factor = cho_factor(system, overwrite_a=True)

    def solve(self) -> Array:
        """The weights float64 (landmarks,)."""
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self._factor, self._right))

    def leave_out(self, groups: Sequence[NDArray[np.intp]]) -> list[Array]:
        """Predictions for groups of rows, each by the regression on all others.

        ``groups`` are (groups, k) each, the rows that are left out together; the predictions are float64 of the same
        shapes.
        """
        from scipy.linalg import cho_solve

        rows = np.sort(np.concatenate([group.ravel() for group in groups]))
        kernel = self._kernel(self._points[rows])
        halfway = np.asarray(cho_solve(self._factor, kernel.T)).T
        within = [np.searchsorted(rows, group) for group in groups]
        return leave_out(kernel, halfway, self._target[rows], halfway @ self._right, within)

    def _kernel(self, points: NDArray[np.float32]) -> Array:
        return gaussian(points, self._landmarks, self._gamma).astype(np.float64)


def leave_out(
    inputs: Array, halfway: Array, target: Array, fitted: Array, groups: Sequence[NDArray[np.intp]]
) -> list[Array]:
    """Predictions of a linear regression for groups of its examples, each without the group.

    From the blocks of the hat matrix: R. D. Cook & S. Weisberg, "Residuals and Influence in Regression", 1982.

    Args:
        inputs: float64 (n, inputs), of the examples.
        halfway: float64 (n, inputs), the system's solution for each example's inputs.
        target: float64 (n,).
        fitted: float64 (n,), the predictions of the regression on all examples.
        groups: (groups, k) each, the examples that are left out together.
    """
    found = []
    for group in groups:
        hat = inputs[group] @ halfway[group].swapaxes(1, 2)
        residual = (target - fitted)[group]
        left_out = np.linalg.solve(np.eye(group.shape[1]) - hat, residual[..., None])[..., 0]
        found.append(np.asarray(target[group] - left_out))
    return found


def gaussian(a: NDArray[np.float32], b: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    """exp(-gamma * squared distance), float32 (len(a), len(b))."""
    kernel = a @ b.T
    kernel *= 2
    kernel -= np.einsum("ij,ij->i", a, a)[:, None]
    kernel -= np.einsum("ij,ij->i", b, b)
    kernel *= np.float32(gamma)
    np.minimum(kernel, 0, out=kernel)
    return np.asarray(np.exp(kernel, out=kernel))
