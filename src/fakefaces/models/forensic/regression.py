"""Kernel ridge regression on numbers of boxes, whose outputs exchange the eyes where the image is mirrored.

Features are brought to unit variance and their principal components part of the way there; a Gaussian kernel
compares an image with landmarks among the training images, and with their mirror images. Landmarks as in
C. Williams & M. Seeger, "Using the Nyström Method to Speed Up Kernel Machines", NIPS 2000: all images are learned
from, and the solution is as small as the landmarks are few.

That a mirror image has the same score, with its eyes exchanged, is built in: what is learned of left and right
alike, and of their difference, are two systems of equations of half the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.strict import Strict
from fakefaces.forensics.boxes import MIRRORED
from fakefaces.forensics.features import mirrored

if TYPE_CHECKING:
    from fakefaces.training import Part

Array = NDArray[np.float64]

FARTHEST = 6.0  # standard deviations at which a feature is cut off
FLAT = 1e-6  # below it a standard deviation is none
_ENOUGH = 1000  # images from which the components are found, evenly taken, with their mirror images
_SWAPPED = [0, 2, 1, 3, 4]  # the outputs of a mirror image
_JITTER = 1e-8  # of the mean of a diagonal, so that rounding leaves no system indefinite


class Settings(Strict):
    """What ``params.yaml`` may set."""

    components: Annotated[int, Field(ge=1)] = 360  # principal ones that are kept
    landmarks: Annotated[int, Field(ge=1)] = 1000  # training images that others are compared with, at most
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps their variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: the larger, the more alike must images be to count
    ridge: Annotated[float, Field(gt=0)] = 0.1  # the more, the smoother


def solve(settings: Settings, train: "Part") -> "Solution":
    """Solve for the training images on one family of numbers; see :func:`fakefaces.models.forensic.fit`."""
    space = _space(train.views, settings)
    places = space.places(train.views)
    width = settings.width / float(places.var(axis=0, dtype=np.float64).sum())
    targets = part_targets(train)
    level = targets.mean(axis=0)
    level[1:3] = level[1:3].mean()
    centred = targets - level
    alike, apart = (centred + centred[:, _SWAPPED]) / 2, (centred - centred[:, _SWAPPED]) / 2
    originals = len(places) - len(train.made_of)
    marks = _landmarks(originals, settings.landmarks)
    known = places[marks]
    same, crossed = _kernel(places, known, width), _kernel(space.mirrored(places), known, width)
    of_alike, of_apart = System(same + crossed, marks, settings.ridge), System(same - crossed, marks, settings.ridge)
    own = np.argsort(np.r_[:originals, train.made_of], kind="stable").reshape(originals, -1)
    skill = _skill(train.labels, of_alike.left_out(alike[:, 0], own))
    return Solution(space, known, width, of_alike.weights(alike), of_apart.weights(apart), level, skill)


def shares(skills: Sequence[float]) -> Array:
    """What each of several solutions counts for in their mean, float64 (n,): as much as its skill."""
    found = np.asarray(skills, dtype=np.float64)
    return found / found.sum() if found.sum() > 0 else np.full(len(found), 1 / len(found))


@dataclass(frozen=True)
class Space:
    """From features to places among which distances are taken.

    Boxes are turned into sums and differences of left and right, so that a mirror image has the same first
    coordinates, and the last ones with the other sign.

    Attributes:
        shape: of the features of one image, (boxes, numbers).
        mean: float64 (boxes * numbers,), the same for an image and its mirror image, as the scale.
        scale: likewise, one over the standard deviation; 0 where there is none.
        middle: float32 (sums * numbers,), the mean of the scaled sums.
        sums: float32 (sums * numbers, some components).
        differences: float32 (differences * numbers, the other components).
    """

    shape: tuple[int, ...]
    mean: Array
    scale: Array
    middle: NDArray[np.float32]
    sums: NDArray[np.float32]
    differences: NDArray[np.float32]

    def places(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, components)."""
        sums, differences = _turned(_scaled(views, self.mean, self.scale))
        return np.hstack([(sums - self.middle) @ self.sums, differences @ self.differences])

    def mirrored(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """The places of the mirror images."""
        count = self.sums.shape[1]
        return np.hstack([places[:, :count], -places[:, count:]])


@dataclass(frozen=True)
class Solution:
    """What was solved for.

    Attributes:
        space: in which images are compared.
        places: float32 (n, components), the landmarks'.
        width: of the kernel.
        alike: float64 (n, 5), the weights of what an image and its mirror image share.
        apart: float64 (n, 5), those of what turns about in a mirror.
        level: float64 (5,), the outputs of an image that is like none.
        skill: 0 to 1, how well it ranks images that are left out of it.
    """

    space: Space
    places: NDArray[np.float32]
    width: float
    alike: Array
    apart: Array
    level: Array
    skill: float

    def weighed(self, share: float) -> "Solution":
        """The same with all outputs times ``share``."""
        return replace(self, alike=self.alike * share, apart=self.apart * share, level=self.level * share)

    def evidence(self, views: NDArray[np.float32]) -> Array:
        """The outputs before calibration, float64 (n, 5); 0 speaks for real and for kept parts, 1 against."""
        places = self.space.places(views)
        here, there = (_kernel(each, self.places, self.width) for each in (places, self.space.mirrored(places)))
        return (here + there) @ self.alike + (here - there) @ self.apart + self.level


def _space(views: NDArray[np.float32], settings: Settings) -> Space:
    some = views[:: -(-len(views) // _ENOUGH)]
    both = np.concatenate([some, mirrored(some)]).reshape(2 * len(some), -1)
    mean, spread = both.mean(axis=0, dtype=np.float64), both.std(axis=0, dtype=np.float64)
    scale = np.where(spread > FLAT, 1 / np.maximum(spread, FLAT), 0)
    sums, differences = _turned(_scaled(some, mean, scale))
    middle = sums.mean(axis=0)
    # The mirror images take the mean of the differences to 0, and leave the sums as they are.
    found = [_components(sums - middle, settings.components), _components(differences, settings.components)]
    least = np.sort(np.concatenate([values for values, _ in found]))[-settings.components :][0]
    axes = [
        (vectors / np.sqrt(values / len(some)) ** settings.whitening)[:, values >= least].astype(np.float32)
        for values, vectors in found
    ]
    return Space(views.shape[1:], mean, scale, middle, *axes)


def _components(rows: NDArray[np.float32], count: int) -> tuple[Array, Array]:
    """The largest eigenvalues of ``rows.T @ rows``, at most ``count``, and their vectors as columns."""
    from scipy.linalg import eigh

    tall = rows.shape[0] > rows.shape[1]
    gram = (rows.T @ rows if tall else rows @ rows.T).astype(np.float64)
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=[max(0, size - count), size - 1])
    kept = values > FLAT * values[-1]  # centring, at the least, takes one of what the rows span
    values, vectors = values[kept], vectors[:, kept]
    if not tall:
        vectors = rows.T @ (vectors / np.sqrt(values))
    # The sign of an eigenvector is the solver's whim; the largest entry is made positive.
    return values, vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])


def _scaled(views: NDArray[np.float32], mean: Array, scale: Array) -> NDArray[np.float32]:
    flat = views.reshape(len(views), -1)
    scaled = np.clip((flat - mean.astype(np.float32)) * scale.astype(np.float32), -FARTHEST, FARTHEST)
    return scaled.reshape(views.shape)


def turns() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An orthogonal matrix over the boxes in two parts, (sums, boxes) and (differences, boxes)."""
    own = np.eye(len(MIRRORED), dtype=np.float32)
    sums, differences = [], []
    for box, other in enumerate(MIRRORED):
        if box == other:
            sums.append(own[box])
        elif box < other:
            sums.append((own[box] + own[other]) / np.sqrt(np.float32(2)))
            differences.append((own[box] - own[other]) / np.sqrt(np.float32(2)))
    return np.stack(sums), np.stack(differences)


def _turned(scaled: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sums and differences of boxes, float32 (n, numbers of all of them)."""
    sums, differences = (np.einsum("ab,nbk->nak", part, scaled).reshape(len(scaled), -1) for part in turns())
    return sums, differences


def _kernel(some: NDArray[np.float32], others: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """exp(-width * squared distance), float32 (n, m)."""
    found = some @ others.T
    found *= 2
    found -= np.einsum("ij,ij->i", some, some)[:, None]
    found -= np.einsum("ij,ij->i", others, others)
    found *= np.float32(width)
    return np.exp(np.minimum(found, 0, out=found), out=found)


def part_targets(part: "Part") -> Array:
    """(n, 5): fake, and each part replaced; where it is not known, as often as it is among those known."""
    parts = part.parts.astype(np.float64)
    unknown = parts < 0
    known = parts[(part.labels == 1) & ~unknown.any(axis=1)]
    parts = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, parts)
    return np.column_stack([part.labels.astype(np.float64), parts])


def _landmarks(originals: int, most: int) -> NDArray[np.intp]:
    """Rows of the images that all are compared with: originals, which come first, evenly taken.

    Made copies teach as well as originals do, but are worse to compare with: docs/forensic.md.
    """
    return np.unique(np.linspace(0, originals - 1, min(originals, most)).round().astype(np.intp))


class System:
    """Ridge regression on what landmarks span; kernel ridge regression itself, where every image is one."""

    def __init__(self, kernel: NDArray[np.float32], marks: NDArray[np.intp], ridge: float) -> None:
        """Factorise it.

        Args:
            kernel: float32 (n, landmarks), of all images against the landmarks.
            marks: which rows of it are the landmarks'.
            ridge: the more, the smoother.
        """
        from scipy.linalg import cho_factor

        self.kernel = kernel.astype(np.float64)
        among = self.kernel[marks]
        among = (among + among.T) / 2  # an image's likeness to a mirror image is the other's, but for rounding
        system = self.kernel.T @ self.kernel + ridge * among
        system[np.diag_indices(len(system))] += _JITTER * np.trace(system) / len(system)
        self.factor = cho_factor(system, overwrite_a=True)

    def weights(self, targets: Array) -> Array:
        """The landmarks' weights for targets (n, k), float64 (landmarks, k)."""
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self.factor, self.kernel.T @ targets))

    def left_out(self, target: Array, own: NDArray[np.intp]) -> Array:
        """What the others alone would say of each image and each copy, without solving again: float64 (n,).

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


def _skill(labels: NDArray[np.float32], left_out: Array) -> float:
    """How much better than chance images are ranked by what the others say of them: Somers' D, 0 where it is less."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        return 0.0
    return max(0.0, 2 * float(roc_auc_score(labels, left_out)) - 1)
