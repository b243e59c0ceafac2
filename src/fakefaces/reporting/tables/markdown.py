"""``reports/results.md``: the results as Markdown."""

from collections.abc import Mapping

import pandas as pd

from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.reference import MAJORITY, TEST_IMAGES


def results_markdown(table: pd.DataFrame, metrics: Mapping[str, Evaluation], comparisons: pd.DataFrame) -> str:
    """The page of results.

    Args:
        table: of :func:`fakefaces.reporting.tables.results.results_table`.
        metrics: of each model and shortcut rule, from which ``table`` was made.
        comparisons: of :func:`fakefaces.reporting.tables.results.comparisons_table`.
    """
    first = table.iloc[0]
    models = {name: model for name, model in metrics.items() if isinstance(model, ModelMetrics)}
    model = next(iter(models.values()))
    return f"""# Results

{first["n"]} test images of {first["groups"]} photographs, protocol `{first["protocol"]}`{_folds(model.n_splits)}.
Majority-class accuracy: {first["majority_rate"]:.4f}. Fake is the positive class; ROC AUC and AP (average precision)
are computed from the scores, the other metrics at each threshold. In brackets: 95 % intervals of the bootstrap over
groups of images that share a photograph. The rows `rule_...` are baselines that see no face, only the header, a 16 x 16
thumbnail, mean and spread of the colours, or EXIF. Report these baselines next to every model.

{_markdown(columns.overall_metrics(table))}
## Validity checks

- Matched: ROC AUC on the {_count(first["matched_n"])} test images in the encoding that most reals have.
- Paired: how often a fake scores higher than the photograph it was made from, over {_count(first["paired_n"])} pairs.
- Operating point: the threshold that calls at most {model.operating_point.max_fpr:.0%} of the validation reals fake.
- Unsure: share of test images in the abstention band around it, which a person should look at.
- Explained by shortcuts: share of the score's variance (R² on logits) that the four rules together explain.

{_markdown(columns.validity_checks(table))}
## Robustness

ROC AUC on {model.robustness[0].n} test images after one corruption and then the same JPEG encoder. The models are not
retrained.

{_markdown(columns.robustness(models))}
## Pairwise comparisons

Paired tests on the same test images: McNemar's mid-p for accuracy, the paired group bootstrap for ROC AUC. The p-values
are Holm-corrected for the number of pairs.

{_markdown(columns.comparisons(comparisons))}
## By difficulty and part

ROC AUC of the fakes of each kind against all reals; the number of fakes in brackets.

{_slices(models)}
## Compared with the reference

By the reference's convention: real is the positive class, and "AUC" is that of the hard predictions, which is balanced
accuracy. The printed metrics are from {TEST_IMAGES} other test images, of which {MAJORITY:.4f} are real.

{_markdown(columns.reference_metrics(table[table["model"].isin(models)]))}"""


def _folds(n_splits: int) -> str:
    if n_splits == 1:
        return ""
    return f" (each image scored by the one of {n_splits} networks that was not trained on its photograph)"


def _slices(models: Mapping[str, ModelMetrics]) -> str:
    table = columns.slices(models)
    return _markdown(table) if len(table) > 1 else "The file names tell no difficulty and no replaced parts.\n"


def _markdown(table: columns.Columns) -> str:
    rows = [list(table), ["---"] * len(table), *map(list, zip(*table.values(), strict=True))]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def _count(value: float | None) -> str:
    return "no" if value is None or pd.isna(value) else f"{int(value)}"
