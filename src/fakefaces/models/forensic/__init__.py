"""The forensic kind: ridge regressions on residual features, for p_fake and the four parts, in closed form.

An expert for photographs as they were first saved and, where there are corrupted copies to train on, one for these have
regressions for each input selector and feature group, whose answers a logistic regression weighs. All are stored as a
network of ordinary layers, so that these detectors are saved, loaded and served as all others are.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.progress import waiting_for
from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.models.forensic import gate
from fakefaces.models.forensic.ensemble import Ensemble, Regression, fit_ensemble
from fakefaces.models.forensic.experts import output_targets
from fakefaces.models.forensic.layers import dense, selected, variances
from fakefaces.models.forensic.linear import LinearRegression
from fakefaces.models.forensic.regression import KernelRegression
from fakefaces.models.forensic.selectors import SELECTORS
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.forensic.unfamiliarity import as_layer, fit_unfamiliarity, group_bounds
from fakefaces.models.runtime import predicted

__all__ = ["READS", "Settings", "fit"]

READS = "residual features"
Array = NDArray[np.float64]


def fit(settings: Settings, train: TrainArrays, validation: ValidationArrays, group_sizes: Sequence[int]) -> Any:
    """Fit regressions for each input selector and feature group, weigh them, and calibrate on images left out.

    Where there are corrupted copies to train on, there are two experts, and :mod:`~fakefaces.models.forensic.gate`
    weighs their logits.

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
    ensemble = fit_ensemble(settings, train, group_bounds(train.features.shape[-1], group_sizes))
    answers = keras.Model(inputs, _answers(ensemble, inputs), name="answers")
    logits = _calibrated(answers, ensemble, validation)
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


def _answers(ensemble: Ensemble, inputs: Any) -> Any:
    """The answers of all regressions, (batch, answers, experts), in the order of those that a stack weighs."""
    import keras

    rows = _rows()
    chosen = _selected(ensemble, rows, inputs)
    answers = []
    for number, ((start, end), of_group) in enumerate(zip(ensemble.bounds, ensemble.regressions, strict=True)):
        tensors = {
            name: [keras.layers.Flatten()(chosen[:, of_output, start:end]) for of_output in rows[name]]
            for name in dict.fromkeys(experts[0].selector.name for experts in of_group)
        }
        for experts in of_group:
            name = experts[0].selector.name
            answers += as_layers(experts, tensors[name], f"family{number}_{name}")
    return keras.ops.stack(answers, axis=1)


def as_layers(experts: Sequence[Regression], inputs: Sequence[Any], name: str) -> list[Any]:
    """Regressions of a selector as layers that all its outputs share.

    From a standardised and clipped tensor (batch, features) for each output of the selector to tensors (batch,
    experts).
    """
    of_kernels = [one for one in experts if isinstance(one, KernelRegression)]
    if of_kernels:
        return _kernel_layers(of_kernels, inputs, name)
    linear = [one for one in experts if isinstance(one, LinearRegression)]
    weights = np.column_stack([expert.weights for expert in linear])
    answer = dense(weights, [expert.intercept for expert in linear], f"{name}_linear")
    return [answer(tensor) for tensor in inputs]


def _kernel_layers(experts: Sequence[KernelRegression], inputs: Sequence[Any], name: str) -> list[Any]:
    """Regressions in one kernel, with a squared distance as two squares and a product.

    The kernel's mean is subtracted before its values are weighted: large weights of both signs would magnify the
    rounding errors of a sum whose terms are all positive.
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
        projected = project(tensor)
        square = keras.ops.sum(keras.ops.square(projected), axis=-1, keepdims=True)
        predictions.append(answer(keras.ops.exp(compare(projected) - square) - level))
    return predictions


def _rows() -> dict[str, list[slice]]:
    """By the name of a selector the rows of its inputs for each output, among those of all selectors."""
    edges = accumulate((len(matrix) for selector in SELECTORS for matrix in selector.matrices), initial=0)
    rows = (slice(*pair) for pair in pairwise(edges))
    return {selector.name: [next(rows) for _ in selector.matrices] for selector in SELECTORS}


def _selected(ensemble: Ensemble, rows: Mapping[str, Sequence[slice]], inputs: Any) -> Any:
    """The inputs of all regressions, standardised and clipped, (batch, rows of all selectors, features)."""
    matrix = np.concatenate([matrix for selector in SELECTORS for matrix in selector.matrices])
    n_features = inputs.shape[-1]
    mean, variance = np.zeros((len(matrix), n_features)), np.ones((len(matrix), n_features))
    for (start, end), of_group in zip(ensemble.bounds, ensemble.regressions, strict=True):
        standardisations = {experts[0].selector.name: experts[0].standardise for experts in of_group}
        for name, of_one in standardisations.items():
            for of_output in rows[name]:
                mean[of_output, start:end] = of_one.mean.reshape(-1, end - start)
                variance[of_output, start:end] = variances(of_one.scale).reshape(-1, end - start)
    return selected(matrix, mean, variance, inputs)


def _calibrated(answers: Any, ensemble: Ensemble, validation: ValidationArrays) -> list[Any]:
    """The logits of each expert, (batch, 5): Platt's sigmoid of each output, fitted on images it did not learn from.

    These are the validation images, for the expert on copies their copies if there are any, and left-out training
    images, which are more: the fewer images, the less certain is the intercept.
    """
    import keras

    copies = SplitArrays(
        validation.copies, validation.labels[validation.copy_of], validation.replaced[validation.copy_of]
    )
    logits = []
    experts = zip(ensemble.stacks, ensemble.left_out, ("", "_of_copies"), strict=False)
    for number, (stack, left_out, kind) in enumerate(experts):
        images = copies if number and len(copies.labels) else validation
        of_expert = predicted(answers, images.features)[..., number].astype(np.float64)
        slopes, intercepts = _platt(
            np.concatenate([stack.predict(of_expert), left_out.logits]),
            np.concatenate([output_targets(images), left_out.targets]),
        )
        evidence = dense(stack.weights, stack.intercepts, f"evidence{kind}")(answers.output[:, :, number])
        largest = keras.ops.max(evidence[:, 1:], axis=-1, keepdims=True)
        last = dense(stack.last_weights * slopes, stack.last_intercepts * slopes + intercepts, f"calibration{kind}")
        logits.append(last(keras.ops.concatenate([evidence, largest], axis=-1)))
    return logits


def _platt(evidence: Array, targets: Array) -> tuple[Array, Array]:
    """The slope and the intercept of the sigmoid of each output, float64 (5,) each, of evidence and targets (n, 5)."""
    from sklearn.linear_model import LogisticRegression

    targets = (targets > 0.5).astype(int)
    slopes, intercepts = np.ones(evidence.shape[1]), np.zeros(evidence.shape[1])
    for columns in map(list, sorted({selector.outputs for selector in SELECTORS})):  # both eyes share a sigmoid
        values, target = evidence[:, columns].reshape(-1, 1), targets[:, columns].ravel()
        if 0 < target.sum() < len(target):
            sigmoid = LogisticRegression(C=100.0).fit(values, target)
            slopes[columns], intercepts[columns] = sigmoid.coef_[0, 0], sigmoid.intercept_[0]
    return slopes, intercepts
