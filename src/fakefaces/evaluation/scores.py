"""All metrics of one model's test scores: overall, by slice, within one encoding, against the sources, by part."""

from typing import TypeVar

import pandas as pd

from fakefaces.data.faces import FAKE, PARTS
from fakefaces.evaluation import slices
from fakefaces.evaluation.calibration import calibration
from fakefaces.evaluation.groups import group_metrics
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import confusion, majority_rate, reference_metrics, subset_metrics
from fakefaces.evaluation.predictions import PART_SCORES, Mask, TestPredictions
from fakefaces.evaluation.source_pairs import paired_win_rate
from fakefaces.evaluation.subset_metrics import (
    AllMetrics,
    DefaultMetrics,
    MatchedMetrics,
    PartMetrics,
    PartScores,
    SliceMetrics,
    TestMetrics,
)

A = TypeVar("A", bound=AllMetrics)


def evaluate_scores(
    table: pd.DataFrame, threshold: float, resampling: Resampling, *, default_threshold: float = 0.5
) -> TestMetrics:
    """Evaluate one model's scores, with 95 % group bootstrap intervals.

    Args:
        table: a row an image: ``image``, its name, unique; ``label``, 1 fake; ``p_fake``, in [0, 1]; ``group``, which
            images of one photograph share. Optional: ``difficulty``; the four parts, 0, 1 or missing; ``encoding``,
            an identifier of how the file was encoded; ``source``, the ``image`` that a fake was made from, or empty;
            ``slice_<attribute>``, the group of the image by an attribute.
        threshold: an image is called fake where its score reaches it.
        resampling: number of resamples of the groups, and seed.
        default_threshold: of the default and the reference's metrics.

    Raises:
        ModelError: there are no images, a source is no real, or labels, scores or groups are invalid.
    """
    table = table.reset_index(drop=True)
    predictions = TestPredictions.from_table(table)

    def all_metrics(record: type[A], predictions: TestPredictions, **fields: object) -> A:
        fields |= {"majority_rate": majority_rate(predictions), "confusion": confusion(predictions, threshold)}
        return subset_metrics(record, predictions, threshold, resampling, **fields)

    def by_slice(masks: dict[str, Mask]) -> dict[str, SliceMetrics]:
        return slices.slice_metrics(predictions, masks, threshold, resampling)

    matched = None
    if "encoding" in table:
        encoding, mask = slices.matched_subset(predictions, table["encoding"])
        matched = all_metrics(MatchedMetrics, predictions.subset(mask), encoding=encoding)
    has_parts = set(PARTS) <= set(table)
    return TestMetrics(
        threshold=threshold,
        bootstrap=resampling,
        overall=all_metrics(AllMetrics, predictions),
        reference=reference_metrics(confusion(predictions, default_threshold).swapped()),
        calibration=calibration(predictions),
        difficulty=by_slice(slices.difficulty_masks(table["difficulty"])) if "difficulty" in table else {},
        part=by_slice(slices.part_masks(table)) if has_parts else {},
        part_count=by_slice(slices.part_count_masks(table)) if has_parts else {},
        matched=matched,
        paired=paired_win_rate(predictions, _source_pairs(table), resampling) if "source" in table else None,
        by_group=group_metrics(table, predictions, threshold, resampling),
        default=subset_metrics(
            DefaultMetrics, predictions, default_threshold, resampling, default_threshold=default_threshold
        ),
    )


def part_score_metrics(test: pd.DataFrame, resampling: Resampling) -> dict[str, PartScores] | None:
    """The ROC AUC of each part's score: images in which it was replaced against all in which it was not.

    The latter are the reals and the fakes with other parts replaced, so a score that detects fakes as such is not
    enough. Images whose parts are unknown are left out. None, not applicable, where the model does not score parts, or
    of no fake it is known which were replaced, as of generated faces.
    """
    if not set(PART_SCORES) <= set(test) or not knows_parts(test):
        return None

    def roc_auc(rows: pd.DataFrame, part: str, score: str) -> PartMetrics:
        predictions = TestPredictions.from_arrays(rows[part].astype(int), rows[score], rows["group"])
        return subset_metrics(PartMetrics, predictions, 0.5, resampling)

    scores = {}
    for part, score in zip(PARTS, PART_SCORES, strict=True):
        known = test[test[part].notna() & test[score].notna()]
        fakes = known[known["label"] == FAKE]
        scores[part] = PartScores(all=roc_auc(known, part, score), fakes=roc_auc(fakes, part, score))
    return scores


def knows_parts(images: pd.DataFrame) -> bool:
    """Whether it is known of any fake which parts were replaced: not of faces that were generated whole."""
    fakes = images[images["label"] == FAKE]
    return set(PARTS) <= set(images) and bool(fakes[list(PARTS)].notna().to_numpy().any())


def _source_pairs(table: pd.DataFrame) -> list[tuple[int, int]]:
    """The positions of each fake and of its source, where that is among the images."""
    position = pd.Series(table.index, index=table["image"])
    sources = table["source"].map(position).where(table["label"] == FAKE).dropna()
    return list(zip(sources.index.to_list(), sources.astype("int64").to_list(), strict=True))
