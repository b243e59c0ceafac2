"""The sentences of the model card."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from fakefaces.base.paths import Layout
from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.evaluation.model_metrics import Confusion, Estimate, ModelMetrics, OperatingMetrics
from fakefaces.params.file import load
from fakefaces.reporting.html.model_card import card_context
from tests.conftest import ROOT
from tests.metrics import corrupted_metrics, localization_metrics, model_metrics, slice_metrics

Interval = tuple[float, float] | None


def evaluated(roc_auc: float | None = 0.7, interval: Interval = None) -> ModelMetrics:
    """The evaluation of a model with a stated ROC AUC."""
    base = model_metrics()
    overall = base.test.overall.model_copy(
        update={
            "roc_auc": Estimate(value=roc_auc, interval=interval),
            "confusion": Confusion(tp=11, fp=2, fn=5, tn=7),
        }
    )
    test = base.test.model_copy(
        update={
            "overall": overall,
            "difficulty": {
                "easy": slice_metrics(0.9, 9),
                "hard": slice_metrics(0.4, 3, (0.1, 0.6)),
                "mid": slice_metrics(None, 9),
            },
            "part": {"left_eye": slice_metrics(0.6, 9), "nose": slice_metrics(0.8, 9)},
            "part_count": {},
            "calibration": base.test.calibration.model_copy(update={"ece_equal_mass": 0.125}),
        }
    )
    robustness = [
        corrupted_metrics(None, None, 0.7),
        corrupted_metrics("jpeg", 50.0, 0.55),
        corrupted_metrics("blur", 1.0, 0.65),
        corrupted_metrics("noise", 5.0, None),
    ]
    return base.model_copy(update={"test": test, "robustness": robustness})


def context(
    root: Path,
    best: ModelMetrics,
    rules: dict[str, ModelMetrics] | None = None,
    localization: LocalizationMetrics | None = None,
) -> dict[str, object]:
    """What the card says of the best model of two; the other one is better on every metric."""
    other = localization_metrics(0.9, gains={"random": (0.5, 0.6), "centre": (0.5, 0.6)})
    run = SimpleNamespace(
        params=load(ROOT / "params.yaml"),
        layout=Layout(root),
        best="custom_cnn",
        metrics={"vgg16": evaluated(0.99), "custom_cnn": best},
        rules=rules or {},
        localization={"vgg16": other} | ({"custom_cnn": localization} if localization else {}),
    )
    return card_context(run)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((0.51, 0.8), "significantly above chance"),
        ((0.5, 0.8), "does not differ significantly from chance"),
        ((0.45, 0.8), "does not differ significantly from chance"),
        ((0.2, 0.4), "does not differ significantly from chance"),
        (None, "too few photographs"),
    ],
)
def test_a_model_is_above_chance_if_the_lower_bound_of_its_interval_is(tmp_path, interval, expected):
    assert expected in context(tmp_path, evaluated(0.7, interval))["conclusion"]


@pytest.mark.parametrize(
    ("roc_auc", "expected"),
    [(0.69, "the model is better"), (0.7, "the model is not better"), (0.9, "the model is not better")],
)
def test_a_model_is_compared_with_the_best_rule(tmp_path, roc_auc, expected):
    values = {"exif": 0.5, "header": roc_auc, "colour": 0.6, "thumbnail": None}
    rules = {name: evaluated(value) for name, value in values.items()}
    conclusion = context(tmp_path, evaluated(0.7, (0.6, 0.8)), rules)["conclusion"]
    assert f"`header`, has a ROC AUC of {roc_auc:.3f}" in conclusion
    assert expected in conclusion


@pytest.mark.parametrize(
    ("random", "centre", "expected"),
    [
        ((0.1, 0.3), (0.1, 0.2), "than all baselines"),
        ((0.1, 0.3), (-0.1, 0.2), "not than the centre blob"),
        ((-0.1, 0.3), (0.1, 0.2), "no evidence"),
        ((-0.1, 0.3), (-0.1, 0.2), "no evidence"),
        ((0.0, 0.3), None, "no evidence"),
        ((0.1, 0.3), None, "not than the centre blob"),
    ],
)
def test_heatmaps_are_evidence_if_the_lower_bound_of_their_gain_is_above_zero(tmp_path, random, centre, expected):
    localization = localization_metrics(0.6, gains={"random": random, "centre": centre})
    assert expected in context(tmp_path, evaluated(), localization=localization)["localization"]


def test_a_model_without_heatmaps_does_not_get_those_of_another(tmp_path):
    assert context(tmp_path, evaluated())["localization"] == ""


def test_failures_are_counted_over_the_right_class_and_the_weakest_slices_are_named(tmp_path):
    assert context(tmp_path, evaluated())["failures"] == [
        "At its threshold it calls 2 of 9 reals fake and misses 5 of 16 fakes.",
        "Weakest by difficulty: hard, ROC AUC 0.400 [0.10, 0.60] on 3 fakes.",
        "Weakest by replaced part: left eye, ROC AUC 0.600 (too few for an interval) on 9 fakes.",
        "Worst corruption: jpeg 50, ROC AUC 0.550 instead of 0.700.",
        "Expected calibration error of its scores: 0.12.",
    ]


def test_the_precision_is_that_of_a_rare_fake(tmp_path):
    at_point = OperatingMetrics(
        n=400,
        reals=210,
        fakes=190,
        groups=210,
        accuracy=Estimate(value=0.8),
        precision=Estimate(value=0.83),
        recall=Estimate(value=0.64),
        fpr=Estimate(value=0.12),
    )
    best = evaluated()
    point = best.operating_point.model_copy(update={"test": at_point})
    card = context(tmp_path, best.model_copy(update={"operating_point": point}))
    assert card["rare_precision"].value == pytest.approx(0.0064 / (0.0064 + 0.99 * 0.12), abs=1e-6)


def test_the_input_is_that_of_the_best_model_and_synthetic_faces_are_marked(tmp_path):
    card = context(tmp_path, evaluated())
    assert (card["image_size"], card["native"], card["synthetic"]) == (48, False, False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").touch()
    assert context(tmp_path, evaluated())["synthetic"]
