"""Traces of processing, judged by kernel ridge regression: p_fake and the four parts at once, solved, not descended to.

The solutions, one a family of traces, are written down as a network of ordinary layers, so that a detector of this
kind is saved, loaded and served like any other.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.models.forensic.regression import FARTHEST, FLAT, Settings, Solution, part_targets, shares, solve, turns

if TYPE_CHECKING:
    from fakefaces.training import Part

__all__ = ["Settings", "fit"]

_NEVER = 1e12  # the variance that silences a feature which has none


def fit(settings: Settings, train: "Part", validation: "Part", families: Sequence[int]) -> Any:
    """Solve for the training images, once a family of numbers, and calibrate their mean on the validation images.

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
    solutions = [solve(settings, replace(train, views=train.views[..., start:end])) for start, end in bounds]
    weights = shares([solution.skill for solution in solutions])
    found = [
        as_layers(solution.weighed(share), inputs[..., start:end], f"family{number}")
        for number, ((start, end), solution, share) in enumerate(zip(bounds, solutions, weights, strict=True))
    ]
    evidence = keras.layers.Add(name="evidence")(found) if len(found) > 1 else found[0]
    return _calibrated(keras.Model(inputs, evidence), validation)


def as_layers(solution: Solution, inputs: Any, name: str) -> Any:
    """The solution as layers: the square of a distance is two squares and a product."""
    import keras
    from keras import layers

    space, places, width = solution.space, solution.places, solution.width
    unit = layers.Normalization(name=f"{name}_unit")
    unit.build((None, len(space.mean)))
    variance = np.where(space.scale > 0, 1 / np.maximum(space.scale, FLAT) ** 2, _NEVER)
    unit.set_weights([space.mean, variance, np.zeros((), np.int32)])
    unit.finalize_state()
    own = np.einsum("ij,ij->i", places, places)
    count = space.sums.shape[1]
    flat = layers.Flatten(name=f"{name}_numbers")(inputs)
    scaled = keras.ops.clip(unit(flat), -FARTHEST, FARTHEST)
    boxes = layers.Permute((2, 1))(layers.Reshape(space.shape, name=f"{name}_boxes")(scaled))

    def projected(part: int, axes: NDArray[np.float32], bias: Any, what: str) -> Any:
        turn = turns()[part].T
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
    truths = (part_targets(validation) > 0.5).astype(int)
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
