"""A model's metrics in sentences."""

from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import too_few_groups
from fakefaces.evaluation.summary import against_chance, not_for, summary
from tests.metrics import model_metrics, with_metrics


def bounded(low: float, high: float):
    """Metrics with a stated interval of the ROC AUC on test."""
    metrics = with_metrics(model_metrics(0.8, 0.7), {}, {"accuracy": 0.625})
    roc_auc = metrics.test.overall.roc_auc.model_copy(update={"interval": (low, high)})
    overall = metrics.test.overall.model_copy(update={"roc_auc": roc_auc})
    return metrics.model_copy(update={"test": metrics.test.model_copy(update={"overall": overall})})


def test_it_has_the_metrics_with_intervals_and_what_the_model_must_not_be_used_for():
    text = summary("vgg16", bounded(0.61, 0.79), drawn=False)
    assert text.startswith("**vgg16** scores a face")
    assert "on 40 test images (20 real, 20 fake): **0.700 [0.61, 0.79]**; on validation 0.800." in text
    assert "significantly above chance" in text
    assert "| accuracy at 0.5 | 0.625" in text
    assert all(f"- {line}" in text.splitlines() for line in not_for(drawn=False))


def test_it_says_whether_the_faces_were_drawn_and_where_that_is_unknown():
    metrics = model_metrics(0.8, 0.7)
    assert "has seen no photograph" in summary("m", metrics, drawn=True)
    assert "If it was trained on the embedded sample" in summary("m", metrics, drawn=None)
    assert "embedded sample" not in summary("m", metrics, drawn=False)


def test_it_says_by_which_groups_errors_were_measured_and_that_others_were_not():
    metrics = model_metrics(0.8, 0.7)
    assert "Fairness is unknown" in summary("m", metrics, drawn=False)
    test = metrics.test.model_copy(update={"by_group": {"camera": {}, "age": {}}})
    text = summary("m", metrics.model_copy(update={"test": test}), drawn=False)
    assert "Errors were measured by `camera`, `age` alone" in text and "was not measured" in text
    assert "Fairness is unknown" not in text


def test_an_interval_that_holds_one_half_is_chance():
    assert "does not differ significantly" in against_chance(bounded(0.49, 0.79))
    assert "is 0.700 on every resample" in against_chance(model_metrics(0.8, 0.7))


def test_too_few_photographs_are_not_compared_with_chance():
    metrics = model_metrics(0.8, 0.7)
    roc_auc = Estimate(value=0.7, reason=too_few_groups(4).reason)
    overall = metrics.test.overall.model_copy(update={"roc_auc": roc_auc})
    few = metrics.model_copy(update={"test": metrics.test.model_copy(update={"overall": overall})})
    assert "too few photographs" in against_chance(few)


def test_what_is_undefined_is_a_dash():
    assert "**–**; on validation –." in summary("m", model_metrics(None, None), drawn=False)
