import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.comparisons import bootstrap_p, compare_all, holm, mcnemar_mid_p
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import point_metrics
from fakefaces.evaluation.predictions import Predictions


@pytest.mark.parametrize(("b", "c"), [(0, 1), (3, 9), (9, 3), (40, 22), (0, 12), (100, 99)])
def test_mid_p_is_the_exact_p_less_half_the_observed_outcome_on_either_side(b, c):
    exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue
    assert mcnemar_mid_p(b, c) == pytest.approx(exact - binom.pmf(b, b + c, 0.5))
    assert mcnemar_mid_p(b, c) == mcnemar_mid_p(c, b)


def test_mid_p_of_a_published_example():
    """Airway hyper-responsiveness, in Fagerland, Lydersen and Laake (2013): 1 and 7 discordant pairs."""
    assert mcnemar_mid_p(1, 7) == pytest.approx(0.0391, abs=5e-5)


def test_equal_discordance_has_p_1():
    assert mcnemar_mid_p(0, 0) == mcnemar_mid_p(5, 5) == 1.0


@pytest.mark.parametrize("seed", range(10))
def test_holm_is_statsmodels(seed):
    random = np.random.default_rng(seed)
    p = (random.random(random.integers(1, 12)) ** 3).round(2)
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_holm_does_not_count_what_could_not_be_compared():
    assert holm([0.01, None, 0.02]) == [0.02, None, 0.02]
    assert holm([None]) == [None]
    assert holm([]) == []


def test_bootstrap_p_agrees_with_the_interval():
    assert bootstrap_p(np.r_[np.full(24, -1.0), np.full(975, 1.0)]) == pytest.approx(0.05)
    assert bootstrap_p(np.ones(999)) == pytest.approx(0.002)
    assert bootstrap_p(np.zeros(999)) == 1.0


def compare(scores, y, group, threshold=0.5, n_resamples=100, seed=0):
    models = {name: Predictions.from_arrays(y, p, group) for name, p in scores.items()}
    thresholds = threshold if isinstance(threshold, dict) else dict.fromkeys(models, threshold)
    return compare_all(models, thresholds, Resampling(n_resamples, seed))


@pytest.fixture
def models(faces):
    table = faces(150, 150, signal=0.8)
    random = np.random.default_rng(1)
    y = table["label"].to_numpy()
    scores = {
        "plain": table["p_fake"].to_numpy(),
        "better": np.clip(table["p_fake"] + 0.35 * (y - 0.5), 0, 1).to_numpy(),
        "chance": random.random(len(y)),
    }
    return scores, y, table["group"].to_numpy()


def test_every_pair_is_compared_on_the_same_images(models):
    scores, y, group = models
    found = compare(scores, y, group, {"plain": 0.5, "better": 0.5, "chance": 0.4}, n_resamples=500, seed=0)
    assert [(one.first, one.second) for one in found] == [
        ("plain", "better"),
        ("plain", "chance"),
        ("better", "chance"),
    ]
    alone = {
        name: point_metrics(Predictions.from_arrays(y, p), 0.4 if name == "chance" else 0.5)
        for name, p in scores.items()
    }
    for one in found:
        assert one.accuracy_difference == pytest.approx(
            alone[one.first].accuracy - alone[one.second].accuracy, abs=2e-6
        )
        assert one.roc_auc_difference == pytest.approx(alone[one.first].roc_auc - alone[one.second].roc_auc, abs=2e-6)
        assert one.accuracy_interval[0] < one.accuracy_difference < one.accuracy_interval[1]
        assert one.roc_auc_interval[0] < one.roc_auc_difference < one.roc_auc_interval[1]
        assert (one.n, one.groups) == (300, 150)
        right = [(p >= (0.4 if name == "chance" else 0.5)) == y for name, p in scores.items()]
        assert one.accuracy_p <= one.accuracy_p_holm
        assert one.roc_auc_p <= one.roc_auc_p_holm
    assert found[0].only_first_right == int((right[0] & ~right[1]).sum())
    assert found[0].roc_auc_p_holm < 0.05
    assert [one.roc_auc_p_holm for one in found] == holm([one.roc_auc_p for one in found])


def test_the_same_seed_gives_the_same_comparisons(models):
    scores, y, group = models
    found = compare(scores, y, group)
    assert compare(scores, y, group) == found


def test_a_model_against_itself(models):
    scores, y, group = models
    (one,) = compare({"a": scores["plain"], "b": scores["plain"]}, y, group)
    assert one.accuracy_difference == one.roc_auc_difference == 0
    assert one.accuracy_p == one.roc_auc_p == 1
    assert one.accuracy_interval is None
    assert one.roc_auc_interval is None


def test_models_of_equal_quality_seldom_differ():
    """The test keeps its level: 5 % of comparisons without a difference come out significant."""
    random = np.random.default_rng(5)
    p_values = []
    for seed in range(200):
        y = np.tile([0, 1], 60)
        a, b = (1 / (1 + np.exp(-(random.normal(size=120) + y))) for _ in range(2))
        (one,) = compare({"a": a, "b": b}, y, None, 0.6, n_resamples=200, seed=seed)
        p_values.append((one.accuracy_p, one.roc_auc_p))
    assert (np.array(p_values) < 0.05).mean(axis=0) == pytest.approx([0.05, 0.05], abs=0.035)


def test_what_cannot_be_compared_is_none():
    p = {"a": np.linspace(0, 1, 20), "b": np.linspace(1, 0, 20)}
    (one,) = compare(p, [1] * 20, None)
    assert one.roc_auc_difference is one.roc_auc_interval is one.roc_auc_p is one.roc_auc_p_holm is None
    (one,) = compare(p, [0, 1] * 10, ["x", "y"] * 10)
    assert one.roc_auc_difference is not None
    assert one.roc_auc_p is one.accuracy_interval is None


def test_bad_comparisons_are_refused():
    with pytest.raises(ModelError, match="not tested on the same images"):
        models = {"a": Predictions.from_arrays([0, 1], [0.1, 0.2]), "b": Predictions.from_arrays([1, 1], [0.1, 0.2])}
        compare_all(models, {"a": 0.5, "b": 0.5}, Resampling(100, 0))


def test_each_model_is_correct_by_its_own_threshold_in_the_interval_too(models):
    scores, y, group = models
    pair = {"a": scores["plain"], "b": scores["better"]}
    called_at_08 = {"a": scores["plain"], "b": np.where(scores["better"] >= 0.8, 0.9, 0.1)}
    (strict,) = compare(pair, y, group, {"a": 0.5, "b": 0.8})
    (equivalent,) = compare(called_at_08, y, group, 0.5)
    (loose,) = compare(pair, y, group, 0.5)
    assert strict.accuracy_interval == equivalent.accuracy_interval != loose.accuracy_interval
    assert strict.only_first_right == equivalent.only_first_right
    assert strict.only_second_right == equivalent.only_second_right


def test_p_values_of_each_metric_are_corrected_among_themselves(models):
    pairs = compare(*models)
    for metric in ("accuracy", "roc_auc"):
        p, p_holm = ([getattr(pair, f"{metric}_{suffix}") for pair in pairs] for suffix in ("p", "p_holm"))
        assert p_holm == holm(p) != p


def test_ten_groups_suffice_and_the_rarer_class_counts_for_roc_auc():
    p = dict(zip("ab", np.random.default_rng(1).random((2, 20)), strict=True))
    (pair,) = compare(p, [0, 1] * 10, np.arange(20) // 2)
    assert pair.groups == 10
    assert pair.accuracy_interval and pair.roc_auc_interval
    (pair,) = compare(p, [0] * 17 + [1] * 3, None)
    assert pair.accuracy_interval and pair.roc_auc_interval is None


def test_images_of_one_photograph_are_resampled_together_for_a_difference():
    y = np.tile([0, 1], 60)
    correct = np.repeat(np.random.default_rng(0).random(12) < 0.5, 10)  # all ten images of a photograph, or none
    p = {"a": np.where(correct == y, 0.9, 0.1), "b": y * 1.0}
    intervals = [compare(p, y, group, n_resamples=200)[0].accuracy_interval for group in (np.arange(120) // 10, None)]
    by_photograph, by_image = (high - low for low, high in intervals)
    assert by_photograph > 2 * by_image
