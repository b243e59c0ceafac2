"""What a terminal shows of anyone's predictions."""

from fakefaces.reporting.tables.benchmark import summary_columns


def test_a_metric_that_applies_to_no_row_is_no_column():
    overall = {"model": ["theirs"], "ROC AUC": ["0.9"], "accuracy at 0.5": ["0.8"]}
    recall = {"model": ["theirs"], "recall at 1 %": ["0.3"]}
    without = summary_columns({"overall": overall, "validity": {"model": ["theirs"]}, "recall": recall})
    assert list(without) == ["model", "ROC AUC", "accuracy at 0.5", "recall at 1 %"]
    validity = {"model": ["theirs"], "matched ROC AUC": ["0.8"], "paired win rate": ["1.0"], "best rule": ["header"]}
    whole = summary_columns({"overall": overall, "validity": validity, "recall": recall})
    assert list(whole) == [
        "model", "ROC AUC", "matched ROC AUC", "paired win rate", "accuracy at 0.5", "recall at 1 %", "best rule",
    ]  # fmt: skip
