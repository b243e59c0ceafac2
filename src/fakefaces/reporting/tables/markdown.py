"""The results for people, in Markdown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.columns import Metrics
from fakefaces.reporting.tables.reference import MAJORITY, TEST_IMAGES
from fakefaces.reporting.tables.results import rule_name


def results_markdown(table: pd.DataFrame, metrics: Metrics, comparisons: pd.DataFrame) -> str:
    """The page of results.

    Args:
        table: of :func:`fakefaces.reporting.tables.results.results_table`.
        metrics: what it was made of.
        comparisons: of :func:`fakefaces.reporting.tables.results.comparisons_table`.
    """
    first = table.iloc[0]
    models = list(table.loc[~table["model"].str.startswith(rule_name("")), "model"])
    max_fpr = metrics[models[0]]["operating"]["max_fpr"]
    return f"""# Results

{first["n"]} test images of {first["groups"]} photographs, protocol `{first["protocol"]}`{_rounds(metrics[models[0]])};
naming the larger class always is right for {first["majority_rate"]:.4f} of them. Fake is the positive class; ROC AUC
and AP (average precision) are those of the scores. In brackets: 95 % intervals, from resampling groups of images that
share a photograph. The rows `rule_...` see no face: only the header, a 16 x 16 thumbnail, mean and spread of the
colours, or EXIF.

{_markdown(columns.ours(table))}
## What they rest on

Matched: on the {_whole(first["matched_n"])} test images that share the encoding most reals have. Paired: how often a
fake outscores the very photograph that it was made from, over {_whole(first["paired_n"])} pairs. The operating point is
chosen on validation so that at most {max_fpr:.0%} of the reals are called fake; unsure is the share of test images in
the band around it. Explained is the share of the score's variance (R², on logits) that the four rules together explain.

{_markdown(columns.rests(table))}
## Robustness

ROC AUC on {metrics[models[0]]["robustness"][0]["n"]} test images put through one transform and then through one and the
same JPEG encoder, the model not retrained.

{_markdown(columns.robustness(metrics, models))}
## Which differences are there

Paired, on the same test images: McNemar's mid-p for accuracy, the paired group bootstrap for ROC AUC, both after Holm's
correction for the number of pairs.

{_markdown(columns.comparisons(comparisons))}
## By difficulty and part

ROC AUC of the fakes of each kind against all reals.

{_slices(metrics, models)}
## Beside the reference

By the reference's convention: real is the positive class, and "AUC" is that of the hard predictions, which is
balanced accuracy. The printed figures are from {TEST_IMAGES} other test images, of which {MAJORITY:.4f} are real.

{_markdown(columns.theirs(table[table["model"].isin(models)]))}"""


def _rounds(found: Mapping[str, Any]) -> str:
    if found["rounds"] == 1:
        return ""
    return f" (each image scored by the one of {found['rounds']} networks that knows nothing of its photograph)"


def _slices(metrics: Metrics, models: list[str]) -> str:
    found = columns.slices(metrics, models)
    return _markdown(found) if len(found) > 1 else "No fake is named by its difficulty or parts.\n"


def _markdown(table: columns.Columns) -> str:
    rows = [list(table), ["---"] * len(table), *map(list, zip(*table.values(), strict=True))]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def _whole(value: float | None) -> str:
    return "no" if value is None or pd.isna(value) else f"{int(value)}"
