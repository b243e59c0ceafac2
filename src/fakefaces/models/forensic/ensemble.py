"""All regressions of `forensic`, by group of features, input selector and expert, and how they are weighed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data.arrays import TrainArrays
from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.experts import Expert, experts, output_targets
from fakefaces.models.forensic.linear import LinearRegression, fit_linear_regressions
from fakefaces.models.forensic.projection import fit_projection, fit_standardisations
from fakefaces.models.forensic.regression import KernelRegression, fit_kernel_regressions
from fakefaces.models.forensic.selectors import SELECTORS, InputSelector
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.forensic.stacking import Stack, fit_stack, left_out_logits

Array = NDArray[np.float64]

# Features of a region from which on a group has linear regressions alone. Kernels over a backbone's map of 1,152 make
# 7 MB and hardly a difference beside them, those over its earlier, smaller maps do: docs/forensic.md.
_WIDE = 1024

Regression = KernelRegression | LinearRegression


@dataclass(frozen=True)
class LeftOut:
    """What an expert would say of training images, had it learned neither regressions nor their weights from them."""

    logits: Array  # (n, 5)
    targets: Array  # (n, 5), see output_targets


@dataclass(frozen=True)
class Ensemble:
    """Regressions, and a stack for each expert."""

    bounds: Sequence[tuple[int, int]]  # first and last column of each group of features
    regressions: Sequence[Sequence[Sequence[Regression]]]  # of each group, one after another, those of the experts
    stacks: Sequence[Stack]  # of each expert
    left_out: Sequence[LeftOut]  # of each expert

    def predict(self, features: NDArray[np.float32]) -> Array:
        """float32 (n, regions, features) to float64 (experts, n, 5), the logits of fake and of each part replaced."""
        answers: list[list[Array]] = [[] for _ in self.stacks]
        for (start, end), of_group in zip(self.bounds, self.regressions, strict=True):
            for of_experts in of_group:
                for found, one in zip(answers, of_experts, strict=True):
                    found.append(one.predict(features[..., start:end]))
        return np.stack([stack.predict(np.hstack(of)) for stack, of in zip(self.stacks, answers, strict=True)])


def fit_ensemble(
    settings: Settings,
    train: TrainArrays,
    bounds: Sequence[tuple[int, int]],
    selectors: Sequence[InputSelector] = SELECTORS,
) -> Ensemble:
    """Fit regressions for each group of features and input selector, and weigh their answers.

    One kernel over all features would drown small groups in large ones. Where there are corrupted copies to train on,
    an expert learns from originals alone and another one from copies alone, in the same kernels.
    """
    learners = experts(train)
    groups = [Group([train.features], slice(*own)) for own in bounds]
    of_groups = chain.from_iterable(_of_group(settings, train, group, selectors, learners) for group in groups)
    parts = sum(map(_selects_part, selectors))
    numbers = [parts + len(_in_kernels(group, selectors)) for group in groups]
    fitted = track(of_groups, "fitting regressions", sum(numbers))
    regressions = [list(islice(fitted, number)) for number in numbers]
    outputs = [of_experts[0].selector.outputs for of_group in regressions for of_experts in of_group]
    stacks, left_out = [], []
    for number, expert in enumerate(learners):
        rows = expert.rows[expert.left_out()]
        answers = np.hstack([of_experts[number].left_out for of_group in regressions for of_experts in of_group])
        examples = answers, train.labels[rows], train.replaced[rows]
        stacks.append(fit_stack(outputs, *examples))
        left_out.append(LeftOut(left_out_logits(outputs, *examples, expert.family()), output_targets(train)[rows]))
    return Ensemble(bounds, regressions, stacks, left_out)


def _of_group(
    settings: Settings,
    train: TrainArrays,
    group: Group,
    selectors: Sequence[InputSelector],
    learners: Sequence[Expert],
) -> Iterator[Sequence[Regression]]:
    """In kernels, and linear ones of the selectors that select a part: a face has too many features."""
    in_kernels, of_parts = _in_kernels(group, selectors), list(filter(_selects_part, selectors))
    used = in_kernels or of_parts
    standardised = dict(zip((selector.name for selector in used), fit_standardisations(group, used), strict=True))
    projections = [fit_projection(*standardised[selector.name], settings) for selector in in_kernels]
    yield from fit_kernel_regressions(settings, in_kernels, projections, train, group, learners)
    of_each = [standardised[selector.name][0] for selector in of_parts]
    yield from fit_linear_regressions(of_parts, of_each, train, group, learners)


def _in_kernels(group: Group, selectors: Sequence[InputSelector]) -> Sequence[InputSelector]:
    """The selectors that a group has kernels of."""
    return selectors if group.columns.stop - group.columns.start < _WIDE else []


def _selects_part(selector: InputSelector) -> bool:
    return selector.outputs != (0,)
