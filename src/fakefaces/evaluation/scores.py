"""All figures of one model on one set of images, in one record that JSON can hold and people can read."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.evaluation import metrics, slices
from fakefaces.evaluation.calibration import calibration
from fakefaces.evaluation.intervals import LEVEL
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.source_pairs import paired_win_rate
from fakefaces.evaluation.subset_metrics import subset_metrics

DIGITS = 6
_REQUIRED = ("image", "label", "p_fake", "group")


def evaluate_scores(
    table: pd.DataFrame, *, threshold: float = 0.5, n_resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Evaluate one model's scores, whole and in slices, with 95 % group bootstrap intervals.

    Args:
        table: a row an image:

            - ``image``: its name, unlike all others.
            - ``label``: 1 fake, 0 real.
            - ``p_fake``: probability of fake, in [0, 1].
            - ``group``: images of one group share a source photograph.
            - ``difficulty``: may be lacking.
            - ``left_eye``, ``right_eye``, ``nose``, ``mouth``: 0 or 1 or missing; may be lacking, all four.
            - ``encoding``: an identifier of how the file was encoded; may be lacking.
            - ``source``: for a fake, the ``image`` it was made from, or empty; may be lacking.
        threshold: an image is called fake where ``p_fake >= threshold``.
        n_resamples: resamples of the groups.
        seed: of the resampling.

    Returns:
        A record, rounded to six decimals but for the threshold:

        - ``threshold`` and ``bootstrap`` (``n_resamples``, ``seed``, ``level``).
        - ``overall``: as :func:`fakefaces.evaluation.subset_metrics.subset_metrics`, with ``majority_rate`` and
          ``confusion``.
        - ``reference``: the reference's convention, :func:`fakefaces.evaluation.metrics.reference_metrics`.
        - ``calibration``: :func:`fakefaces.evaluation.calibration.calibration`.
        - ``difficulty``, ``part``, ``part_count``: fakes of each kind against all reals; empty if unknown.
        - ``matched``: ``overall`` for the images in the commonest encoding of reals, with ``encoding``.
        - ``paired``: :func:`fakefaces.evaluation.source_pairs.paired_win_rate`, with ``unpaired``, the fakes whose
          source is unknown or not among the images.

        The last two are None where the table lacks the column.

    Raises:
        ModelError: a column is lacking, the table is empty, an image comes twice, a source is no real, or
            as :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    lacking = [name for name in _REQUIRED if name not in table]
    if lacking:
        raise ModelError(f"scores: the table lacks the columns {', '.join(lacking)}")
    if table.empty:
        raise ModelError("scores: the table has no rows")
    if table["image"].duplicated().any():
        twice = table.loc[table["image"].duplicated(), "image"].iloc[0]
        raise ModelError(f"scores: an image comes twice: {twice}")
    table = table.reset_index(drop=True)
    images = Predictions.from_arrays(table["label"], table["p_fake"], table["group"])
    sampling: dict[str, Any] = {"threshold": threshold, "n_resamples": n_resamples, "seed": seed}
    has_parts = set(PARTS) <= set(table)
    record = {
        "threshold": threshold,
        "bootstrap": {"n_resamples": n_resamples, "seed": seed, "level": LEVEL},
        "overall": _whole(images, **sampling),
        "reference": metrics.reference_metrics(images.fake, images.p_fake, threshold),
        "calibration": calibration(images.fake, images.p_fake),
        "difficulty": slices.by_difficulty(images, table["difficulty"], **sampling) if "difficulty" in table else {},
        "part": slices.by_part(images, table, **sampling) if has_parts else {},
        "part_count": slices.by_part_count(images, table, **sampling) if has_parts else {},
        "matched": _matched(images, table["encoding"], **sampling) if "encoding" in table else None,
        "paired": _paired(images, table, n_resamples=n_resamples, seed=seed) if "source" in table else None,
    }
    return rounded(record) | {"threshold": threshold}  # in full: rounding could move it past a score


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """``value`` with every float in it rounded, tuples as lists and numpy's scalars as Python's."""
    if isinstance(value, dict):
        return {str(key): rounded(one, digits) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one, digits) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return round(value, digits) if isinstance(value, float) else value


def _whole(images: Predictions, *, threshold: float, n_resamples: int, seed: int) -> dict[str, Any]:
    record = subset_metrics(images, threshold=threshold, n_resamples=n_resamples, seed=seed)
    record["majority_rate"] = metrics.majority_rate(images)
    record["confusion"] = asdict(metrics.confusion(images, threshold))
    return record


def _matched(images: Predictions, encoding: pd.Series, **sampling: Any) -> dict[str, Any]:
    common, mask = slices.matched_subset(images, encoding)
    return {"encoding": common, **_whole(images.subset(mask), **sampling)}


def _paired(images: Predictions, table: pd.DataFrame, *, n_resamples: int, seed: int) -> dict[str, Any]:
    place = pd.Series(table.index, index=table["image"])
    sources = table["source"].map(place).where(images.fake).dropna()
    pairs = list(zip(sources.index.to_list(), sources.astype("int64").to_list(), strict=True))
    record = paired_win_rate(images, pairs, n_resamples=n_resamples, seed=seed)
    return {**record, "unpaired": int(images.fake.sum()) - len(pairs)}
