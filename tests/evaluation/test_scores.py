import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.estimates import DIGITS
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import METRICS, confusion, point_metrics, reference_metrics
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.scores import evaluate_scores

RESAMPLING = Resampling(100, seed=1)


def _floats(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in _floats(item)]
    return [value] if isinstance(value, float) else []


def test_all_metrics_are_those_of_the_table(faces):
    table = faces(120, 160)
    found = evaluate_scores(table, 0.6, Resampling(200, seed=1))
    predictions = Predictions.from_table(table)
    expected = point_metrics(predictions, 0.6)
    assert {name: found.overall.estimate(name).value for name in METRICS} == {
        name: expected.value(name) for name in METRICS
    }
    assert (found.overall.confusion, found.overall.majority_rate) == (expected.confusion, expected.majority_rate)
    assert found.reference == reference_metrics(confusion(predictions, 0.5).swapped())
    lead = {row.image: row.p_fake for row in table.itertuples()}
    fakes = table[table["label"] == 1]
    wins = [np.sign(row.p_fake - lead[row.source]) / 2 + 0.5 for row in fakes.itertuples()]
    assert found.paired.win_rate.value == pytest.approx(np.mean(wins), abs=1e-6)
    assert found.paired.unpaired == 0
    assert found.matched.encoding == "q92"
    assert found.matched.n == (table["encoding"] == "q92").sum()
    assert type(found).model_validate_json(found.model_dump_json()) == found
    assert all(value == round(value, DIGITS) for value in _floats(found.model_dump()))


def test_the_same_seed_gives_the_same_metrics_whatever_the_order(faces):
    table = faces()
    found = evaluate_scores(table, 0.5, RESAMPLING)
    assert evaluate_scores(table, 0.5, RESAMPLING) == found
    assert evaluate_scores(table.sort_values("image"), 0.5, RESAMPLING) == found


def test_columns_that_are_lacking_leave_their_part_out(faces):
    table = faces()[["image", "label", "p_fake", "group"]]
    found = evaluate_scores(table, 0.5, RESAMPLING)
    assert found.difficulty == found.part == found.part_count == {}
    assert found.matched is found.paired is None


def test_sources_elsewhere_are_counted(faces):
    table = faces()
    fakes = table.index[table["label"] == 1]
    table.loc[fakes[:5], "source"] = "real/in_the_training_set.jpg"
    table.loc[fakes[5:8], "source"] = ""
    paired = evaluate_scores(table, 0.5, RESAMPLING).paired
    assert (paired.n, paired.unpaired) == (52, 8)
    table["source"] = None
    paired = evaluate_scores(table, 0.5, RESAMPLING).paired
    assert (paired.win_rate.value, paired.unpaired) == (None, 60)


def test_unknown_encodings_leave_the_matched_set_empty(faces):
    found = evaluate_scores(faces().assign(encoding=""), 0.5, RESAMPLING).matched
    assert (found.encoding, found.n, found.roc_auc.value) == (None, 0, None)


def test_the_threshold_is_kept_in_full(faces):
    assert evaluate_scores(faces(), 0.12345678912, RESAMPLING).threshold == 0.12345678912


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.head(0), "no calibration of 0 images"),
        (lambda t: t.assign(p_fake=np.nan), "are NaN"),
        (lambda t: t.assign(label=2), "labels"),
        (lambda t: t.assign(group=None), "have none"),
        (lambda t: t.assign(source="fake/60.jpg"), "not a fake with a real"),
    ],
)
def test_bad_tables_are_refused(faces, change, message):
    with pytest.raises(ModelError, match=message):
        evaluate_scores(change(faces().sort_values("image")), 0.5, RESAMPLING)


def test_parts_part_counts_and_difficulties_have_metrics_under_their_names(faces):
    table = faces(120, 160)
    metrics = evaluate_scores(table, 0.5, RESAMPLING)
    assert list(metrics.part) == ["left_eye", "right_eye", "nose", "mouth"]
    assert list(metrics.part_count) == ["1", "2", "3", "4"]
    assert list(metrics.difficulty) == ["easy", "mid", "hard"]
    for name, of_part in metrics.part.items():
        assert of_part.fakes == (table[name] == 1).sum()
    for name, of_difficulty in metrics.difficulty.items():
        assert of_difficulty.fakes == (table["difficulty"] == name).sum()


def test_a_real_has_no_source_and_pairs_with_nothing(faces):
    table = faces()
    table.loc[table["label"] == 0, "source"] = "real/0.jpg"
    paired = evaluate_scores(table, 0.5, RESAMPLING).paired
    assert (paired.n, paired.unpaired) == (60, 0)
