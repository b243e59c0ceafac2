import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fakefaces.data.faces import PARTS
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.predictions import PART_SCORES, ScoredImages
from fakefaces.evaluation.scores import part_score_metrics
from tests.metrics import EVALUATOR


def table(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    label = np.arange(n) % 2
    parts = (rng.random((n, 4)) < 0.5) & (label == 1)[:, None]
    scores = np.clip(0.3 * parts + 0.2 * label[:, None] + 0.4 * rng.random((n, 4)), 0, 1)
    found = pd.DataFrame({"label": label, "group": np.arange(n) // 2})
    return found.join(pd.DataFrame(parts.astype(int), columns=list(PARTS)).astype("Int64")).join(
        pd.DataFrame(scores, columns=list(PART_SCORES))
    )


def test_each_part_score_is_evaluated_among_all_images_and_among_the_fakes():
    images = table()
    images.loc[1, "nose"] = pd.NA
    found = part_score_metrics(images, Resampling(200, seed=1))
    for name, score in zip(PARTS, PART_SCORES, strict=True):
        known = images[images[name].notna()]
        fakes = known[known["label"] == 1]
        wanted = {
            which: roc_auc_score(rows[name].astype(int), rows[score])
            for which, rows in (("all", known), ("fakes", fakes))
        }
        for which, value in wanted.items():
            estimate = getattr(found[name], which).roc_auc
            assert estimate.value == pytest.approx(value, abs=1e-6)
            low, high = estimate.interval
            assert low < value < high
        assert wanted["all"] > wanted["fakes"]
    assert found["nose"].all.n == 119


def test_a_model_without_part_scores_has_no_metrics_of_them():
    assert part_score_metrics(table().drop(columns=list(PART_SCORES)), Resampling(200, seed=1)) is None


def test_images_without_a_part_score_are_left_out_and_groups_stay_together():
    images = table()
    images["group"] = images["group"] // 4
    images.loc[[0, 1, 2], "nose_score"] = float("nan")
    metrics = part_score_metrics(images, Resampling(200, seed=1))
    assert (metrics["nose"].all.n, metrics["mouth"].all.n) == (117, 120)
    assert (metrics["mouth"].all.groups, metrics["mouth"].fakes.n) == (15, 60)


def test_of_faces_that_were_generated_whole_part_figures_are_not_applicable():
    images = table().assign(image=[f"{k}.png" for k in range(120)], difficulty="", encoding="", source=None)
    p_fake = 0.2 + 0.5 * images["label"] + 0.1 * np.random.default_rng(1).random(120)
    images = images.assign(p_fake=p_fake)
    fakes = images["label"] == 1
    images.loc[fakes, list(PARTS)] = pd.NA
    found = EVALUATOR.evaluate(ScoredImages(images, images), weights="random", threshold=0.5)
    assert (found.part_scores, found.part_thresholds) == (None, None)
    assert found.test.slices() == {"difficulty": {}, "part": {}, "part_count": {}}
    assert found.test.overall.roc_auc.value == 1
    assert (found.test.paired.n, found.test.matched.encoding) == (0, None)
    harmonised = EVALUATOR.evaluate(ScoredImages(images, images), weights="random", threshold=0.5, harmonised=True)
    assert (harmonised.test.matched.n, harmonised.test.matched.roc_auc.value) == (120, 1)
    images.loc[1, "nose"] = 1  # of one fake it is known
    assert EVALUATOR.evaluate(ScoredImages(images, images), weights="random", threshold=0.5).part_scores is not None
