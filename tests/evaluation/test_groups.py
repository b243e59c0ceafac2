"""Errors by group against counts by hand, and the groups that attributes make."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from fakefaces.base.errors import DataError
from fakefaces.evaluation import predictions
from fakefaces.evaluation.groups import (
    MAX_GROUPS,
    NOT_STATED,
    OTHERS,
    compared,
    group_masks,
    group_metrics,
    with_slices,
)
from fakefaces.evaluation.intervals import Resampling


def table(n: int = 240) -> pd.DataFrame:
    random = np.random.default_rng(2)
    label = np.arange(n) % 2
    frame = pd.DataFrame({"label": label, "group": [f"g{k // 2}" for k in range(n)]})
    frame["attribute_camera"] = random.choice(["A", "B"], n)
    frame["attribute_source"] = np.where(label == 1, "gan", "web")
    frame["p_fake"] = np.clip(0.5 + 0.3 * (label - 0.5) + random.normal(0, 0.2, n), 0, 1)
    return frame


def evaluated(frame: pd.DataFrame, *names: str):
    frame = with_slices(frame, names)
    return frame, group_metrics(frame, predictions.TestPredictions.from_table(frame), 0.5, Resampling(400, 1))


def test_false_alarms_and_misses_are_counted_by_group_with_intervals_round_them():
    frame, by_group = evaluated(table(), "camera")
    assert list(by_group) == ["camera"] and list(by_group["camera"]) == ["A", "B"]
    for name, group in by_group["camera"].items():
        own = frame[frame["slice_camera"] == name]
        called = own["p_fake"] >= 0.5
        assert (group.n, group.reals, group.fakes) == (len(own), (own["label"] == 0).sum(), (own["label"] == 1).sum())
        assert group.groups == own["group"].nunique()
        assert group.false_alarms.value == pytest.approx(called[own["label"] == 0].mean(), abs=1e-6)
        assert group.misses.value == pytest.approx((~called)[own["label"] == 1].mean(), abs=1e-6)
        for rate, n in ((group.false_alarms, group.reals), (group.misses, group.fakes)):
            low, high = rate.interval
            assert 0 <= low < rate.value < high <= 1
            wilson = proportion_confint(round(rate.value * n), n, method="wilson")
            assert (low, high) == pytest.approx(wilson, abs=0.04)


def test_a_group_without_a_class_has_no_rate_of_it_and_is_ranked_against_the_other_class():
    from sklearn.metrics import roc_auc_score

    frame, by_group = evaluated(table(), "source")
    web, gan = by_group["source"]["web"], by_group["source"]["gan"]
    assert (web.misses.value, web.misses.reason) == (None, "no fakes")
    assert (gan.false_alarms.value, gan.false_alarms.reason) == (None, "no reals")
    assert (
        web.roc_auc.value
        == gan.roc_auc.value
        == pytest.approx(roc_auc_score(frame["label"], frame["p_fake"]), abs=1e-6)
    )
    assert (web.n, gan.n) == (120, 120)


def test_few_photographs_have_wilsons_interval():
    frame = table()
    frame["attribute_camera"] = np.where(np.arange(len(frame)) < 8, "rare", "A")
    rare = evaluated(frame, "camera")[1]["camera"]["rare"]
    assert rare.misses.interval[1] - rare.misses.interval[0] > 0.4
    assert "Wilson" in rare.misses.reason


def test_what_is_not_stated_is_a_group_that_comes_last():
    frame = table(20).assign(attribute_camera=[""] * 5 + ["b"] * 5 + ["a"] * 10)
    masks = group_masks(with_slices(frame, ["camera"]))["camera"]
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"a": 10, "b": 5, NOT_STATED: 5}
    assert list(masks) == ["a", "b", NOT_STATED]
    assert "attribute_camera" not in with_slices(frame, [])


def test_many_words_are_cut_to_the_commonest_and_many_numbers_to_quarters():
    words = [f"w{k:02d}" for k in range(30)] + ["w07"] * 3
    frame = table(33).assign(attribute_camera=words, attribute_age=[str(k + 18) for k in range(33)])
    masks = group_masks(with_slices(frame, ["camera", "age"]))
    assert len(masks["camera"]) == MAX_GROUPS and masks["camera"][OTHERS].sum() == 19
    assert masks["camera"]["w07"].sum() == 4
    assert list(masks["age"]) == ["18 to 26", "27 to 34", "35 to 42", "43 to 50"]
    few = table(4).assign(attribute_age=["10", "9", "10", "9"])
    assert list(group_masks(with_slices(few, ["age"]))["age"]) == ["9", "10"]
    alike = table(20).assign(attribute_age=[str(k) for k in range(10)] + ["50"] * 10)
    assert sum(mask.sum() for mask in group_masks(with_slices(alike, ["age"]))["age"].values()) == 20


def test_quarters_of_long_numbers_stay_four_and_words_that_read_as_no_number_have_a_place():
    seconds = [str(1_700_000_000 + 7 * k) for k in range(40)]
    masks = group_masks(with_slices(table(40).assign(attribute_taken=seconds), ["taken"]))["taken"]
    assert [int(mask.sum()) for mask in masks.values()] == [10, 10, 10, 10]
    assert next(iter(masks)) == "1700000000 to 1700000063"
    ages = [str(k) for k in range(18, 58)] + ["unknown"] * 5 + ["n/a", ""]
    masks = group_masks(with_slices(table(47).assign(attribute_age=ages), ["age"]))["age"]
    counts = {"18 to 27": 10, "28 to 37": 10, "38 to 47": 10, "48 to 57": 10, "n/a": 1, "unknown": 5, NOT_STATED: 1}
    assert [(name, int(mask.sum())) for name, mask in masks.items()] == list(counts.items())
    words = ["nan", "b", "-inf", "NaN", "1e309", "3", "a", "12", OTHERS, "nan to nan"]
    expected = ["3", "12", "-inf", "1e309", "NaN", "a", "b", "nan", "nan to nan", OTHERS]
    for order in (words, words[::-1], sorted(words)):
        assert list(group_masks(pd.DataFrame({"slice_x": order}))["x"]) == expected


@pytest.mark.parametrize("count", [300, 13])
def test_hundreds_of_categories_are_one_group_beside_the_commonest(count):
    frame = table(3 * count).assign(attribute_camera=[f'cat "{k % count}" <b>|' for k in range(3 * count)])
    frame, by_group = evaluated(frame, "camera")
    assert len(by_group["camera"]) == MAX_GROUPS and list(by_group["camera"])[-1] == OTHERS
    assert sum(group.n for group in by_group["camera"].values()) == 3 * count


def test_an_attribute_that_nobody_gave_is_an_error_that_names_those_there_are():
    with pytest.raises(DataError, match=r"evaluate.slices: .*'skin'; there are: camera, source.*fakefaces data"):
        with_slices(table(), ["skin"])
    with pytest.raises(DataError, match="no table of labels gave any"):
        with_slices(table()[["label"]], ["skin"])


def test_the_images_that_a_group_is_compared_on():
    fake = np.array([True, True, False, False])
    assert compared(np.array([True, False, True, False]), fake).tolist() == [True, False, True, False]
    assert compared(np.array([True, False, False, False]), fake).tolist() == [True, False, True, True]
    assert compared(np.array([False, False, True, False]), fake).tolist() == [True, True, True, False]
