import json
import time

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.metrics import classification_metrics, reference_metrics
from fakefaces.evaluation.scores import evaluate_scores, rounded


def _floats(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [found for one in value for found in _floats(one)]
    return [value] if isinstance(value, float) else []


def test_the_whole_report(faces):
    table = faces(120, 160)
    found = evaluate_scores(table, threshold=0.6, n_resamples=200, seed=1)
    assert list(found) == [
        "threshold",
        "bootstrap",
        "overall",
        "reference",
        "calibration",
        "difficulty",
        "part",
        "part_count",
        "matched",
        "paired",
    ]
    expected = classification_metrics(table["label"], table["p_fake"], 0.6)
    assert {name: found["overall"][name] for name in expected} == rounded(expected)
    assert found["reference"] == rounded(reference_metrics(table["label"], table["p_fake"], 0.6))
    lead = {row.image: row.p_fake for row in table.itertuples()}
    fakes = table[table["label"] == 1]
    wins = [np.sign(row.p_fake - lead[row.source]) / 2 + 0.5 for row in fakes.itertuples()]
    assert found["paired"]["win_rate"] == pytest.approx(np.mean(wins), abs=1e-6)
    assert found["paired"]["unpaired"] == 0
    assert found["matched"]["encoding"] == "q92"
    assert found["matched"]["n"] == (table["encoding"] == "q92").sum()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert all(one == round(one, 6) for one in _floats(found))
    assert len(json.dumps(found)) < 10_000


def test_the_same_seed_gives_the_same_report_whatever_the_order(faces):
    table = faces()
    found = evaluate_scores(table, n_resamples=100, seed=1)
    assert evaluate_scores(table, n_resamples=100, seed=1) == found
    assert evaluate_scores(table.sort_values("image"), n_resamples=100, seed=1) == found


def test_columns_that_are_lacking_leave_their_part_out(faces):
    table = faces()[["image", "label", "p_fake", "group"]]
    found = evaluate_scores(table, n_resamples=100)
    assert found["difficulty"] == found["part"] == found["part_count"] == {}
    assert found["matched"] is found["paired"] is None


def test_sources_elsewhere_are_counted(faces):
    table = faces()
    fakes = table.index[table["label"] == 1]
    table.loc[fakes[:5], "source"] = "real/in_the_training_set.jpg"
    table.loc[fakes[5:8], "source"] = ""
    paired = evaluate_scores(table, n_resamples=100)["paired"]
    assert (paired["n"], paired["unpaired"]) == (52, 8)
    table["source"] = None
    paired = evaluate_scores(table, n_resamples=100)["paired"]
    assert (paired["win_rate"], paired["unpaired"]) == (None, 60)


def test_unknown_encodings_leave_the_matched_set_empty(faces):
    found = evaluate_scores(faces().assign(encoding=""), n_resamples=100)["matched"]
    assert (found["encoding"], found["n"], found["roc_auc"]) == (None, 0, None)


def test_the_threshold_is_kept_in_full(faces):
    assert evaluate_scores(faces(), threshold=0.12345678912, n_resamples=100)["threshold"] == 0.12345678912


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns=["group", "label"]), "lacks the columns label, group"),
        (lambda t: t.head(0), "no rows"),
        (lambda t: pd.concat([t, t.head(1)]), "comes twice: fake/100.jpg"),
        (lambda t: t.assign(p_fake=np.nan), "are NaN"),
        (lambda t: t.assign(label=2), "labels"),
        (lambda t: t.assign(group=None), "have none"),
        (lambda t: t.assign(source="fake/60.jpg"), "not a fake with a real"),
    ],
)
def test_bad_tables_are_refused(faces, change, message):
    with pytest.raises(ModelError, match=message):
        evaluate_scores(change(faces().sort_values("image")), n_resamples=100)


def test_rounding_reaches_everything():
    value = {"a": [0.12345678, (1, None)], 2: {"b": np.float64(1 / 3), "c": np.int64(4)}, "d": "x", "e": True}
    assert rounded(value) == {"a": [0.123457, [1, None]], "2": {"b": 0.333333, "c": 4}, "d": "x", "e": True}


def test_a_report_of_400_images_takes_seconds(faces):
    start = time.perf_counter()
    evaluate_scores(faces(200, 200), n_resamples=2000)
    assert time.perf_counter() - start < 5
