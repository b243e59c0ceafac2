import pytest

from fakefaces.base.errors import ModelError
from fakefaces.promotion import Candidate, choose, decide


def metrics(validation, test=0.6, parameters=10):
    return {
        "validation": {"roc_auc": validation},
        "test": {"overall": {"roc_auc": test}},
        "parameters": parameters,
        "model_digest": f"digest-{validation}-{parameters}",
        "test_digest": "t",
    }


def candidate(test, digest="new", images="t"):
    return Candidate("m", digest, images, 0.7, test)


def test_validation_chooses_not_test():
    best = choose({"a": metrics(0.7, test=0.5), "b": metrics(0.6, test=0.9)}, "roc_auc")
    assert (best.model, best.validation, best.test) == ("a", 0.7, 0.5)


def test_of_equals_the_smaller_then_the_first_by_name():
    found = {"b": metrics(0.7, parameters=5), "c": metrics(0.7, parameters=5), "a": metrics(0.7, parameters=9)}
    assert choose(found, "roc_auc").model == "b"


def test_a_model_without_the_figure_is_passed_over():
    assert choose({"a": metrics(None), "b": metrics(0.5)}, "roc_auc").model == "b"
    with pytest.raises(ModelError, match="no model has a roc_auc"):
        choose({"a": metrics(None)}, "roc_auc")


@pytest.mark.parametrize(("test", "promoted"), [(0.61, True), (0.6, True), (0.59, False)])
def test_at_least_as_good_as_the_champion(test, promoted):
    decision = decide(candidate(test), candidate(0.6, digest="old"), "roc_auc")
    assert decision.promoted is promoted
    assert "0.6000" in decision.reason


def test_none_and_itself():
    assert decide(candidate(0.1), None, "roc_auc").promoted
    assert decide(candidate(0.6), candidate(0.6), "roc_auc").reason == "it is the champion already"


def test_other_test_images_are_no_comparison():
    with pytest.raises(ModelError, match="different test images"):
        decide(candidate(0.9), candidate(0.6, digest="old", images="other"), "roc_auc")
