import pandas as pd
import pytest

from fakefaces.evaluation.comparisons import Comparison
from fakefaces.evaluation.confusion import Confusion
from fakefaces.evaluation.metrics import metrics_from_counts
from fakefaces.evaluation.model_metrics import Evaluation
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.evaluation.source_pairs import match_sources
from fakefaces.reporting.tables.markdown import results_markdown
from fakefaces.reporting.tables.reference import PRINTED
from fakefaces.reporting.tables.results import comparisons_table, results_table
from tests.metrics import EVALUATOR

COUNTS = {  # TP FP FN TN with real positive: the only ones that give the printed figures
    "simple_cnn": (109, 96, 0, 0),
    "efficientnetb4": (109, 96, 0, 0),
    "custom_cnn": (68, 49, 41, 47),
    "custom_cnn_augmented": (73, 49, 36, 47),
}


@pytest.mark.parametrize("model", COUNTS)
def test_the_reference_counts_give_its_printed_figures_to_the_last_digit(model):
    got = metrics_from_counts(Confusion(*COUNTS[model]))
    for name, printed in vars(PRINTED[model]).items():
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
    assert ours["reference_auc"] == pytest.approx(ours["balanced_accuracy"], abs=1e-6)
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
    assert len(heads) == 6


def test_with_folds_the_page_says_who_scored_whom(metrics):
    folds = {"protocol": "folds", "n_splits": 5}
    cross = {name: found.model_copy(update=folds) for name, found in metrics.items()}
    text = results_markdown(results_table(cross), cross, comparisons_table([COMPARISON]))
    assert "protocol `folds` (each image scored by the one of 5 networks" in text


def test_a_fake_has_the_real_it_shares_most_with_as_its_source():
    images = pd.DataFrame({"image": ["f1", "f2", "f3", "r1", "r2"], "label": [1, 1, 1, 0, 0]})
    pairs = pd.DataFrame(
        [("f1", "r1", 30), ("f1", "r2", 90), ("f1", "f2", 200), ("f2", "r1", 20)], columns=["a", "b", "inliers"]
    )
    found = match_sources(images, pairs, min_inliers=20)
    assert found.tolist()[:2] == ["r2", "r1"]
    assert found.isna().tolist() == [False, False, True, True, True]


def test_a_real_that_lent_a_fake_no_more_than_a_part_is_not_its_source():
    images = pd.DataFrame({"image": ["f1", "f2", "r1", "r2"], "label": [1, 1, 0, 0]})
    pairs = pd.DataFrame([("f1", "r1", 94), ("f2", "r1", 44), ("f2", "r2", 118)], columns=["a", "b", "inliers"])
    found = match_sources(images, pairs, min_inliers=100)
    assert found.isna().tolist() == [True, False, True, True]
    assert found[1] == "r2"
