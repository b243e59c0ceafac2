"""All metrics of one model's test scores: overall, by slice, within one encoding, and against the sources."""

from typing import TypeVar

import pandas as pd

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.evaluation import slices
from fakefaces.evaluation.calibration import calibration
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import confusion, majority_rate, reference_metrics
from fakefaces.evaluation.model_metrics import (
    AllMetrics,
    Bootstrap,
    MatchedMetrics,
    SliceMetrics,
    SourcePairs,
    TestMetrics,
)
from fakefaces.evaluation.predictions import Mask, TestPredictions
from fakefaces.evaluation.source_pairs import paired_win_rate
from fakefaces.evaluation.subset_metrics import subset_metrics

A = TypeVar("A", bound=AllMetrics)

_REQUIRED = ("image", "label", "p_fake", "group")


def evaluate_scores(table: pd.DataFrame, threshold: float, resampling: Resampling) -> TestMetrics:
    """Evaluate one model's scores, with 95 % group bootstrap intervals.

    Args:
        table: a row an image:

            - ``image``: its name, unique.
            - ``label``: 1 fake, 0 real.
            - ``p_fake``: probability of fake, in [0, 1].
            - ``group``: images of one group share a source photograph.
            - ``difficulty``: optional.
            - ``left_eye``, ``right_eye``, ``nose``, ``mouth``: 0, 1 or missing; optional, all four or none.
            - ``encoding``: an identifier of how the file was encoded; optional.
            - ``source``: for a fake, the ``image`` it was made from, or empty; optional.
        threshold: an image is called fake where ``p_fake >= threshold``.
        resampling: number of resamples of the groups, and seed.

    Raises:
        ModelError: a column is missing, the table is empty, an image comes twice, a source is no real, or labels,
            scores or groups are invalid.
    """
    lacking = [name for name in _REQUIRED if name not in table]
    if lacking:
        raise ModelError(f"scores: the table lacks the columns {', '.join(lacking)}")
    if table.empty:
        raise ModelError("scores: the table has no rows")
    if table["image"].duplicated().any():
        duplicate = table.loc[table["image"].duplicated(), "image"].iloc[0]
        raise ModelError(f"scores: an image comes twice: {duplicate}")
    table = table.reset_index(drop=True)
    predictions = TestPredictions.from_table(table)

    def by_slice(masks: dict[str, Mask]) -> dict[str, SliceMetrics]:
        return slices.slice_metrics(predictions, masks, threshold, resampling)

    has_parts = set(PARTS) <= set(table)
    return TestMetrics(
        threshold=threshold,
        bootstrap=Bootstrap(n_resamples=resampling.n_resamples, seed=resampling.seed),
        overall=_all_metrics(AllMetrics, predictions, threshold, resampling),
        reference=reference_metrics(predictions, threshold),
        calibration=calibration(predictions),
        difficulty=by_slice(slices.difficulty_masks(table["difficulty"])) if "difficulty" in table else {},
        part=by_slice(slices.part_masks(table)) if has_parts else {},
        part_count=by_slice(slices.part_count_masks(table)) if has_parts else {},
        matched=_matched(predictions, table["encoding"], threshold, resampling) if "encoding" in table else None,
        paired=_paired(predictions, table, resampling) if "source" in table else None,
    )


def _all_metrics(
    record: type[A], predictions: TestPredictions, threshold: float, resampling: Resampling, **fields: object
) -> A:
    fields |= {"majority_rate": majority_rate(predictions), "confusion": confusion(predictions, threshold)}
    return subset_metrics(record, predictions, threshold, resampling, **fields)


def _matched(
    predictions: TestPredictions, encoding: pd.Series, threshold: float, resampling: Resampling
) -> MatchedMetrics:
    commonest, mask = slices.matched_subset(predictions, encoding)
    return _all_metrics(MatchedMetrics, predictions.subset(mask), threshold, resampling, encoding=commonest)


def _paired(predictions: TestPredictions, table: pd.DataFrame, resampling: Resampling) -> SourcePairs:
    position = pd.Series(table.index, index=table["image"])
    sources = table["source"].map(position).where(predictions.fake).dropna()
    pairs = list(zip(sources.index.to_list(), sources.astype("int64").to_list(), strict=True))
    return paired_win_rate(predictions, pairs, resampling, unpaired=int(predictions.fake.sum()) - len(pairs))
