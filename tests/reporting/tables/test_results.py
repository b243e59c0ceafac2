"""The tables of results: every column and cell is the metric that its title names."""

import itertools
from dataclasses import replace

import pandas as pd
import pytest

from fakefaces.evaluation.comparisons import Comparison
from fakefaces.evaluation.metrics import REFERENCE_METRICS, reference_metrics
from fakefaces.evaluation.model_metrics import Confusion, Estimate, Evaluation, ModelMetrics
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.columns import results_markdown
from fakefaces.reporting.tables.results import METRICS, PRINTED, comparisons_table, results_table
from tests.metrics import EVALUATOR

COUNTS = {  # TP FP FN TN with real positive: the only ones that give the printed figures
    "simple_cnn": (109, 96, 0, 0),
    "efficientnetb4": (109, 96, 0, 0),
    "custom_cnn": (68, 49, 41, 47),
    "custom_cnn_augmented": (73, 49, 36, 47),
}


@pytest.mark.parametrize("model", COUNTS)
def test_the_reference_counts_give_its_printed_figures_to_the_last_digit(model):
    got = reference_metrics(Confusion(*COUNTS[model]))
    for name, printed in PRINTED[model].items():
        digits = len(str(printed).split(".")[1])
        assert f"{getattr(got, name):.{digits}f}" == f"{printed:.{digits}f}", name


def evaluation(flip: bool = False, sees: str = "") -> Evaluation:
    """The evaluation of forty images, of a model or of a rule."""
    table = pd.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(40)],
            "label": [k % 2 for k in range(40)],
            "p_fake": [0.8 - 0.01 * k if (k % 2) != flip else 0.2 + 0.01 * k for k in range(40)],
            "group": [f"{k // 2}" for k in range(40)],
            "encoding": ["a"] * 40,
            "source": [f"{k - 1}.jpg" if k % 2 else None for k in range(40)],
            "difficulty": ["mid" if k % 2 else "" for k in range(40)],
        }
    )
    corrupted_scores = pd.concat(
        table[["image"]].assign(transform="jpeg", level=level, p_fake=table["p_fake"] / 2) for level in (90, 50)
    )
    rules = {"header": pd.Series(0.5, index=table["image"])}
    scored = ScoredImages(validation=table, test=table)
    if sees:
        return EVALUATOR.evaluate(scored, weights=sees, threshold=0.5)
    found = EVALUATOR.evaluate(
        scored, weights="trained from scratch", threshold=0.5, corrupted=corrupted_scores, rules=rules
    )
    return found.of_model(parameters=10, model_digest="model", test_digest="test")


@pytest.fixture(scope="module")
def metrics() -> dict[str, Evaluation]:
    rule = evaluation(sees="sees only: header")
    return {"custom_cnn": evaluation(), "another": evaluation(flip=True), "rule_header": rule}


COMPARISON = Comparison(
    first="custom_cnn", second="another", n=40, groups=20, only_first_right=3, only_second_right=1,
    accuracy_difference=0.05, accuracy_interval=[-0.1, 0.2], accuracy_p=0.4, accuracy_p_holm=0.8,
    roc_auc_difference=None, roc_auc_interval=None, roc_auc_p=None, roc_auc_p_holm=None,
)  # fmt: skip


def test_the_table_has_a_row_a_model_with_ours_and_theirs(metrics):
    table = results_table(metrics)
    assert list(table["model"]) == ["custom_cnn", "another", "rule_header"]
    ours = table.iloc[0]
    assert ours["n"] == 40 and ours["groups"] == 20
    assert ours["roc_auc_low"] < ours["roc_auc"] < ours["roc_auc_high"]
    assert ours["default_accuracy"] == pytest.approx(ours["reference_accuracy"], abs=1e-6)  # both at 0.5
    assert ours["default_threshold"] == 0.5
    assert ours["printed_accuracy"] == 0.560976
    assert pd.isna(table.iloc[1]["printed_accuracy"])
    assert (table["tp"] + table["fp"] + table["fn"] + table["tn"] == 40).all()
    assert ours["paired_n"] == 20 and ours["matched_n"] == 40
    assert ours["operating_fpr"] <= 0.1


def test_the_page_says_protocol_majority_and_what_cannot_be_told(metrics):
    text = results_markdown(results_table(metrics), metrics, comparisons_table([COMPARISON]))
    assert "protocol `grouped`" in text
    assert "0.5000" in text
    assert "/ 0.561 |" in text
    assert "| another | 0." in text.split("## Compared with the reference")[1]
    assert "rule_header" not in text.split("## Robustness")[1]  # a rule has no scores of corrupted images
    assert "| custom_cnn | another | +0.050 [-0.10, +0.20] | 0.800 | – | – |" in text
    assert "jpeg 50" in text and "mid (20)" in text
    heads = [line for line in text.splitlines() if line.startswith("| model") or line.startswith("| first")]
    assert len(heads) == 8  # two of the six are too wide for one table


def test_with_folds_the_page_says_who_scored_whom(metrics):
    folds = {"protocol": "folds", "n_splits": 5}
    cross = {name: found.model_copy(update=folds) for name, found in metrics.items()}
    text = results_markdown(results_table(cross), cross, comparisons_table([COMPARISON]))
    assert "protocol `folds` (each image scored by the one of 5 networks" in text


def numbered(value, count):
    """A dumped record with another number at every place, so that no metric passes for another."""
    if isinstance(value, dict):
        return {key: numbered(one, count) for key, one in value.items()}
    if isinstance(value, list):
        return [numbered(one, count) for one in value]
    if isinstance(value, str | bool) or value is None:
        return value
    return next(count) if isinstance(value, int) else next(count) / 1000


@pytest.fixture(scope="module")
def distinct(metrics) -> dict[str, Evaluation]:
    """Two models and a rule, whose every metric is a number of its own: 0.101, 0.102 and so on."""
    count, records = itertools.count(101), {}
    for number, (name, evaluation) in enumerate(metrics.items()):
        fields = numbered(evaluation.model_dump(mode="json"), count)
        test = fields["test"]
        test["overall"] |= {"n": 41 + number, "groups": 21 + number}
        test["overall"]["confusion"] = {"tp": 11 + number, "fp": 12, "fn": 13, "tn": 14}
        test["matched"]["n"], test["paired"]["n"], test["paired"]["groups"] = 31 + number, 17 + number, 9
        fields |= {"n_splits": 1, "protocol": "grouped"}
        if isinstance(evaluation, ModelMetrics):
            fields["operating_point"]["max_fpr"] = 0.15
            shares = {"header": 0.911 + number / 100, "all": 0.922 + number / 100}
            fields["variance_explained_by_shortcuts"] = shares
            fields["robustness"][0]["n"], test["difficulty"]["mid"]["fakes"] = 29, 19
            for row, level in zip(fields["robustness"], (None, 90, 50), strict=True):
                row["level"] = level
        records[name] = type(evaluation).model_validate(fields)
    return records


def cell(estimate: Estimate) -> str:
    low, high = estimate.interval
    return f"{estimate.value:.3f} [{low:.2f}, {high:.2f}]"


def test_every_column_of_the_table_is_the_metric_it_is_named_after(distinct):
    table = results_table(distinct)
    for (_, row), (name, evaluation) in zip(table.iterrows(), distinct.items(), strict=True):
        test, point = evaluation.test, evaluation.operating_point
        overall = test.overall
        assert (row["model"], row["weights"], row["protocol"]) == (name, evaluation.weights, "grouped")
        wanted = {f"reference_{metric}": getattr(test.reference, metric) for metric in REFERENCE_METRICS}
        wanted |= {"n": overall.n, "groups": overall.groups, "majority_rate": overall.majority_rate}
        wanted |= {"brier": overall.brier.value} | vars(overall.confusion)
        wanted |= {"matched_n": test.matched.n, "paired_n": test.paired.n}
        wanted |= {"operating_threshold": point.threshold, "operating_unsure": point.abstention_band.share}
        wanted |= {"unfamiliar": evaluation.unfamiliar}
        wanted |= {"variance_explained_by_shortcuts": evaluation.variance_explained_by_shortcuts.get("all")}
        for title, estimate in (
            *((metric, overall.estimate(metric)) for metric in METRICS),
            ("matched_roc_auc", test.matched.roc_auc),
            ("paired_win_rate", test.paired.win_rate),
            ("operating_recall", point.test.recall),
            ("operating_fpr", point.test.fpr),
        ):
            low, high = estimate.interval or (None, None)
            wanted |= {title: estimate.value, f"{title}_low": low, f"{title}_high": high}
        for column, value in wanted.items():
            assert row[column] == value or (value is None and pd.isna(row[column])), column


def test_every_cell_that_people_read_is_the_metric_of_its_title(distinct):
    table = results_table(distinct)
    models = {name: evaluation for name, evaluation in distinct.items() if isinstance(evaluation, ModelMetrics)}
    overall_columns, validity_columns = columns.overall_metrics(table), columns.validity_checks(table)
    for place, evaluation in enumerate(distinct.values()):
        test, point = evaluation.test, evaluation.operating_point
        overall = test.overall
        for title, wanted in {
            "ROC AUC": cell(overall.roc_auc),
            "accuracy": cell(overall.accuracy),
            "AP": f"{overall.average_precision.value:.3f}",
            "balanced": f"{overall.balanced_accuracy.value:.3f}",
            "F1": f"{overall.f1.value:.3f}",
            "precision at 48% fakes": f"{overall.precision.value:.3f}",
            "recall": f"{overall.recall.value:.3f}",
            "TP FP FN TN": f"{11 + place} 12 13 14",
        }.items():
            assert overall_columns[title][place] == wanted, title
        explained = evaluation.variance_explained_by_shortcuts
        for title, wanted in {
            "matched ROC AUC": cell(test.matched.roc_auc),
            "paired win rate": cell(test.paired.win_rate),
            "Brier": f"{overall.brier.value:.3f}",
            "recall at the operating point": cell(point.test.recall),
            "its false-positive rate": cell(point.test.fpr),
            "unsure": f"{point.abstention_band.share:.3f}",
            "unfamiliar": "–" if evaluation.unfamiliar is None else f"{evaluation.unfamiliar:.3f}",
            "explained by shortcuts": f"{explained['all']:.3f}" if explained else "–",
        }.items():
            assert validity_columns[title][place] == wanted, title
    robustness, slices = columns.robustness(models), columns.slices(models)
    assert list(robustness) == ["model", "original", "jpeg 90", "jpeg 50"]
    for place, (name, model) in enumerate(models.items()):
        cells = [f"{row.roc_auc.value:.3f}" for row in model.robustness]
        assert [column[place] for column in robustness.values()] == [name, *cells]
        assert slices["mid (19)"][place] == f"{model.test.difficulty['mid'].roc_auc.value:.3f}"
    ours_and_printed, reference = columns.reference_metrics(table), distinct["custom_cnn"].test.reference
    assert ours_and_printed['"AUC": ours / printed'][0] == f"{reference.auc:.3f} / 0.557"
    assert ours_and_printed["recall: ours / printed"][0] == f"{reference.recall:.3f} / 0.624"
    assert ours_and_printed["recall: ours / printed"][1].endswith(" / –")


def test_each_difference_has_its_own_interval_and_corrected_p():
    comparison = replace(
        COMPARISON, roc_auc_difference=-0.125, roc_auc_interval=[-0.25, -0.04], roc_auc_p=0.011, roc_auc_p_holm=0.022
    )
    table = comparisons_table([comparison])
    row = table.iloc[0]
    assert (row["accuracy_low"], row["accuracy_high"]) == (-0.1, 0.2)
    assert (row["roc_auc_low"], row["roc_auc_high"]) == (-0.25, -0.04)
    assert {title: cells[0] for title, cells in columns.comparisons(table, 1000).items()} == {
        "first": "custom_cnn",
        "second": "another",
        "accuracy, first minus second": "+0.050 [-0.10, +0.20]",
        "p (accuracy)": "0.800",
        "ROC AUC, first minus second": "-0.125 [-0.25, -0.04]",
        "p (ROC AUC)": "0.022",
    }


def test_drawn_faces_are_said_to_be_drawn_before_any_metric(distinct):
    results, compared = results_table(distinct), comparisons_table([COMPARISON])
    drawn = results_markdown(results, distinct, compared, drawn=True)
    assert drawn.index("**Drawn sample**") < drawn.index("41 test images of 21 drawn faces") < drawn.index("0.")
    assert "rawn" not in results_markdown(results, distinct, compared)


def test_the_page_counts_the_images_behind_each_of_its_tables(distinct):
    text = " ".join(results_markdown(results_table(distinct), distinct, comparisons_table([COMPARISON])).split())
    majority = distinct["custom_cnn"].test.overall.majority_rate
    for sentence in (
        f"41 test images of 21 photographs, protocol `grouped`. Majority-class accuracy: {majority:.4f}.",
        "on the 31 test images in the encoding",
        "over 17 pairs.",
        "at most 15% of the validation reals fake",
        "ROC AUC on 29 test images after one corruption",
        "from 205 other test images, of which 0.5317 are real",
    ):
        assert sentence in text
    without_slices = {
        name: evaluation.model_copy(
            update={"test": evaluation.test.model_copy(update={"difficulty": {}, "part": {}, "part_count": {}})}
        )
        for name, evaluation in distinct.items()
    }
    page = results_markdown(results_table(without_slices), without_slices, comparisons_table([COMPARISON]))
    assert "Not applicable: of no test fake is it known" in page
