"""Errors by group: false alarms and misses of the images of one camera, age, skin tone, or whatever a table names."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.data.attributes import PREFIX, attribute_names
from fakefaces.data.splits import SLICE
from fakefaces.evaluation.estimates import Estimate, Subset
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import subset_metrics
from fakefaces.evaluation.predictions import Mask, TestPredictions
from fakefaces.evaluation.subset_metrics import GroupMetrics, PartMetrics

NOT_STATED, OTHERS = "not stated", "others"
MAX_GROUPS = 12  # of an attribute; the images of the rarer values are one group, the others
_MAX_NUMBERS = 8  # different numbers that are a group each; of more the quarters are
_MAX_WORDS = 3  # different words among numbers, such as "unknown", that are a group each beside the quarters


class _Share(Subset):
    recall: Estimate


def with_slices(images: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The images with a column ``slice_<name>`` for each attribute named, in place of the attributes' own columns.

    Numbers of more than eight values are cut at their quartiles; up to three words among them are groups, too. Of more
    than :data:`MAX_GROUPS` words the rarer ones are put together. Groups are those of all ``images``, so that they do
    not depend on the split.

    Raises:
        DataError: the images have no such attribute, or none of them a value of it.
    """
    known = attribute_names(images)
    missing = [name for name in names if name not in known]
    if missing:
        there = f"there are: {', '.join(known)}" if known else "no table of labels gave any"
        raise DataError(
            f"params.yaml: evaluate.slices: the images have no attribute '{missing[0]}'; {there}. Import a table with "
            "this column beside path and label: fakefaces data TABLE.csv"
        )
    slices = {SLICE + name: _groups(images[PREFIX + name]) for name in names}
    return images.drop(columns=[PREFIX + name for name in known]).assign(**slices)


def group_masks(table: pd.DataFrame) -> dict[str, dict[str, Mask]]:
    """The images of each group by the attribute's name and the group's, in an order for people."""
    columns = {name.removeprefix(SLICE): table[name] for name in map(str, table.columns) if name.startswith(SLICE)}
    return {
        name: {value: (column == value).to_numpy(dtype=bool) for value in sorted(set(column), key=_order)}
        for name, column in columns.items()
    }


def compared(mask: Mask, fake: Mask) -> Mask:
    """The images that a group's ROC AUC is of: its own, or with all of the other class where it has one class only."""
    own = mask & fake, mask & ~fake
    if own[0].any() and own[1].any():
        return mask
    return mask | (~fake if own[0].any() else fake)


def group_metrics(
    table: pd.DataFrame, predictions: TestPredictions, threshold: float, resampling: Resampling
) -> dict[str, dict[str, GroupMetrics]]:
    """False alarms, misses and ROC AUC of each group of ``table``, with 95 % intervals; empty without groups.

    Intervals of the rates are the bootstrap's over photographs, or Wilson's where that has none.
    """
    return {
        name: {value: _of_group(predictions, mask, threshold, resampling) for value, mask in masks.items()}
        for name, masks in group_masks(table).items()
    }


def _of_group(predictions: TestPredictions, mask: Mask, threshold: float, resampling: Resampling) -> GroupMetrics:
    ranked = predictions.subset(compared(mask, predictions.fake))
    found = _share_called_fake(predictions, mask & predictions.fake, threshold, resampling, "fakes")
    missed = None if found.value is None else 1 - found.value
    interval = None if found.interval is None else (1 - found.interval[1], 1 - found.interval[0])
    own = predictions.subset(mask)
    fakes = int(own.fake.sum())
    return GroupMetrics(
        n=len(own),
        reals=len(own) - fakes,
        fakes=fakes,
        groups=own.n_groups,
        false_alarms=_share_called_fake(predictions, mask & ~predictions.fake, threshold, resampling, "reals"),
        misses=Estimate.model_validate(dict(found) | {"value": missed, "interval": interval}),
        roc_auc=subset_metrics(PartMetrics, ranked, threshold, resampling).roc_auc,
    )


def _share_called_fake(
    predictions: TestPredictions, population: Mask, threshold: float, resampling: Resampling, plural: str
) -> Estimate:
    """The share of a population that is called fake."""
    if not population.any():
        return Estimate(value=None, reason=f"no {plural}")
    chosen = predictions.subset(population)
    counted = TestPredictions(np.ones(len(chosen), dtype=bool), chosen.p_fake, chosen.group)  # recall counts fakes
    return subset_metrics(_Share, counted, threshold, resampling).recall


def _groups(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    stated, finite = values != "", np.isfinite(numbers)
    if numbers[finite].nunique() > _MAX_NUMBERS and values[stated & ~finite].nunique() <= _MAX_WORDS:
        named = values.mask(finite, _quarters(numbers[finite]).reindex(values.index))
    else:
        frequent = values[stated].value_counts()
        ranked = sorted(frequent.index, key=lambda value: (-frequent[value], value))
        rare = ranked[MAX_GROUPS - 1 :] if len(ranked) > MAX_GROUPS else []
        named = values.mask(values.isin(rare), OTHERS)
    return named.mask(~stated, NOT_STATED).astype("str")


def _quarters(numbers: pd.Series) -> pd.Series:
    """Four groups of about equal size, named by their lowest and highest number."""
    edges = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))
    quarter = pd.Series(np.searchsorted(edges, numbers, side="left"), index=numbers.index)
    return quarter.map({k: f"{part.min():.15g} to {part.max():.15g}" for k, part in numbers.groupby(quarter)})


def _order(value: str) -> tuple[bool, float, str]:
    """Numbers by size, then words; what is no group of its own comes last."""
    try:
        number = float(value.partition(" to ")[0])
    except ValueError:
        number = math.nan
    number = number if math.isfinite(number) else math.inf  # nan has no place in an order
    return value in (OTHERS, NOT_STATED), number, value
