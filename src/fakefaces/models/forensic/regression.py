"""Kernel ridge regression on numbers of boxes.

Features are brought to unit variance and their principal components part of the way there; a Gaussian kernel
compares with landmarks among the training images. Landmarks as in C. Williams & M. Seeger, "Using the Nyström Method
to Speed Up Kernel Machines", NIPS 2000: all images are learned from, and the solution is as small as the landmarks
are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.schema import Schema
from fakefaces.models.forensic.looks import Look

if TYPE_CHECKING:
    from fakefaces.data.arrays import Part

Array = NDArray[np.float64]

FARTHEST = 6.0  # standard deviations at which a feature is cut off
FLAT = 1e-6  # below it a standard deviation is none
_ENOUGH = 1500  # examples from which the components are found, evenly taken
_JITTER = 1e-8  # of the mean of a diagonal, so that rounding leaves no system indefinite


class Settings(Schema):
    """What ``params.yaml`` may set."""

    components: Annotated[int, Field(ge=1)] = 75  # principal ones that are kept
    landmarks: Annotated[int, Field(ge=2)] = 1000  # training examples that others are compared with, at most
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps their variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: the larger, the more alike must images be to count
    ridge: Annotated[float, Field(gt=0)] = 0.1  # the more, the smoother


@dataclass(frozen=True)
class Space:
    """From features to places among which distances are taken.

    Attributes:
        mean: float64 (features,).
        scale: likewise, one over the standard deviation; 0 where there is none.
        middle: float32 (features,), the mean of what is scaled and cut off.
        axes: float32 (features, components).
    """

    mean: Array
    scale: Array
    middle: NDArray[np.float32]
    axes: NDArray[np.float32]

    def places(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, components)."""
        return np.asarray((_scaled(features, self.mean, self.scale) - self.middle) @ self.axes)


@dataclass(frozen=True)
class Solution:
    """What was solved for, of one look at one family of numbers.

    Attributes:
        look: what is compared.
        space: in which it is compared.
        places: float32 (landmarks, components), the landmarks'.
        width: of the kernel.
        weights: float64 (landmarks,).
        level: the answer to what is like none.
        skill: 0 to 1, how well it ranks images that are left out of it.
    """

    look: Look
    space: Space
    places: NDArray[np.float32]
    width: float
    weights: Array
    level: float
    skill: float

    def weighed(self, share: float) -> "Solution":
        """The same with all answers times ``share``."""
        return replace(self, weights=self.weights * share, level=self.level * share)

    def answers(self, views: NDArray[np.float32]) -> Array:
        """float64 (n, answers of the look); 0 speaks for real and for kept parts, 1 against."""
        kernels = [_kernel(self.space.places(seen), self.places, self.width) for seen in self.look.of(views)]
        return np.column_stack([kernel @ self.weights + self.level for kernel in kernels])


def solve(settings: Settings, look: Look, train: "Part") -> Solution:
    """Solve for the training images on one family of numbers; see :func:`fakefaces.models.forensic.fit`."""
    seen = look.of(train.views)
    count, n = seen.shape[:2]
    examples = seen.reshape(count * n, -1)  # those of one answer after those of another
    space = _space(examples, settings)
    places = space.places(examples)
    width = settings.width / float(places.var(axis=0, dtype=np.float64).sum())
    target = part_targets(train)[:, list(look.answers)].T.ravel()
    level = float(target.mean())
    originals, first = n - len(train.made_of), np.arange(count) * n
    marks = (first[:, None] + _landmarks(originals, settings.landmarks // count)).ravel()
    system = System(_kernel(places, places[marks], width), marks, settings.ridge)
    own = np.argsort(np.r_[:originals, train.made_of], kind="stable").reshape(originals, -1)
    left_out = system.left_out(target - level, np.concatenate([own + start for start in first], axis=1))
    skill = _skill(train.labels, left_out.reshape(count, n).mean(axis=0))
    return Solution(look, space, places[marks], width, system.weights(target - level), level, skill)


def shares(skills: Sequence[float]) -> Array:
    """What each of several solutions counts for in their mean, float64 (n,): as much as its skill."""
    found = np.asarray(skills, dtype=np.float64)
    return found / found.sum() if found.sum() > 0 else np.full(len(found), 1 / len(found))


def part_targets(part: "Part") -> Array:
    """(n, 5): fake, and each part replaced; where it is not known, as often as it is among those known."""
    parts = part.parts.astype(np.float64)
    unknown = parts < 0
    known = parts[(part.labels == 1) & ~unknown.any(axis=1)]
    parts = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, parts)
    return np.column_stack([part.labels.astype(np.float64), parts])


class System:
    """Ridge regression on what landmarks span; kernel ridge regression itself, where every example is one."""

    def __init__(self, kernel: NDArray[np.float32], marks: NDArray[np.intp], ridge: float) -> None:
        """Factorise it.

        Args:
            kernel: float32 (n, landmarks), of all examples against the landmarks.
            marks: which rows of it are the landmarks'.
            ridge: the more, the smoother.
        """
        from scipy.linalg import cho_factor

        self.kernel = kernel.astype(np.float64)
        among = self.kernel[marks]
        among = (among + among.T) / 2  # one example's likeness to another is the other's to it, but for rounding
        system = self.kernel.T @ self.kernel + ridge * among
        system[np.diag_indices(len(system))] += _JITTER * np.trace(system) / len(system)
        self.factor = cho_factor(system, overwrite_a=True)

    def weights(self, target: Array) -> Array:
        """The landmarks' weights for a target (n,), float64 (landmarks,)."""
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self.factor, self.kernel.T @ target))

    def left_out(self, target: Array, own: NDArray[np.intp]) -> Array:
        """What the others alone would say of each example, without solving again: float64 (n,).

        From the residuals and the blocks of the hat matrix; R. D. Cook & S. Weisberg, "Residuals and Influence in
        Regression", 1982.

        Args:
            target: (n,).
            own: (images, k), the rows that are left out together: an image's and its copies'.
        """
        from scipy.linalg import cho_solve

        halfway = np.asarray(cho_solve(self.factor, self.kernel.T)).T
        hat = np.einsum("nam,nbm->nab", self.kernel[own], halfway[own])
        residual = target - halfway @ (self.kernel.T @ target)
        without = np.linalg.solve(np.eye(own.shape[1]) - hat, residual[own][..., None])[..., 0]
        found = np.empty_like(target)
        found[own] = target[own] - without
        return found


def _space(examples: NDArray[np.float32], settings: Settings) -> Space:
    from scipy.linalg import eigh

    mean, spread = examples.mean(axis=0, dtype=np.float64), examples.std(axis=0, dtype=np.float64)
    scale = np.where(spread > FLAT, 1 / np.maximum(spread, FLAT), 0)
    some = _scaled(examples[:: -(-len(examples) // _ENOUGH)], mean, scale)
    middle = some.mean(axis=0)
    some = some - middle
    tall = some.shape[0] > some.shape[1]
    gram = (some.T @ some if tall else some @ some.T).astype(np.float64)
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=[max(0, size - settings.components), size - 1])
    kept = values > FLAT * values[-1]  # centring, at the least, takes one of what the rows span
    values, vectors = values[kept], vectors[:, kept]
    if not tall:
        vectors = some.T @ (vectors / np.sqrt(values))
    # The sign of an eigenvector is the solver's whim; the largest entry is made positive.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
    axes = vectors / np.sqrt(values / len(some)) ** settings.whitening
    return Space(mean, scale, middle, axes.astype(np.float32))


def _scaled(features: NDArray[np.float32], mean: Array, scale: Array) -> NDArray[np.float32]:
    return np.clip((features - mean.astype(np.float32)) * scale.astype(np.float32), -FARTHEST, FARTHEST)


def _kernel(some: NDArray[np.float32], others: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """exp(-width * squared distance), float32 (n, m)."""
    found = some @ others.T
    found *= 2
    found -= np.einsum("ij,ij->i", some, some)[:, None]
    found -= np.einsum("ij,ij->i", others, others)
    found *= np.float32(width)
    return np.exp(np.minimum(found, 0, out=found), out=found)


def _landmarks(originals: int, most: int) -> NDArray[np.intp]:
    """Rows of the images that all are compared with: originals, which come first, evenly taken.

    Made copies teach as well as originals do, but are worse to compare with: docs/forensic.md.
    """
    return np.unique(np.linspace(0, originals - 1, min(originals, most)).round().astype(np.intp))


def _skill(labels: NDArray[np.float32], left_out: Array) -> float:
    """How much better than chance images are ranked by what the others say of them: Somers' D, 0 where it is less."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        return 0.0
    return max(0.0, 2 * float(roc_auc_score(labels, left_out)) - 1)
