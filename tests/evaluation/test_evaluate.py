import json
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from fakefaces.base.errors import ParamsError
from fakefaces.evaluation import predictions
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.evaluation.operating_point import operating_point
from fakefaces.evaluation.predictions import ScoredImages, ValidationPredictions
from fakefaces.evaluation.shortcut_variance import variance_explained
from tests.metrics import EVALUATOR

RNG = np.random.default_rng(11)


def logit(p):
    return np.log(p / (1 - p))


def test_the_explained_variance_is_r2_of_a_linear_regression_on_logits():
    rules = RNG.uniform(0.1, 0.9, (200, 2))
    p = 1 / (1 + np.exp(-(logit(rules) @ [1.0, -0.5] + RNG.normal(0, 1, 200))))
    wanted = LinearRegression().fit(logit(rules), logit(p)).score(logit(rules), logit(p))
    assert variance_explained(p, rules) == pytest.approx(wanted, abs=1e-9)
    assert variance_explained(rules[:, 0], rules[:, :1]) == pytest.approx(1)
    assert variance_explained(p, np.full((200, 1), 0.5)) == pytest.approx(0, abs=1e-9)


def test_constant_scores_and_too_few_images_have_no_explained_variance():
    assert variance_explained(np.full(50, 0.3), RNG.uniform(0, 1, (50, 1))) is None
    assert variance_explained([0.1, 0.9], [[0.2], [0.3]]) is None


def test_the_operating_point_is_chosen_on_validation_and_measured_on_test():
    labels = np.arange(400) % 2
    validation = ValidationPredictions.from_arrays(labels, np.clip(RNG.normal(0.4 + 0.2 * labels, 0.15), 0, 1))
    test = predictions.TestPredictions.from_arrays(labels, np.clip(RNG.normal(0.4 + 0.2 * labels, 0.15), 0, 1))
    found = operating_point(validation, test, max_fpr=0.1, max_fnr=0.1, resampling=Resampling(200, seed=1))
    at = found.threshold
    assert (validation.p_fake[~validation.fake] >= at).mean() == pytest.approx(found.fpr)
    assert found.fpr <= 0.1
    assert (test.p_fake[~test.fake] >= at).mean() == pytest.approx(found.test.fpr.value)
    assert (test.p_fake[test.fake] >= at).mean() == pytest.approx(found.test.recall.value)
    assert found.test.fpr.interval[0] < found.test.fpr.value < found.test.fpr.interval[1]
    band = found.abstention_band
    inside = (test.p_fake >= band.low) & (test.p_fake < band.high)
    assert band.share == pytest.approx(inside.mean())
    assert band.fnr == pytest.approx((test.p_fake[test.fake] < band.low).mean())


def point_of_both(labels, p_fake):
    validation = ValidationPredictions.from_arrays(labels, p_fake)
    test = predictions.TestPredictions.from_arrays(labels, p_fake)
    return operating_point(validation, test, max_fpr=0.1, max_fnr=0.1, resampling=Resampling(100, seed=1))


def test_without_reals_there_is_no_operating_point_but_a_reason():
    found = point_of_both([1, 1, 1], [0.2, 0.5, 0.9])
    assert found.threshold is None
    assert "no reals" in found.reason


def test_constant_scores_have_no_point_below_one_class():
    found = point_of_both(np.arange(40) % 2, np.full(40, 1.0))
    assert found.threshold is None and found.reason


def test_robustness_is_that_of_the_corrupted_images(faces, tmp_path):
    table = faces(60, 60)
    sample = table.sample(40, random_state=1)
    changed = np.clip(sample["p_fake"] + RNG.normal(0, 0.2, 40), 0, 1)
    corrupted = sample[["image"]].assign(transform="jpeg", level=50.0, p_fake=changed)
    rules = {"header": pd.Series(0.5, index=table["image"]), "exif": pd.Series(0.5, index=table["image"])}
    found = EVALUATOR.evaluate(
        ScoredImages(table, table), weights="random", threshold=0.5, corrupted=corrupted, rules=rules
    )
    original, jpeg = found.robustness
    assert (original.transform, jpeg.transform, jpeg.level) == (None, "jpeg", 50.0)
    assert original.n == jpeg.n == 40
    assert original.roc_auc.value == pytest.approx(roc_auc_score(sample["label"], sample["p_fake"]), abs=1e-6)
    assert jpeg.roc_auc.value == pytest.approx(roc_auc_score(sample["label"], changed), abs=1e-6)
    assert jpeg.drift.absolute == pytest.approx((changed - sample["p_fake"]).abs().mean(), abs=1e-6)
    assert set(found.variance_explained_by_shortcuts) == {"header", "exif", "all"}
    found.write(tmp_path / "model.json")
    assert Evaluation.read(tmp_path / "model.json") == found
    assert (tmp_path / "model.json").stat().st_size < 30_000


def test_validation_and_test_images_are_joined_with_their_own_scores():
    images = pd.DataFrame(
        {"image": ["c", "a", "b", "d"], "label": [0, 1, 0, 1], "group": range(4), "nose": [0, 1, 0, 1]}
    )
    scores = pd.DataFrame(
        {
            "image": ["a", "b", "c", "d"],
            "split": ["test", "validation", "test", "validation"],
            "p_fake": [0.1, 0.2, 0.3, 0.4],
        }
    )
    scored = ScoredImages.join(images, scores)
    assert scored.validation[["image", "p_fake"]].to_numpy().tolist() == [["b", 0.2], ["d", 0.4]]
    assert scored.test[["image", "p_fake"]].to_numpy().tolist() == [["a", 0.1], ["c", 0.3]]


def test_metrics_of_an_earlier_release_are_read():
    path = Path(__file__).with_name("metrics_of_release_0_1.json")
    old, new = json.loads(path.read_text()), ModelMetrics.read(path)
    assert (new.n_splits, new.model_digest) == (old["rounds"], old["model_digest"])
    assert new.test.bootstrap.n_resamples == old["test"]["bootstrap"]["draws"]
    roc_auc = new.test.overall.roc_auc
    assert roc_auc.value == old["test"]["overall"]["roc_auc"]
    assert list(roc_auc.interval) == old["test"]["overall"]["intervals"]["roc_auc"]
    assert new.test.difficulty["mid"].recall.reason.startswith("all draws agree")
    assert new.operating_point.threshold == old["operating"]["threshold"]
    assert new.operating_point.test.fpr.value == old["operating"]["test"]["fpr"]
    assert new.operating_point.abstention_band.high == old["operating"]["unsure"]["high"]
    assert new.part_scores["nose"].fakes.roc_auc.value == old["parts"]["nose"]["fakes"]["roc_auc"]
    assert [level.name for level in new.robustness] == ["original", "jpeg 100", "jpeg 90"]
    assert new.variance_explained_by_shortcuts == old["explained"]


def test_a_file_that_holds_something_else_is_named(tmp_path):
    (tmp_path / "m.json").write_text('{"weights": "random", "accuracy": 1}')
    with pytest.raises(ParamsError, match="m.json: unknown key 'accuracy'"):
        ModelMetrics.read(tmp_path / "m.json")


def test_swapped_validation_and_test_predictions_are_a_type_error():
    """Type checking is part of ``make lint``: this is what it checks."""
    hints = get_type_hints(operating_point)
    assert (hints["validation"], hints["test"]) == (ValidationPredictions, predictions.TestPredictions)
    assert not issubclass(predictions.TestPredictions, ValidationPredictions)
    assert not issubclass(ValidationPredictions, predictions.TestPredictions)
