"""The values of charts."""

import pandas as pd

from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.subset_metrics import ReliabilityBin
from fakefaces.reporting.html import charts
from tests.metrics import corrupted_metrics, localization_metrics, model_metrics, slice_metrics


def evaluated(shift: float) -> ModelMetrics:
    """An evaluation whose metrics are higher by ``shift``."""
    base = model_metrics()
    test = base.test.model_copy(
        update={
            "difficulty": {"hard": slice_metrics(0.55 + shift, 3, (0.5, 0.6))},
            "part": {"left_eye": slice_metrics(0.65 + shift)},
            "part_count": {"1": slice_metrics(0.75 + shift), "2": slice_metrics(0.85 + shift)},
        }
    )
    robustness = [
        corrupted_metrics(None, None, 0.8 + shift, (0.7, 0.9)),
        corrupted_metrics("jpeg", 50.0, 0.6 + shift),
    ]
    reliability = [ReliabilityBin(low=0.0, high=0.5, n=3, mean_p=0.2 + shift, fraction_fake=0.25)]
    return base.model_copy(update={"test": test, "robustness": robustness, "reliability": reliability})


METRICS = {"a": evaluated(0.0), "b": evaluated(0.1)}


def values(spec: dict) -> list[dict]:
    return spec["data"]["values"]


def test_the_training_line_is_of_the_training_images():
    epochs = pd.DataFrame({"epoch": [1.0], "loss": [0.5], "accuracy": [0.9], "val_loss": [0.7], "val_accuracy": [0.6]})
    loss, accuracy = charts.history(epochs)
    assert [(row["images"], row["value"]) for row in values(loss)] == [("train", 0.5), ("validation", 0.7)]
    assert [(row["images"], row["value"]) for row in values(accuracy)] == [("train", 0.9), ("validation", 0.6)]


def test_each_fold_has_a_line_of_its_own():
    epochs = pd.DataFrame({"fold": [0, 1], "epoch": [1.0, 1.0], "loss": [0.5, 0.6], "val_loss": [0.7, 0.8]})
    loss, _ = charts.history(epochs.assign(accuracy=0.5, val_accuracy=0.5))
    assert loss["encoding"]["detail"]["field"] == "fold"
    by_fold = {(row["fold"], row["images"]): row["value"] for row in values(loss)}
    assert by_fold == {(0, "train"): 0.5, (1, "train"): 0.6, (0, "validation"): 0.7, (1, "validation"): 0.8}


def test_slices_have_their_model_their_interval_and_their_number_of_fakes():
    assert values(charts.slices({"b": METRICS["b"]}, "difficulty")) == [
        {"model": "b", "slice": "hard (3)", "value": 0.65, "low": 0.5, "high": 0.6}
    ]
    assert [row["slice"] for row in values(charts.slices({"a": METRICS["a"]}, "part_count"))] == [
        "1 part (4)",
        "2 parts (4)",
    ]
    assert [row["value"] for row in values(charts.slices(METRICS, "part"))] == [0.65, 0.75]


def test_robustness_and_reliability_are_those_of_each_model():
    assert values(charts.robustness({"a": METRICS["a"]})) == [
        {"model": "a", "level": "original", "value": 0.8, "low": 0.7, "high": 0.9},
        {"model": "a", "level": "jpeg 50", "value": 0.6},
    ]
    (row,) = values(charts.reliability({"b": METRICS["b"]}))
    assert (row["model"], row["mean_p"], row["fraction_fake"]) == ("b", 0.3, 0.25)


def test_curves_have_the_right_axes():
    table = pd.DataFrame({"fpr": [0.0, 0.1], "tpr": [0.4, 0.9], "recall": [0.3, 0.2], "precision": [0.7, 0.6]})
    curve = charts.roc({"m": table})
    assert [(row["fpr"], row["tpr"], row["order"]) for row in values(curve)] == [(0.0, 0.4, 0), (0.1, 0.9, 1)]
    assert [curve["layer"][1]["encoding"][axis]["field"] for axis in "xy"] == ["fpr", "tpr"]
    curve = charts.precision_recall({"m": table}, 0.478)
    assert [curve["encoding"][axis]["field"] for axis in "xy"] == ["recall", "precision"]
    assert curve["encoding"]["y"]["title"] == "precision at 48% fakes"


def every_chart() -> dict[str, dict]:
    table = pd.DataFrame({"fpr": [0.0, 0.1], "tpr": [0.4, 0.9], "recall": [0.3, 0.2], "precision": [0.7, 0.6]})
    epochs = pd.DataFrame({"epoch": [1.0], "loss": [0.5], "accuracy": [0.9], "val_loss": [0.7], "val_accuracy": [0.6]})
    loss, accuracy = charts.history(epochs)
    maps = {"m": localization_metrics(0.6)}
    return {
        "roc": charts.roc({"m": table}),
        "precision_recall": charts.precision_recall({"m": table}, 0.5),
        "reliability": charts.reliability(METRICS),
        "loss": loss,
        "accuracy": accuracy,
        "difficulty": charts.slices(METRICS, "difficulty"),
        "part": charts.slices(METRICS, "part"),
        "part_count": charts.slices(METRICS, "part_count"),
        "robustness": charts.robustness(METRICS),
        "pointing": charts.localization(maps, "pointing"),
        "energy": charts.localization(maps, "energy"),
        "compared": charts.score_scatter(),
    }


def test_every_axis_has_a_name_and_every_mark_a_tooltip():
    for name, chart in every_chart().items():
        marks = [part for part in [chart, *chart.get("layer", [])] if "color" in part.get("encoding", {})]
        assert marks, name
        for part in marks:
            assert part["encoding"]["tooltip"], name
            for axis in "xy":
                assert len(part["encoding"][axis]["title"]) > 3, (name, axis)


def test_localization_is_shown_beside_the_baselines():
    rows = values(charts.localization({"m": localization_metrics(0.6)}, "pointing"))
    assert [(row["model"], row["value"]) for row in rows] == [
        ("the model", 0.6),
        ("noise", 0.2),
        ("centre blob", 0.3),
    ]
    assert (rows[0]["low"], rows[0]["high"]) == (0.5, 0.7)
    energy, *_ = values(charts.localization({"m": localization_metrics(0.6)}, "energy"))
    assert (energy["value"], energy["low"], energy["high"]) == (0.3, 0.2, 0.4)
