"""Traces of processing, judged by kernel ridge regression: p_fake and the four parts at once, solved, not descended to.

The solutions, one for each look at each family of traces, are written down as a network of ordinary layers, so that
a detector of this kind is saved, loaded and served like any other.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.models.forensic.looks import LOOKS, TOLD
from fakefaces.models.forensic.regression import FARTHEST, FLAT, Settings, Solution, part_targets, shares, solve

if TYPE_CHECKING:
    from fakefaces.data.arrays import Part

__all__ = ["READS", "Settings", "fit"]

READS = "residual features"

_NEVER = 1e12  # the variance that silences a feature which has none


def fit(settings: Settings, train: "Part", validation: "Part", families: Sequence[int]) -> Any:
    """Solve for the training images, once a look and family of numbers, and calibrate on the validation images.

    One kernel over all numbers would drown the small families in the large ones, and the mean of several witnesses
    is worth more than either. Each counts for as much as it can tell of training images that are left out of it:
    docs/forensic.md has the figures.

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
    bounds = list(pairwise(accumulate(families, initial=0)))
    parts = [replace(train, views=train.views[..., start:end]) for start, end in bounds]
    solutions = weighed([[solve(settings, look, part) for look in LOOKS] for part in parts])
    seen = _seen(solutions, bounds, inputs)
    told: list[list[Any]] = [[] for _ in TOLD]
    for number, ((start, end), of_family) in enumerate(zip(bounds, solutions, strict=True)):
        first = 0
        for solution in of_family:
            look, name = solution.look, f"family{number}_{solution.look.name}"
            edges = list(accumulate((len(one) for one in look.rows), initial=first))
            parts = [seen[:, top:bottom, start:end] for top, bottom in pairwise(edges)]
            found, first = as_layers(solution, parts, name), edges[-1]
            for answer, tensor in zip(look.answers, found, strict=True):
                told[answer].append(tensor)
    answers = keras.layers.Concatenate(name="answers")([keras.layers.Add()(one) if one[1:] else one[0] for one in told])
    return _calibrated(keras.Model(inputs, answers), validation)


def weighed(solutions: Sequence[Sequence[Solution]]) -> list[list[Solution]]:
    """Solutions by family and look, each times its share, so that the answers can be added up."""
    parts = [shares([one.skill for one in of_look]) for of_look in zip(*solutions, strict=True)]
    return [
        [one.weighed(share[family] * one.look.share) for one, share in zip(of_family, parts, strict=True)]
        for family, of_family in enumerate(solutions)
    ]


def as_layers(solution: Solution, seen: Sequence[Any], name: str) -> list[Any]:
    """The solution as layers, (batch, 1) an answer: the square of a distance is two squares and a product.

    Args:
        solution: of one look at one family.
        seen: for each answer what is looked at, scaled and cut off, (batch, rows, numbers).
        name: before the names of the layers, which all answers share.
    """
    import keras

    unit = np.sqrt(solution.width)
    axes, places = solution.space.axes * unit, solution.places * unit
    place = _dense(axes, -solution.space.middle @ axes, f"{name}_place")
    near = _dense(2 * places.T, -np.einsum("ij,ij->i", places, places), f"{name}_near")
    answer = _dense(solution.weights[:, None], [solution.level], f"{name}_answer")
    answers = []
    for one in seen:
        there = place(keras.layers.Flatten()(one))
        far = keras.ops.sum(keras.ops.square(there), axis=-1, keepdims=True)
        answers.append(answer(keras.ops.exp(near(there) - far)))
    return answers


def _seen(solutions: Sequence[Sequence[Solution]], bounds: Sequence[tuple[int, int]], inputs: Any) -> Any:
    """The rows of all looks over all numbers, scaled and cut off, (batch, rows, numbers): once for all solutions."""
    import keras
    from keras import layers

    rows = np.concatenate([one for look in LOOKS for one in look.rows])
    numbers = inputs.shape[-1]
    mean, variance = np.zeros((len(rows), numbers)), np.ones((len(rows), numbers))
    for (start, end), of_family in zip(bounds, solutions, strict=True):
        first = 0
        for solution in of_family:
            space = solution.space
            spread = np.where(space.scale > 0, 1 / np.maximum(space.scale, FLAT) ** 2, _NEVER)
            for one in solution.look.rows:
                last = first + len(one)
                mean[first:last, start:end] = space.mean.reshape(len(one), -1)
                variance[first:last, start:end] = spread.reshape(len(one), -1)
                first = last
    turn = _dense(rows.T, np.zeros(len(rows)), "rows", numbers)
    turned = layers.Permute((2, 1), name="turned")(turn(layers.Permute((2, 1), name="boxes")(inputs)))
    unit = layers.Normalization(axis=(1, 2), name="unit")
    unit.build((None, *mean.shape))
    unit.set_weights([mean, variance, np.zeros((), np.int32)])
    unit.finalize_state()
    return keras.ops.clip(unit(turned), -FARTHEST, FARTHEST)


def _calibrated(network: Any, validation: "Part") -> Any:
    """Put Platt's sigmoid on each output, with slopes and offsets found on the validation images."""
    import keras
    from sklearn.linear_model import LogisticRegression

    evidence = np.asarray(network.predict(validation.views, batch_size=256, verbose=0), dtype=np.float64) @ TOLD
    truths = (part_targets(validation) > 0.5).astype(int)
    slopes, offsets = np.ones(evidence.shape[1]), np.zeros(evidence.shape[1])
    for columns in sorted({look.answers for look in LOOKS}):  # both eyes by one sigmoid
        values, truth = evidence[:, list(columns)].reshape(-1, 1), truths[:, list(columns)].ravel()
        if 0 < truth.sum() < len(truth):
            found = LogisticRegression(C=100.0).fit(values, truth)
            slopes[list(columns)], offsets[list(columns)] = found.coef_[0, 0], found.intercept_[0]
    outputs = _dense(TOLD * slopes, offsets, "calibration")(network.output)
    outputs = keras.layers.Activation("sigmoid", name="probabilities")(outputs)
    return keras.Model(network.input, outputs, name="forensic")


def _dense(kernel: NDArray[Any], bias: Any, name: str, *before: int) -> Any:
    """A dense layer with its weights; ``before`` are the sizes between the batch and the last axis."""
    import keras

    layer = keras.layers.Dense(np.shape(kernel)[1], name=name)
    layer.build((None, *before, np.shape(kernel)[0]))
    layer.set_weights([np.asarray(kernel, np.float32), np.asarray(bias, np.float32)])
    return layer
