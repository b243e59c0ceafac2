import numpy as np
import pandas as pd
import pytest

from fakefaces.data.faces import PARTS
from fakefaces.evaluation import predictions
from fakefaces.evaluation.comparisons import compare_all
from fakefaces.evaluation.gate import (
    ChampionComparison,
    Scores,
    SliceDifference,
    compare_with_champion,
    decide,
    detectable_difference,
    worse,
)
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.predictions import Predictions


def images(n: int = 240, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    label = np.arange(n) % 2
    table = pd.DataFrame({"label": label, "group": [f"g{k // 2}" for k in range(n)]})
    table["difficulty"] = np.where(label == 1, np.asarray(["easy", "mid", "hard"])[np.arange(n) // 2 % 3], "")
    for part in PARTS:
        table[part] = pd.array(np.where(label == 1, random.integers(0, 2, n), 0), dtype="Int64")
    return table


def scores(table: pd.DataFrame, strength: float, seed: int = 0) -> pd.Series:
    noise = np.random.default_rng(seed).normal(0, 1, len(table))
    return pd.Series(1 / (1 + np.exp(-(noise + strength * (table["label"] - 0.5)))))


def compare(
    table: pd.DataFrame, candidate: pd.Series, champion: pd.Series, metric: str = "roc_auc"
) -> ChampionComparison:
    return compare_with_champion(
        table, Scores(candidate, 0.5), Scores(champion, 0.5), metric=metric, resampling=Resampling(400, 1)
    )


def test_difference_and_interval_are_those_of_the_comparison_of_all_models():
    table = images()
    one, two = scores(table, 2), scores(table, 1, seed=1)
    found = compare(table, one, two)
    models = {name: Predictions.from_arrays(table["label"], p, table["group"]) for name, p in (("a", one), ("b", two))}
    (other,) = compare_all(models, {"a": 0.5, "b": 0.5}, Resampling(400, 1))
    assert found.difference == pytest.approx(other.roc_auc_difference)
    assert found.interval == pytest.approx(other.roc_auc_interval)
    by_accuracy = compare(table, one, two, "accuracy")
    assert by_accuracy.difference == pytest.approx(other.accuracy_difference)
    assert by_accuracy.interval == pytest.approx(other.accuracy_interval)


def test_a_slice_is_its_fakes_against_all_reals():
    from sklearn.metrics import roc_auc_score

    table = images()
    one, two = scores(table, 2), scores(table, 1, seed=1)
    found = {part.name: part for part in compare(table, one, two).slices}
    chosen = (table["difficulty"] == "hard") | (table["label"] == 0)
    wanted = [roc_auc_score(table["label"][chosen], part[chosen]) for part in (one, two)]
    assert found["hard"].difference == pytest.approx(wanted[0] - wanted[1])
    assert found["hard"].fakes == 40
    assert set(found) == {"easy", "mid", "hard", *PARTS}


def test_a_better_model_passes_and_a_worse_one_does_not():
    table = images()
    strong, weak = scores(table, 3), scores(table, 0.5, seed=1)
    passed = decide(compare(table, strong, weak), margin=0.05, slice_margin=0.1)
    assert passed.promoted
    assert "no slice is worse" in passed.reason
    failed = decide(compare(table, weak, strong), margin=0.05, slice_margin=0.1)
    assert not failed.promoted
    assert "it is worse" in failed.reason


def test_a_tie_does_not_dethrone_but_for_an_advantage_elsewhere():
    table = images()
    one = scores(table, 1)
    found = compare(table, one**2, one)
    assert (found.difference, found.interval) == (0, [0.0, 0.0])
    stays = decide(found, margin=0, slice_margin=0)
    assert not stays.promoted
    assert "a tie" in stays.reason and "the champion stays" in stays.reason
    taken = decide(found, margin=0, slice_margin=0, advantage="it was trained on more images (9 against 8)")
    assert taken.promoted
    assert "a tie, but it was trained on more images (9 against 8)" in taken.reason


def test_two_perfect_models_are_tied():
    table = images()
    perfect = 0.2 + 0.6 * table["label"]
    found = compare(table, perfect, perfect - 0.1 * (scores(table, 0) - 0.5))
    assert (found.candidate, found.champion, found.tied) == (1, 1, True)
    assert found.detectable is None  # resamples of perfect models say nothing about other ones
    assert not decide(found, margin=0.05, slice_margin=0.1).promoted


def test_an_advantage_does_not_help_a_worse_model_or_one_that_may_be_much_worse():
    worse_one = ChampionComparison("roc_auc", 100, 90, 0.69, 0.70, -0.01, [-0.04, 0.02])
    assert not decide(worse_one, margin=0.05, slice_margin=0.1, advantage="more").promoted
    wide = ChampionComparison("roc_auc", 100, 90, 0.7, 0.7, 0.0, [-0.2, 0.2])
    assert not decide(wide, margin=0.05, slice_margin=0.1, advantage="more").promoted


def test_the_reason_says_on_how_many_images_it_rests_and_what_they_could_have_shown():
    table = images()
    found = compare(table, scores(table, 2), scores(table, 1, seed=1))
    error = (found.interval[1] - found.interval[0]) / (2 * 1.96)
    assert found.detectable == pytest.approx(2.8 * error, rel=0.15)
    reason = decide(found, margin=0.05, slice_margin=0.1).reason
    assert "on the same 240 test images of 120 photographs" in reason
    assert f"which show a difference of {found.detectable:.4f} four times in five" in reason
    more = images(2400)
    assert compare(more, scores(more, 2), scores(more, 1, seed=1)).detectable < found.detectable / 2


def test_of_models_that_rank_alike_the_detectable_difference_is_that_of_independent_ones():
    table = images()
    one = scores(table, 1)
    independent = compare(table, one, scores(table, 1, seed=8)).detectable
    assert compare(table, one**2, one).detectable == pytest.approx(independent, rel=0.2)


def test_what_a_few_images_cannot_rule_out_keeps_the_champion():
    table = images(60)
    one, two = scores(table, 1.2, seed=5), scores(table, 1.1, seed=6)
    found = compare(table, *sorted((one, two), key=lambda p: compare(table, p, one).difference, reverse=True))
    assert found.difference > 0
    refused = decide(found, margin=0.05, slice_margin=1)
    assert not refused.promoted
    assert "is not ruled out" in refused.reason
    assert decide(found, margin=0.5, slice_margin=1).promoted


def test_a_slice_that_falls_keeps_the_champion_and_is_named():
    table = images(600)
    champion = scores(table, 0.2)
    candidate = scores(table, 5)
    hard = table["difficulty"] == "hard"
    candidate[hard] = champion[hard] * 0.1
    found = compare(table, candidate, champion)
    assert found.difference > 0.05
    assert [one.name for one in worse(found, 0.1) if one.slice == "difficulty"] == ["hard"]
    verdict = decide(found, margin=0.05, slice_margin=0.1)
    assert not verdict.promoted
    assert "worse by more than 0.1 on hard -0." in verdict.reason
    assert decide(found, margin=0.05, slice_margin=0.9).promoted


def test_a_slice_of_few_photographs_has_no_difference_but_a_reason():
    table = images()
    table.loc[table["difficulty"] == "hard", "difficulty"] = ""
    table.loc[[1, 3, 5], "difficulty"] = "hard"
    (hard,) = [one for one in compare(table, scores(table, 1), scores(table, 3)).slices if one.name == "hard"]
    assert (hard.fakes, hard.difference) == (3, None)
    assert "10 are needed" in hard.reason


def test_eight_images_promote_nothing():
    table = images(8)
    found = compare(table, scores(table, 5), scores(table, 0, seed=2))
    assert found.interval is None
    verdict = decide(found, margin=0.5, slice_margin=1)
    assert not verdict.promoted
    assert "do not separate" in verdict.reason


def test_the_margins_themselves_are_allowed():
    part = [SliceDifference("part", "nose", 30, -0.1)]
    found = ChampionComparison("roc_auc", 100, 90, 0.7, 0.69, 0.01, [-0.05, 0.05], None, part)
    assert decide(found, margin=0.05, slice_margin=0.1).promoted
    assert not decide(found, margin=0.049, slice_margin=0.1).promoted
    assert not decide(found, margin=0.05, slice_margin=0.099).promoted


def test_each_model_is_called_by_its_own_threshold_overall_and_in_slices():
    table = images()
    one, two = scores(table, 2), scores(table, 1, seed=1)
    settings = {"metric": "accuracy", "resampling": Resampling(100, 1)}
    own = compare_with_champion(table, Scores(one, 0.5), Scores(two, 0.7), **settings)
    called_at_07 = Scores(pd.Series(np.where(two >= 0.7, 0.9, 0.1)), 0.5)
    assert own == compare_with_champion(table, Scores(one, 0.5), called_at_07, **settings)
    assert own.champion == pytest.approx(((two >= 0.7) == table["label"]).mean())
    assert own.candidate == pytest.approx(((one >= 0.5) == table["label"]).mean())
    swapped = compare_with_champion(table, Scores(two, 0.7), Scores(one, 0.5), **settings)
    assert (swapped.candidate, swapped.champion, swapped.difference) == (own.champion, own.candidate, -own.difference)
    assert swapped.interval == pytest.approx([-own.interval[1], -own.interval[0]])
    assert (own.n, own.groups, own.metric) == (240, 120, "accuracy")


def test_the_interval_depends_on_the_seed_alone():
    table = images()
    one, two = Scores(scores(table, 2), 0.5), Scores(scores(table, 1, seed=1), 0.5)
    first, again, other = (
        compare_with_champion(table, one, two, metric="roc_auc", resampling=Resampling(100, seed)).interval
        for seed in (5, 5, 6)
    )
    assert first == again != other


def test_a_small_loss_within_all_margins_is_still_a_loss():
    comparison = ChampionComparison("roc_auc", 100, 90, 0.69, 0.70, -0.01, [-0.04, 0.02])
    result = decide(comparison, margin=0.05, slice_margin=0.1)
    assert not result.promoted
    assert "it is worse" in result.reason


def test_the_margin_bounds_the_metric_and_the_slice_margin_the_slices():
    slices = [SliceDifference("difficulty", "hard", 30, -0.3), SliceDifference("part", "nose", 30, None, "few")]
    comparison = ChampionComparison("roc_auc", 100, 90, 0.71, 0.70, 0.01, [-0.08, 0.1], None, slices)
    assert "hard -0.3000" in decide(comparison, margin=0.1, slice_margin=0.2).reason
    assert "is not ruled out" in decide(comparison, margin=0.05, slice_margin=0.4).reason
    assert decide(comparison, margin=0.1, slice_margin=0.4).promoted


def test_a_slice_has_a_difference_from_ten_photographs_on_however_many_images_they_have():
    table = images()
    table["difficulty"] = ""
    fakes = table.index[table["label"] == 1]
    table.loc[fakes[:10], "difficulty"] = "easy"
    table.loc[fakes[10:22], "difficulty"] = "mid"
    table.loc[fakes[10:22], "group"] = ["a", "b", "c"] * 4
    table.loc[table.index[table["label"] == 0][:30], "difficulty"] = "hard"  # no fake is
    by_name = {part.name: part for part in compare(table, scores(table, 1), scores(table, 3)).slices}
    assert by_name["easy"].fakes == 10 and by_name["easy"].difference is not None
    assert (by_name["mid"].fakes, by_name["mid"].difference) == (12, None)
    assert (by_name["hard"].fakes, by_name["hard"].difference) == (0, None)


def test_the_interval_needs_ten_photographs_of_the_rarer_class():
    table = pd.concat([images(240), images(240)[lambda t: t["label"] == 0]], ignore_index=True)
    for n_fakes, has_interval in ((9, False), (10, True)):
        kept = (table["label"] == 0) | (table.groupby("label").cumcount() < n_fakes)
        few = table[kept].reset_index(drop=True)
        comparison = compare(few, scores(few, 2), scores(few, 1, seed=1))
        assert comparison.difference is not None
        assert (comparison.interval is not None) == has_interval


def test_a_group_is_compared_by_the_metric_and_by_both_kinds_of_errors():
    table = images()
    table["slice_camera"] = np.where(np.arange(len(table)) // 2 % 3 == 0, "A", "B")
    table.loc[:1, "slice_camera"] = "not stated"
    one, two = scores(table, 2), scores(table, 1, seed=1)
    found = {s.name: s for s in compare(table, one, two).slices if s.slice == "camera"}
    kinds = ("", ": reals called real", ": fakes called fake")
    assert set(found) == {f"camera {name}{kind}" for name in "AB" for kind in kinds}
    own = table["slice_camera"] == "A"
    fakes = own & (table["label"] == 1)
    wanted = (one[fakes] >= 0.5).mean() - (two[fakes] >= 0.5).mean()
    assert found["camera A: fakes called fake"].difference == pytest.approx(wanted)
    reals = own & (table["label"] == 0)
    wanted = (one[reals] < 0.5).mean() - (two[reals] < 0.5).mean()
    assert found["camera A: reals called real"].difference == pytest.approx(wanted)
    assert (found["camera A"].reals, found["camera A"].fakes) == (int(reals.sum()), int(fakes.sum()))
    assert found["camera A"].difference == pytest.approx(compare(table[own], one[own], two[own]).difference)


def test_more_false_alarms_in_one_group_stop_a_model_that_is_better_over_all():
    table = images(480)
    table["slice_skin"] = np.where(np.arange(len(table)) // 2 % 4 == 0, "dark", "light")
    strong, weak = scores(table, 3), scores(table, 1, seed=1)
    wronged = (table["slice_skin"] == "dark") & (table["label"] == 0)
    strong[wronged] = weak[wronged].clip(upper=0.49) + np.where(np.arange(wronged.sum()) % 2, 0.4, 0)
    weak[wronged] = weak[wronged].clip(upper=0.45)
    comparison = compare(table, strong, weak)
    assert comparison.difference > 0
    result = decide(comparison, margin=0.05, slice_margin=0.1)
    assert not result.promoted and "skin dark: reals called real" in result.reason
    assert decide(compare(table.drop(columns="slice_skin"), strong, weak), margin=0.05, slice_margin=0.1).promoted


def test_groups_of_few_photographs_are_reported_and_not_compared():
    table = images(60)
    table["slice_camera"] = np.where(np.arange(len(table)) < 12, "rare", "A")
    found = {s.name: s for s in compare(table, scores(table, 2), scores(table, 1, seed=1)).slices}
    assert found["camera rare"].difference is None and "10 are needed" in found["camera rare"].reason
    assert found["camera rare: fakes called fake"].difference is None


def test_the_detectable_difference_is_that_of_the_comparison():
    table = images()
    one, two = scores(table, 2), scores(table, 1, seed=1)
    first, second = (predictions.TestPredictions.from_arrays(table["label"], p, table["group"]) for p in (one, two))
    shown = detectable_difference(first, second, (0.5, 0.5), "roc_auc", Resampling(400, 1))
    assert shown == compare(table, one, two).detectable
    unrelated = detectable_difference(first, first, (0.5, 0.5), "roc_auc", Resampling(400, 1))
    assert unrelated == compare(table, one, one).detectable > 0
    few = first.subset(np.arange(len(first)) < 10)
    assert detectable_difference(few, few, (0.5, 0.5), "roc_auc", Resampling(400, 1)) is None
