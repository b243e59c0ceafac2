"""The forensic kind: kernel ridge regression on residual features, for p_fake and the four parts, in closed form.

An expert for photographs as they were first saved and, where there are corrupted copies to train on, one for these have
a regression for each input selector and feature group. All are stored as a network of ordinary layers, so that these
detectors are saved, loaded and served as all others are.
"""

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np

from fakefaces.base.progress import track, waiting_for
from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.models.forensic import gate
from fakefaces.models.forensic.layers import dense, selected, variances
from fakefaces.models.forensic.regression import (
    Kernel,
    Regression,
    fit_regressions,
    group_weights,
    output_targets,
)
from fakefaces.models.forensic.selectors import EVIDENCE, SELECTORS
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.forensic.unfamiliarity import as_layer, fit_unfamiliarity, group_bounds
from fakefaces.models.runtime import predicted

__all__ = ["READS", "Settings", "fit"]

READS = "residual features"


def fit(settings: Settings, train: TrainArrays, validation: ValidationArrays, group_sizes: Sequence[int]) -> Any:
    """Fit a regression for each input selector and feature group, and calibrate on the validation images.

    One kernel over all features would drown small groups in large ones, and the mean of several regressions ranks
    better than each; they are weighted by how well they rank left-out training images: docs/forensic.md. Where there
    are corrupted copies to train on, an expert learns from originals alone and another one from copies alone, in the
    same kernels, and :mod:`~fakefaces.models.forensic.gate` weighs their logits.

    Operations of Keras are named by a process-wide count, which is part of the saved network: for equal bytes call
    :func:`fakefaces.models.runtime.clear_session` before.

    Returns:
        A Keras model from features (batch, regions, features), in groups of ``group_sizes`` behind what only
        :mod:`~fakefaces.models.forensic.unfamiliarity` reads, to probabilities (batch, 5): fake, and each part
        replaced; with strangers to learn from (batch, 6): the last is the unfamiliarity.
    """
    import keras

    # Names of inputs and layers are part of saved networks, and stay what they were.
    inputs = keras.Input(train.features.shape[1:], name="traces")
    bounds = group_bounds(train.features.shape[-1], group_sizes)
    of_groups = (fit_regressions(settings, SELECTORS, train, slice(start, end)) for start, end in bounds)
    fitted = list(track(chain.from_iterable(of_groups), "fitting regressions", len(bounds) * len(SELECTORS)))
    regressions = weighted([fitted[k : k + len(SELECTORS)] for k in range(0, len(fitted), len(SELECTORS))])
    chosen = _selected([[experts[0].kernel for experts in of_group] for of_group in regressions], bounds, inputs)
    answers: list[list[Any]] = [[] for _ in EVIDENCE]
    for number, ((start, end), of_group) in enumerate(zip(bounds, regressions, strict=True)):
        for experts, rows in zip(of_group, _rows(), strict=True):
            selector = experts[0].kernel.selector
            tensors = [chosen[:, of_output, start:end] for of_output in rows]
            predictions = as_layers(experts, tensors, f"family{number}_{selector.name}")
            for output, prediction in zip(selector.outputs, predictions, strict=True):
                answers[output].append(prediction)
    sums = [keras.layers.Add()(tensors) if len(tensors) > 1 else tensors[0] for tensors in answers]
    logits = _calibrated(keras.Model(inputs, keras.ops.stack(sums, axis=1)), validation)
    logit = logits[0]
    if len(logits) > 1:
        with waiting_for("what tells copies from originals to be learned"):
            original = gate.as_layer(gate.fit_gate(train, group_sizes), inputs)
        logit = original * logits[0] + (1 - original) * logits[1]
    network = keras.Model(inputs, keras.layers.Activation("sigmoid", name="probabilities")(logit), name="forensic")
    if not len(train.strangers):
        return network
    with waiting_for("what is unfamiliar to be learned"):
        unfamiliar = as_layer(fit_unfamiliarity(train, group_sizes), network.input)
    outputs = keras.layers.Concatenate(name="with_unfamiliarity")([network.output, unfamiliar])
    return keras.Model(network.input, outputs, name=network.name)


def weighted(regressions: Sequence[Sequence[Sequence[Regression]]]) -> list[list[list[Regression]]]:
    """Regressions by group, selector and expert, scaled by their weights, so that those of an expert are summed up.

    An expert weighs the groups of features by how well its own regressions rank.
    """
    weights = group_weights([[[one.somers_d for one in experts] for experts in of_group] for of_group in regressions])
    return [
        [
            [one.scaled(weight * one.kernel.selector.weight) for one, weight in zip(experts, of_experts, strict=True)]
            for experts, of_experts in zip(of_group, of_selectors, strict=True)
        ]
        for of_group, of_selectors in zip(regressions, weights, strict=True)
    ]


def as_layers(experts: Sequence[Regression], inputs: Sequence[Any], name: str) -> list[Any]:
    """Regressions in one kernel as layers that all outputs share, with a squared distance as two squares and a product.

    The kernel's mean is subtracted before its values are weighted: large weights of both signs would magnify the
    rounding errors of a sum whose terms are all positive.

    From a standardised and clipped tensor (batch, rows, features) for each output of the selector to tensors (batch,
    experts).
    """
    import keras

    kernel, level = experts[0].kernel, experts[0].level
    unit, projection = np.sqrt(kernel.gamma), kernel.projection
    axes, landmarks = projection.axes * unit, kernel.landmarks * unit
    project = dense(axes, -projection.centre @ axes, f"{name}_place")
    compare = dense(2 * landmarks.T, -np.einsum("ij,ij->i", landmarks, landmarks), f"{name}_near")
    weights = np.column_stack([expert.weights for expert in experts])
    intercepts = np.array([expert.intercept for expert in experts])
    answer = dense(weights, intercepts + level * weights.sum(axis=0), f"{name}_answer")
    predictions = []
    for tensor in inputs:
        projected = project(keras.layers.Flatten()(tensor))
        square = keras.ops.sum(keras.ops.square(projected), axis=-1, keepdims=True)
        predictions.append(answer(keras.ops.exp(compare(projected) - square) - level))
    return predictions


def _rows() -> list[list[slice]]:
    """For each selector the rows of its inputs for each output, among those of all selectors."""
    edges = accumulate((len(matrix) for selector in SELECTORS for matrix in selector.matrices), initial=0)
    rows = (slice(*pair) for pair in pairwise(edges))
    return [[next(rows) for _ in selector.matrices] for selector in SELECTORS]


def _selected(kernels: Sequence[Sequence[Kernel]], bounds: Sequence[tuple[int, int]], inputs: Any) -> Any:
    """The inputs of all kernels, standardised and clipped, (batch, rows of all selectors, features)."""
    matrix = np.concatenate([matrix for selector in SELECTORS for matrix in selector.matrices])
    n_features = inputs.shape[-1]
    mean, variance = np.zeros((len(matrix), n_features)), np.ones((len(matrix), n_features))
    for (start, end), of_group in zip(bounds, kernels, strict=True):
        for kernel, rows in zip(of_group, _rows(), strict=True):
            scale = kernel.projection.scale
            for of_output in rows:
                mean[of_output, start:end] = kernel.projection.mean.reshape(-1, end - start)
                variance[of_output, start:end] = variances(scale).reshape(-1, end - start)
    return selected(matrix, mean, variance, inputs)


def _calibrated(network: Any, validation: ValidationArrays) -> list[Any]:
    """The logits of each expert, (batch, 5): Platt's sigmoid of each output, fitted on validation images.

    That of the expert on copies is fitted on the copies of the validation images, if there are any.
    """
    copies = SplitArrays(
        validation.copies, validation.labels[validation.copy_of], validation.replaced[validation.copy_of]
    )
    return [
        _platt(network, number, name, copies if number and len(copies.labels) else validation)
        for number, name in enumerate(("calibration", "calibration_of_copies")[: network.output_shape[-1]])
    ]


def _platt(network: Any, expert: int, name: str, images: SplitArrays) -> Any:
    """The logits of an expert whose answers are among the outputs (batch, 5, experts) of the network."""
    from sklearn.linear_model import LogisticRegression

    answers = predicted(network, images.features)[..., expert].astype(np.float64)
    evidence, targets = answers @ EVIDENCE, (output_targets(images) > 0.5).astype(int)
    slopes, intercepts = np.ones(evidence.shape[1]), np.zeros(evidence.shape[1])
    for columns in map(list, sorted({selector.outputs for selector in SELECTORS})):  # both eyes share a sigmoid
        values, target = evidence[:, columns].reshape(-1, 1), targets[:, columns].ravel()
        if 0 < target.sum() < len(target):
            sigmoid = LogisticRegression(C=100.0).fit(values, target)
            slopes[columns], intercepts[columns] = sigmoid.coef_[0, 0], sigmoid.intercept_[0]
    return dense(EVIDENCE * slopes, intercepts, name)(network.output[:, :, expert])
