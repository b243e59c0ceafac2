import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import Resampling, wilson_interval
from fakefaces.evaluation.metrics import point_metrics
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.slices import difficulty_masks, matched_subset, part_count_masks, part_masks, slice_metrics
from fakefaces.evaluation.source_pairs import paired_win_rate

RESAMPLING = Resampling(100, seed=0)


def by_difficulty(images, difficulty):
    return slice_metrics(images, difficulty_masks(difficulty), 0.5, RESAMPLING)


def by_part(images, table):
    return slice_metrics(images, part_masks(table), 0.5, RESAMPLING)


def by_part_count(images, table):
    return slice_metrics(images, part_count_masks(table), 0.5, RESAMPLING)


@pytest.fixture
def table(faces):
    return faces(120, 160).reset_index(drop=True)


@pytest.fixture
def images(table):
    return Predictions.from_arrays(table["label"], table["p_fake"], table["group"])


def _expected(table, fakes):
    part = table[(table["label"] == 0) | fakes]
    return point_metrics(Predictions.from_arrays(part["label"], part["p_fake"]))


def test_a_difficulty_is_compared_with_all_reals(table, images):
    found = by_difficulty(images, table["difficulty"])
    assert list(found) == ["easy", "mid", "hard"]
    for name, record in found.items():
        expected = _expected(table, table["difficulty"] == name)
        for metric in ("roc_auc", "balanced_accuracy", "recall"):
            estimate = record.estimate(metric)
            assert estimate.value == expected.value(metric)
            assert estimate.interval[0] < estimate.value < estimate.interval[1]
        assert record.reals == 120


def test_a_part_and_a_number_of_parts(table, images):
    parts = by_part(images, table)
    assert list(parts) == ["left_eye", "right_eye", "nose", "mouth"]
    nose = (table["nose"] == 1).to_numpy(dtype=bool)
    assert parts["nose"].roc_auc.value == _expected(table, nose).roc_auc
    counts = by_part_count(images, table)
    assert list(counts) == ["1", "2", "3", "4"]
    assert sum(record.fakes for record in counts.values()) == 160


def test_unknown_parts_and_difficulties_belong_to_no_slice(table, images):
    table.loc[table["label"] == 1, ["left_eye", "mouth"]] = pd.NA
    assert by_part_count(images, table) == {}
    parts = by_part(images, table)
    assert parts["mouth"].roc_auc.value is None
    assert parts["mouth"].roc_auc.reason == "no fakes among the 120 images"
    assert parts["nose"].roc_auc.value is not None
    assert by_difficulty(images, pd.Series([""] * 280)) == {}
    assert by_difficulty(images, pd.Series([None] * 280, dtype="str")) == {}


def test_one_fake_to_a_difficulty_has_a_recall_and_no_bootstrap():
    images = Predictions.from_arrays([0] * 30 + [1] * 3, np.linspace(0, 1, 33))
    found = by_difficulty(images, pd.Series([""] * 30 + ["easy", "mid", "hard"]))
    for record in found.values():
        assert (record.roc_auc.value, record.roc_auc.interval) == (1.0, None)
        assert record.recall.interval == pytest.approx(wilson_interval(1.0, 1).ends, abs=1e-6)


def test_matched_is_the_commonest_encoding_of_reals_not_of_all():
    images = Predictions.from_arrays([0, 0, 0, 1, 1, 1, 1], [0.5] * 7)
    encoding = pd.Series(["a", "a", "b", "b", "b", "b", "a"])
    common, mask = matched_subset(images, encoding)
    assert common == "a"
    assert mask.tolist() == [True, True, False, False, False, False, True]


def test_unknown_encodings_match_nothing():
    images = Predictions.from_arrays([0, 0, 0, 0, 1, 1], [0.5] * 6)
    common, mask = matched_subset(images, pd.Series(["", None, "", "z", "", "z"]))
    assert (common, mask.tolist()) == ("z", [False, False, False, True, False, True])
    common, mask = matched_subset(images, pd.Series(["", None, "", "", "z", "z"]))
    assert common is None
    assert not mask.any()
    tied, _ = matched_subset(images, pd.Series(["z", "y", "z", "y", "", ""]))
    assert tied == "y"


def test_a_fake_wins_against_its_own_source_only():
    images = Predictions.from_arrays([0, 0, 1, 1, 1], [0.2, 0.8, 0.3, 0.8, 0.7])
    found = paired_win_rate(images, [(2, 0), (3, 1), (4, 1)], RESAMPLING)
    assert found.win_rate.value == 0.5
    assert (found.n, found.groups, found.ties) == (3, 2, 1)


def test_the_win_rate_interval_takes_fakes_of_a_source_together():
    random = np.random.default_rng(0)
    reals, each = 40, 8
    wins = random.random(reals) < 0.6  # the fakes of a source win or lose together
    p = np.r_[np.full(reals, 0.5), np.where(np.repeat(wins, each), 0.9, 0.1)]
    y = np.repeat([0, 1], [reals, reals * each])
    pairs = [(reals + i, i // each) for i in range(reals * each)]
    found = paired_win_rate(Predictions.from_arrays(y, p), pairs, Resampling(1000, seed=0))
    assert found.win_rate.value == pytest.approx(wins.mean())
    assert found.win_rate.interval == pytest.approx(wilson_interval(wins.mean(), reals).ends, abs=0.03)


def test_a_perfect_win_rate_has_an_interval_below_1():
    y = np.repeat([0, 1], 20)
    found = paired_win_rate(Predictions.from_arrays(y, y * 1.0), [(20 + i, i) for i in range(20)], RESAMPLING)
    assert found.win_rate.interval == pytest.approx(wilson_interval(1.0, 20).ends, abs=1e-6)
    assert found.win_rate.reason.startswith("all resamples are equal")


def test_no_pairs_and_wrong_pairs():
    images = Predictions.from_arrays([0, 1, 1], [0.1, 0.2, 0.3])
    found = paired_win_rate(images, [], RESAMPLING)
    assert found.win_rate.value is None
    assert found.win_rate.reason == "no fake with its source among the images"
    for pair in ((0, 1), (1, 2)):
        with pytest.raises(ModelError, match="1 of 1"):
            paired_win_rate(images, [pair], RESAMPLING)


def test_a_difficulty_that_only_reals_have_makes_no_slices():
    images = Predictions.from_arrays([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    assert by_difficulty(images, pd.Series(["easy", "hard", "", ""])) == {}


def test_ten_sources_are_enough_to_be_resampled():
    y, p = np.repeat([0, 1], 10), np.r_[np.full(10, 0.5), np.linspace(0.2, 0.9, 10)]
    pairs = paired_win_rate(Predictions.from_arrays(y, p), [(10 + i, i) for i in range(10)], RESAMPLING)
    assert pairs.groups == 10
    assert pairs.win_rate.interval is not None
    assert pairs.win_rate.reason is None
