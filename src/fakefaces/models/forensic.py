"""Kernel ridge regression on traces of processing: p_fake and the four parts at once, solved, not descended to.

Features are brought to unit variance and their principal components part of the way there; a Gaussian kernel
compares an image with all that were learned from, and with their mirror images. The solution is written down as a
network of ordinary layers, so that a detector of this kind is saved, loaded and served like any other.

That a mirror image has the same score, with its eyes exchanged, is built in: what is learned of left and right
alike, and of their difference, are two systems of equations of half the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.strict import Strict
from fakefaces.forensics.boxes import MIRRORED
from fakefaces.forensics.features import mirrored

if TYPE_CHECKING:
    from fakefaces.training import Part

Array = NDArray[np.float64]

_FARTHEST = 6.0  # standard deviations at which a feature is cut off
_FLAT = 1e-6  # below it a standard deviation is none
_NEVER = 1e12  # the variance that silences a feature which has none
_ENOUGH = 1000  # images from which the components are found, evenly taken, with their mirror images
_SWAPPED = [0, 2, 1, 3, 4]  # the outputs of a mirror image


class Settings(Strict):
    """What ``params.yaml`` may set."""

    components: Annotated[int, Field(ge=1)] = 200  # principal ones that are kept
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps their variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: the larger, the more alike must images be to count
    ridge: Annotated[float, Field(gt=0)] = 0.1  # the more, the smoother


def fit(settings: Settings, train: "Part", validation: "Part", families: Sequence[int]) -> Any:
    """Solve for the training images, once a family of numbers, and calibrate the mean on the validation images.

    One kernel over all numbers would drown the small families in the large ones, and the mean of several witnesses
    is worth more than either: docs/forensic.md has the figures.

    Args:
        settings: this kind's.
        train: views float32 (n, boxes, numbers), labels and parts.
        validation: likewise.
        families: how many numbers of a box belong together, in their order.

    Returns:
        A Keras model from views (batch, boxes, numbers) to (batch, 5): p_fake, and for each part the probability
        that it was replaced.
    """
    import keras

    keras.utils.clear_session()  # operations are named by a count, which must not depend on what was built before
    inputs = keras.Input(train.views.shape[1:], name="traces")
    found = []
    for number, (start, end) in enumerate(pairwise(accumulate(families, initial=0))):
        own = replace(train, views=train.views[..., start:end])
        found.append(solve(settings, own).network(inputs[..., start:end], f"family{number}"))
    evidence = keras.layers.Average(name="evidence")(found) if len(found) > 1 else found[0]
    return _calibrated(keras.Model(inputs, evidence), validation)


def solve(settings: Settings, train: "Part") -> "Solution":
    """Solve for the training images on one family of numbers; see :func:`fit`."""
    space = _space(train.views, settings)
    places = space.places(train.views)
    width = settings.width / float(places.var(axis=0, dtype=np.float64).sum())
    targets = _targets(train)
    level = targets.mean(axis=0)
    level[1:3] = level[1:3].mean()
    centred = targets - level
    alike, apart = (centred + centred[:, _SWAPPED]) / 2, (centred - centred[:, _SWAPPED]) / 2
    same, crossed = _kernel(places, places, width), _kernel(places, space.mirrored(places), width)
    weights = _solved(same + crossed, alike, settings.ridge), _solved(same - crossed, apart, settings.ridge)
    return Solution(space, places, width, *weights, level)


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
        places: float32 (n, components), the training images'.
        width: of the kernel.
        alike: float64 (n, 5), the weights of what an image and its mirror image share.
        apart: float64 (n, 5), those of what turns about in a mirror.
        level: float64 (5,), the outputs of an image that is like none.
    """

    space: Space
    places: NDArray[np.float32]
    width: float
    alike: Array
    apart: Array
    level: Array

    def evidence(self, views: NDArray[np.float32]) -> Array:
        """The outputs before calibration, float64 (n, 5); 0 speaks for real and for kept parts, 1 against."""
        places = self.space.places(views)
        here, there = (_kernel(each, self.places, self.width) for each in (places, self.space.mirrored(places)))
        return (here + there) @ self.alike + (here - there) @ self.apart + self.level

    def network(self, views: Any, name: str) -> Any:
        """The same of a Keras tensor of views, by layers whose names begin with ``name``."""
        return _network(self, views, name)


def _space(views: NDArray[np.float32], settings: Settings) -> Space:
    some = views[:: -(-len(views) // _ENOUGH)]
    both = np.concatenate([some, mirrored(some)]).reshape(2 * len(some), -1)
    mean, spread = both.mean(axis=0, dtype=np.float64), both.std(axis=0, dtype=np.float64)
    scale = np.where(spread > _FLAT, 1 / np.maximum(spread, _FLAT), 0)
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
    kept = values > _FLAT * values[-1]  # centring, at the least, takes one of what the rows span
    values, vectors = values[kept], vectors[:, kept]
    if not tall:
        vectors = rows.T @ (vectors / np.sqrt(values))
    # The sign of an eigenvector is the solver's whim; the largest entry is made positive.
    return values, vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])


def _scaled(views: NDArray[np.float32], mean: Array, scale: Array) -> NDArray[np.float32]:
    flat = views.reshape(len(views), -1)
    scaled = np.clip((flat - mean.astype(np.float32)) * scale.astype(np.float32), -_FARTHEST, _FARTHEST)
    return scaled.reshape(views.shape)


def _turn() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
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
    sums, differences = (np.einsum("ab,nbk->nak", part, scaled).reshape(len(scaled), -1) for part in _turn())
    return sums, differences


def _targets(part: "Part") -> Array:
    """(n, 5): fake, and each part replaced; where it is not known, as often as it is among those known."""
    parts = part.parts.astype(np.float64)
    unknown = parts < 0
    known = parts[(part.labels == 1) & ~unknown.any(axis=1)]
    parts = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, parts)
    return np.column_stack([part.labels.astype(np.float64), parts])


def _kernel(some: NDArray[np.float32], others: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """exp(-width * squared distance), float32 (n, m)."""
    found = some @ others.T
    found *= 2
    found -= np.einsum("ij,ij->i", some, some)[:, None]
    found -= np.einsum("ij,ij->i", others, others)
    found *= np.float32(width)
    return np.exp(np.minimum(found, 0, out=found), out=found)


def _solved(kernel: NDArray[np.float32], targets: Array, ridge: float) -> Array:
    from scipy.linalg import solve

    system = kernel.astype(np.float64)
    system = (system + system.T) / 2  # an image's likeness to a mirror image is the other's, but for rounding
    system[np.diag_indices(len(system))] += ridge
    return solve(system, targets, assume_a="pos", overwrite_a=True)


def _network(solution: Solution, inputs: Any, name: str) -> Any:
    """The solution as layers: the square of a distance is two squares and a product."""
    import keras
    from keras import layers

    space, places, width = solution.space, solution.places, solution.width
    unit = layers.Normalization(name=f"{name}_unit")
    unit.build((None, len(space.mean)))
    variance = np.where(space.scale > 0, 1 / np.maximum(space.scale, _FLAT) ** 2, _NEVER)
    unit.set_weights([space.mean, variance, np.zeros((), np.int32)])
    unit.finalize_state()
    own = np.einsum("ij,ij->i", places, places)
    count = space.sums.shape[1]
    flat = layers.Flatten(name=f"{name}_numbers")(inputs)
    scaled = keras.ops.clip(unit(flat), -_FARTHEST, _FARTHEST)
    boxes = layers.Permute((2, 1))(layers.Reshape(space.shape, name=f"{name}_boxes")(scaled))

    def projected(part: int, axes: NDArray[np.float32], bias: Any, what: str) -> Any:
        turn = _turn()[part].T
        turned = _dense(turn, np.zeros(turn.shape[1]), f"{name}_{what}_of_boxes", space.shape[1])(boxes)
        return _dense(axes, bias, f"{name}_{what}")(layers.Flatten()(layers.Permute((2, 1))(turned)))

    sums = projected(0, space.sums, -space.middle @ space.sums, "sums")
    squares = keras.ops.sum(keras.ops.square(sums), axis=-1, keepdims=True)
    here = there = _dense(2 * width * places[:, :count].T, -width * own, f"{name}_products_of_sums")(sums)
    if space.differences.shape[1]:
        differences = projected(1, space.differences, np.zeros(space.differences.shape[1]), "differences")
        squares = squares + keras.ops.sum(keras.ops.square(differences), axis=-1, keepdims=True)
        kernel = 2 * width * places[:, count:].T
        crossing = _dense(kernel, np.zeros(len(own)), f"{name}_products_of_differences")(differences)
        here, there = here + crossing, there - crossing
    here, there = (keras.ops.exp(keras.ops.minimum(x - squares * width, 0.0)) for x in (here, there))
    alike = _dense(solution.alike, solution.level, f"{name}_alike")(here + there)
    return alike + _dense(solution.apart, np.zeros(len(solution.level)), f"{name}_apart")(here - there)


def _calibrated(network: Any, validation: "Part") -> Any:
    """Put Platt's sigmoid on each output, with slopes and offsets found on the validation images."""
    import keras
    from sklearn.linear_model import LogisticRegression

    evidence = np.asarray(network.predict(validation.views, batch_size=256, verbose=0), dtype=np.float64)
    truths = (_targets(validation) > 0.5).astype(int)
    slopes, offsets = np.ones(evidence.shape[1]), np.zeros(evidence.shape[1])
    for column, (values, truth) in enumerate(zip(evidence.T, truths.T, strict=True)):
        if 0 < truth.sum() < len(truth):
            found = LogisticRegression(C=100.0).fit(values[:, None], truth)
            slopes[column], offsets[column] = found.coef_[0, 0], found.intercept_[0]
    outputs = _dense(np.diag(slopes), offsets, "calibration")(network.output)
    outputs = keras.layers.Activation("sigmoid", name="probabilities")(outputs)
    return keras.Model(network.input, outputs, name="forensic")


def _dense(kernel: Any, bias: Any, name: str, *before: int) -> Any:
    """A dense layer with its weights; ``before`` are the sizes between the batch and the last axis."""
    import keras

    layer = keras.layers.Dense(np.shape(kernel)[1], name=name)
    layer.build((None, *before, np.shape(kernel)[0]))
    layer.set_weights([np.asarray(kernel, np.float32), np.asarray(bias, np.float32)])
    return layer
