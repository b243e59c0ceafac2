import pandas as pd
import pytest

from fakefaces.evaluation.metrics import Confusion, figures_from_counts
from fakefaces.evaluation.report import evaluate_scores
from fakefaces.report.reference import PRINTED
from fakefaces.report.results import results_markdown, results_table

COUNTS = {  # TP FP FN TN with real positive: the only ones that give the printed figures
    "simple_cnn": (109, 96, 0, 0),
    "efficientnetb4": (109, 96, 0, 0),
    "custom_cnn": (68, 49, 41, 47),
    "custom_cnn_augmented": (73, 49, 36, 47),
}


@pytest.mark.parametrize("model", COUNTS)
def test_the_reference_counts_give_its_printed_figures_to_the_last_digit(model):
    got = figures_from_counts(Confusion(*COUNTS[model]))
    for name, printed in vars(PRINTED[model]).items():
        digits = len(str(printed).split(".")[1])
        assert f"{got[name]:.{digits}f}" == f"{printed:.{digits}f}", name


def record(flip: bool = False) -> dict:
    table = pd.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(40)],
            "label": [k % 2 for k in range(40)],
            "p_fake": [0.8 - 0.01 * k if (k % 2) != flip else 0.2 + 0.01 * k for k in range(40)],
            "group": [f"{k}.jpg" for k in range(40)],
            "encoding": ["a"] * 40,
        }
    )
    test = evaluate_scores(table, threshold=0.5, draws=200, seed=1)
    return {"weights": "trained from scratch", "protocol": "reference", "test": test}


def test_the_table_has_a_row_a_model_with_ours_and_theirs():
    table = results_table({"custom_cnn": record(), "another": record(flip=True)})
    assert list(table["model"]) == ["custom_cnn", "another"]
    ours = table.iloc[0]
    assert ours["n"] == 40
    assert ours["roc_auc_low"] < ours["roc_auc"] < ours["roc_auc_high"]
    assert ours["reference_auc"] == pytest.approx(ours["balanced_accuracy"], abs=1e-6)
    assert ours["printed_accuracy"] == 0.560976
    assert pd.isna(table.iloc[1]["printed_accuracy"])
    assert (table["tp"] + table["fp"] + table["fn"] + table["tn"] == 40).all()


def test_the_markdown_says_protocol_majority_and_what_cannot_be_told():
    text = results_markdown(results_table({"vgg16": record()}))
    assert "protocol `reference`" in text
    assert "0.5000" in text
    assert "/ 0.530 |" in text
    assert "/ – |" in text  # the slides print no F1 for VGG
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {11, 7}
