"""How the answers of all regressions of an expert are weighed.

Stacked generalization, D. Wolpert, Neural Networks 5, 1992: a logistic regression for each output learns from the
answers to training images that are left out. A mean of all answers counts what several regressions know in common as
often as they say it. One replaced part makes a fake, however clean the other parts are, which no weighted sum says: so
a last logistic regression weighs the evidence for fake and the largest of the parts'.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS

Array = NDArray[np.float64]

_STRENGTH = 0.01  # C of the logistic regressions, whose inputs are standardised
_SUBSETS = 5  # of the left-out images: each has logits of a stack that learns from the others
_LEAST = 1e-9  # standard deviation of answers below which they count as constant


@dataclass(frozen=True)
class Stack:
    """From the answers of an expert's regressions to the evidence for each output, and from there to its logit."""

    weights: Array  # (answers, 5): fake, and each part replaced
    intercepts: Array  # (5,)
    last_weights: Array  # (6, 5), of the evidence for each output, and of the largest evidence for a part
    last_intercepts: Array  # (5,)

    def predict(self, answers: Array) -> Array:
        """float64 (n, answers), 0 to 1 each, to float64 (n, 5), logits."""
        evidence = answers @ self.weights + self.intercepts
        return np.asarray(_with_largest(evidence) @ self.last_weights + self.last_intercepts)


def fit_stack(
    outputs: Sequence[tuple[int, ...]], answers: Array, labels: NDArray[np.float32], replaced: NDArray[np.int8]
) -> Stack:
    """Fit it to answers to images that are left out.

    Mirrored faces have equal scores, with the eyes exchanged: the answers for both eyes have the same weight for fake,
    and either eye's weigh for that eye as the other's do for the other.

    Args:
        outputs: of each regression, those that it answers for; two eyes are answered for by the same ones.
        answers: (n, answers), those of the first regression for its outputs, then those of the next.
        labels: (n,), 1 fake.
        replaced: (n, 4), whether each part was replaced; -1 unknown, which is not learned from.
    """
    weights, intercepts = np.zeros((answers.shape[1], 1 + len(PARTS))), np.zeros(1 + len(PARTS))
    columns = np.split(np.arange(answers.shape[1]), np.cumsum([len(of_one) for of_one in outputs])[:-1])
    everything = np.column_stack([answers[:, own].sum(axis=1) for own in columns])
    of_each, intercepts[0] = _logistic(everything, labels > 0)
    for own, weight in zip(columns, of_each, strict=True):
        weights[own, 0] = weight
    targets = {1 + part: replaced[:, part] for part in range(len(PARTS))}
    for answered in sorted({of_one for of_one in outputs if of_one != (0,)}):
        inputs = list(_inputs_of_part(outputs, columns, answered))
        known = [targets[output] >= 0 for output in answered]
        examples = [answers[which][:, places] for which, places in zip(known, inputs, strict=True)]
        target = [targets[output][which] > 0 for output, which in zip(answered, known, strict=True)]
        of_each, intercept = _logistic(np.concatenate(examples), np.concatenate(target))
        for output, places in zip(answered, inputs, strict=True):
            weights[places, output], intercepts[output] = of_each, intercept
    last_weights, last_intercepts = np.eye(2 + len(PARTS), 1 + len(PARTS)), np.zeros(1 + len(PARTS))
    evidence = _with_largest(answers @ weights + intercepts)
    last_weights[[0, -1], 0], last_intercepts[0] = _logistic(evidence[:, [0, -1]], labels > 0)
    return Stack(weights, intercepts, last_weights, last_intercepts)


def left_out_logits(
    outputs: Sequence[tuple[int, ...]],
    answers: Array,
    labels: NDArray[np.float32],
    replaced: NDArray[np.int8],
    families: NDArray[np.intp],
) -> Array:
    """Logits (n, 5) of the images by stacks that did not learn from them, nor from others of their family, (n,).

    For the rest see :func:`fit_stack`.
    """
    logits = np.empty((len(answers), 1 + len(PARTS)))
    for part in range(_SUBSETS):
        own = families % _SUBSETS == part
        stack = fit_stack(outputs, answers[~own], labels[~own], replaced[~own])
        logits[own] = stack.predict(answers[own])
    return logits


def _with_largest(evidence: Array) -> Array:
    """(n, 5) to (n, 6): the largest evidence for a part behind."""
    return np.column_stack([evidence, evidence[:, 1:].max(axis=1)])


def _inputs_of_part(
    outputs: Sequence[tuple[int, ...]], columns: Sequence[NDArray[np.intp]], answered: tuple[int, ...]
) -> Iterator[list[int]]:
    """For each of some outputs the answers that tell of it: those for the face, and its own."""
    for place in range(len(answered)):
        yield [
            int(own[place if of_one == answered else 0])
            for own, of_one in zip(columns, outputs, strict=True)
            if of_one in ((0,), answered)
        ]


def _logistic(inputs: Array, target: NDArray[np.bool_]) -> tuple[Array, float]:
    """The weights and the intercept of a logistic regression; those of the mean where there is one class only."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(target)) < 2:
        return np.full(inputs.shape[1], 1 / inputs.shape[1]), 0.0
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(deviation > _LEAST, 1 / np.maximum(deviation, _LEAST), 0)
    fitted = LogisticRegression(C=_STRENGTH, max_iter=1000).fit((inputs - mean) * scale, target)
    weights = fitted.coef_[0] * scale
    return weights, float(fitted.intercept_[0] - mean @ weights)
