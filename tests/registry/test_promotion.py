"""Promotion: which model is selected, and the decision on it against the champion."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.decision_metrics import AbstentionBand, OperatingPoint
from fakefaces.evaluation.gate import ChampionComparison, Scores, SliceDifference, compare_with_champion
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.params.promote import Promote
from fakefaces.registry.candidates import PromotionCandidate
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import ChampionScores, Decision, Promotion, aligned_scores, read_decision
from fakefaces.registry.store import Version
from tests.metrics import model_metrics, with_metrics

RULE = Promote(name="n", metric="roc_auc", margin=0.05, slice_margin=0.1, beat_shortcuts=False)


def table_of(strength: float, seed: int = 0, n: int = 200) -> pd.DataFrame:
    label = np.arange(n) % 2
    noise = np.random.default_rng(seed).normal(0, 1, n)
    table = pd.DataFrame({"sha256": [f"{k:064x}" for k in range(n)], "label": label, "group": range(n)})
    table["difficulty"] = np.where(label == 1, "mid", "")
    for part in PARTS:
        table[part] = pd.array(label, dtype="Int64")
    return table.assign(p_fake=1 / (1 + np.exp(-(noise + strength * (label - 0.5)))))


def evidence(strength: float = 1, digest: str = "new", seed: int = 0) -> Evidence:
    return Evidence("m", digest, "t", model_metrics(), table_of(strength, seed))


def version(number: int, digest: str, **tags: str) -> Version:
    return Version(number, f"models:/n/{number}", {"digest": digest} | tags, "run")


def champion(strength: float):
    table = table_of(strength, seed=1)
    return lambda present_champion, candidate_evidence: ChampionScores(
        0.5, dict(zip(table["sha256"], table["p_fake"], strict=True))
    )


def decided(evidence, champion, score_champion=None, own=None):
    candidate = PromotionCandidate(evidence, own or version(9, "new"))
    promotion = Promotion(None, candidate, RULE, score_champion, n_resamples=300, seed=0)
    return promotion.decide(own, champion)


def test_validation_chooses_not_test():
    best = select_candidate({"a": model_metrics(0.7, test=0.5), "b": model_metrics(0.6, test=0.9)}, "roc_auc")
    assert (best.model, best.validation, best.test) == ("a", 0.7, 0.5)


def test_of_equals_the_smaller_then_the_first_by_name():
    small, large = model_metrics(0.7, parameters=5), model_metrics(0.7, parameters=9)
    metrics = {"b": small, "c": small, "a": large}
    assert select_candidate(metrics, "roc_auc").model == "b"


def test_a_model_without_the_metric_is_passed_over():
    assert select_candidate({"a": model_metrics(None), "b": model_metrics(0.5)}, "roc_auc").model == "b"
    with pytest.raises(ModelError, match="no model has a roc_auc"):
        select_candidate({"a": model_metrics(None)}, "roc_auc")


def test_a_better_candidate_takes_the_champions_place_and_a_worse_one_stays_challenger():
    won = decided(evidence(3), version(1, "old"), champion(0.5))
    assert (won.outcome, won.against, won.test_digest) == ("champion", 1, "t")
    assert won.comparison.difference > 0.1
    lost = decided(evidence(0.5), version(1, "old"), champion(3))
    assert lost.outcome == "challenger"
    assert "the champion stays" in lost.reason


def test_images_that_the_champion_was_trained_on_are_left_out():
    table = table_of(1, seed=1)
    knows = table["sha256"][:120]
    # It knows those by heart and guesses at the others.
    scores = np.where(table["sha256"].isin(knows), table["label"], 0.5)
    by_heart = dict(zip(table["sha256"], scores, strict=True))
    fooled = decided(evidence(2), version(1, "old"), lambda *_: ChampionScores(0.5, by_heart))
    assert "worse" in fooled.reason
    fair = decided(evidence(2), version(1, "old"), lambda *_: ChampionScores(0.5, by_heart, frozenset(knows)))
    assert (fair.outcome, fair.comparison.n, fair.comparison.champion) == ("champion", 80, 0.5)
    assert fair.reason.startswith("without the 120 test images that the champion was trained on: ")
    stays = decided(evidence(2), version(1, "old"), lambda *_: ChampionScores(0.5, by_heart, frozenset(by_heart)))
    assert (stays.outcome, stays.comparison) == ("challenger", None)


def test_none_itself_and_its_own_network_are_not_measured():
    assert decided(evidence(), None).reason == "there was no champion"
    assert decided(evidence(), version(2, "new"), own=version(2, "new")).reason == "it is the champion already"
    assert "another operating point" in decided(evidence(), version(1, "new"), own=version(2, "new")).reason


def test_other_test_images_are_no_comparison():
    table = table_of(1)
    scores = dict(zip(table["sha256"], table["p_fake"], strict=True))
    for other in (scores | {"f" * 64: 0.5}, {key: value for key, value in scores.items() if key != "0" * 64}):
        with pytest.raises(ModelError, match="different test images"):
            aligned_scores(ChampionScores(0.5, other), table)
    shuffled = dict(reversed(scores.items()))
    assert aligned_scores(ChampionScores(0.5, shuffled), table).tolist() == table["p_fake"].tolist()


def test_a_decision_is_read_from_the_version_as_it_was_written():
    for decision in (decided(evidence(3), version(1, "old"), champion(0.5)), decided(evidence(), None)):
        assert read_decision(version(2, "new", **decision.tags())) == decision
        assert decision.record(2)["outcome"] == decision.outcome
        assert decision.reason in decision.markdown()
    assert read_decision(version(2, "new")) is None
    assert "| nose | 100 |" in decided(evidence(3), version(1, "old"), champion(0.5)).markdown()


def test_a_decision_of_an_earlier_release_is_read():
    decision = decided(evidence(3), version(1, "old"), champion(0.5))
    fields = json.loads(decision.tags()["decision"])
    fields["held"] = fields.pop("comparison")
    assert read_decision(version(2, "new", decision=json.dumps(fields))) == decision


def test_the_operating_point_keeps_its_digits_and_may_lack_an_end():
    def point_of(point: OperatingPoint):
        candidate_evidence = Evidence("m", "new", "t", model_metrics(operating_point=point), table_of(1))
        return PromotionCandidate(candidate_evidence, version(1, "new")).operating_point()

    band = AbstentionBand(low=None, high=0.61152109500001)
    point = point_of(OperatingPoint(threshold=0.61152109500001, max_fpr=0.1, abstention_band=band))
    assert (point.threshold, point.low, point.high) == (0.61152109500001, None, 0.61152109500001)
    assert point_of(OperatingPoint(threshold=None, max_fpr=0.1, reason="no reals")) is None


def test_a_cross_validated_model_is_no_candidate():
    cross_validated = Evidence("m", "new", "t", model_metrics(protocol="folds"), table_of(1))
    with pytest.raises(ModelError, match="cross-validated"):
        PromotionCandidate(cross_validated, version(1, "new"))


def comparing(ours: pd.DataFrame, scores: ChampionScores, rule: Promote, threshold: float = 0.5, seed: int = 0):
    """The decision on a candidate with these predictions, against a champion with these scores."""
    candidate_evidence = Evidence("m", "new", "t", model_metrics(threshold=threshold), ours)
    candidate = PromotionCandidate(candidate_evidence, version(5, "new"))
    promotion = Promotion(None, candidate, rule, lambda *_: scores, n_resamples=100, seed=seed)
    return promotion.decide(version(5, "new"), version(1, "old", **{"test.digest": "t"}))


def test_each_model_is_called_by_its_own_threshold_on_the_rules_metric_with_the_resamples_of_the_seed():
    rule = Promote(name="n", metric="accuracy", margin=0.03, slice_margin=0.2, beat_shortcuts=False)
    ours, theirs = table_of(1), table_of(1, seed=1)
    scores = ChampionScores(0.7, dict(zip(theirs["sha256"], theirs["p_fake"], strict=True)))
    decision = comparing(ours, scores, rule, threshold=0.4, seed=7)
    comparison = decision.comparison
    assert comparison.candidate == pytest.approx(((ours["p_fake"] >= 0.4) == ours["label"]).mean())
    assert comparison.champion == pytest.approx(((theirs["p_fake"] >= 0.7) == theirs["label"]).mean())
    of_seed = {
        seed: compare_with_champion(
            ours,
            Scores(ours["p_fake"], 0.4),
            Scores(theirs["p_fake"], 0.7),
            metric="accuracy",
            resampling=Resampling(100, seed),
        )
        for seed in (0, 7)
    }
    assert comparison == of_seed[7] != of_seed[0]
    assert (decision.model, decision.digest, decision.test_digest, decision.against) == ("m", "new", "t", 1)
    assert (decision.margin, decision.slice_margin) == (0.03, 0.2)


@pytest.mark.parametrize(
    ("margin", "slice_margin", "outcome", "reason"),
    [
        (0.5, 0.0, "challenger", "but worse by more than 0 on hard"),
        (0.0, 0.5, "challenger", "a loss of more than 0 is not ruled out"),
        (0.5, 0.4, "champion", "no slice is worse by more than 0.4"),
    ],
)
def test_each_margin_of_the_rule_bounds_its_own_loss(margin, slice_margin, outcome, reason):
    ours = table_of(1.2)
    fakes = ours.index[ours["label"] == 1]
    ours.loc[fakes[:30], "difficulty"] = "hard"
    theirs = ours["p_fake"].copy()
    theirs[fakes[:30]] = (theirs[fakes[:30]] + 0.1).clip(0, 1)
    theirs[fakes[30:]] = (theirs[fakes[30:]] - 0.03).clip(0, 1)
    scores = ChampionScores(0.5, dict(zip(ours["sha256"], theirs, strict=True)))
    decision = comparing(
        ours,
        scores,
        Promote(name="n", metric="roc_auc", margin=margin, slice_margin=slice_margin, beat_shortcuts=False),
    )
    assert decision.comparison.difference >= 0
    assert decision.outcome == outcome
    assert reason in decision.reason


def test_a_loss_on_the_images_that_the_champion_was_not_trained_on_is_a_loss():
    table = table_of(3, seed=1)
    known = frozenset(table["sha256"][:40])
    scores = ChampionScores(0.5, dict(zip(table["sha256"], table["p_fake"], strict=True)), known)
    lost = decided(evidence(0.5), version(1, "old"), lambda *_: scores)
    assert (lost.outcome, lost.comparison.n) == ("challenger", 160)
    assert lost.reason.startswith("without the 40 test images")
    ours = evidence(0.5).predictions[40:]
    assert lost.comparison.candidate == pytest.approx(roc_auc_score(ours["label"], ours["p_fake"]))
    assert lost.comparison.champion == pytest.approx(roc_auc_score(table["label"][40:], table["p_fake"][40:]))


def test_what_was_not_cross_validated_may_be_promoted():
    for protocol in ("grouped", "reference"):
        candidate_evidence = Evidence("m", "new", "t", model_metrics(protocol=protocol), table_of(1))
        assert decided(candidate_evidence, None).outcome == "champion"


def test_the_digests_are_the_selected_models_and_a_metric_on_one_set_alone_does_not_suffice():
    models = {
        "a": model_metrics(0.7, test=None, model_digest="digest of a", test_digest="other"),
        "b": model_metrics(0.6, test=0.5, model_digest="digest of b", test_digest="t"),
        "c": model_metrics(0.5, model_digest="digest of c", test_digest="other"),
    }
    best = select_candidate(models, "roc_auc")
    assert (best.model, best.digest, best.test_digest) == ("b", "digest of b", "t")


def test_a_version_is_tagged_with_the_metric_on_each_set_and_the_whole_operating_point():
    band = AbstentionBand(low=0.4, high=None)
    point = OperatingPoint(threshold=0.61152109500001, max_fpr=0.1, abstention_band=band)
    metrics = with_metrics(
        model_metrics(operating_point=point),
        validation={"roc_auc": 0.71, "accuracy": 0.61},
        test={"roc_auc": 0.72, "accuracy": 0.62},
    )
    candidate = PromotionCandidate(Evidence("m", "d", "t", metrics, table_of(1)), version(1, "new"))
    assert candidate.tags("accuracy") == {
        "model": "m",
        "positive": "fake",
        "test.digest": "t",
        "validation.accuracy": "0.610000",
        "test.accuracy": "0.620000",
        "operating.threshold": "0.61152109500001",
        "operating.low": "0.4",
        "operating.high": "None",
    }
    operating = candidate.operating_point()
    assert (operating.threshold, operating.low, operating.high) == (0.61152109500001, 0.4, None)


def test_a_decision_is_recorded_with_the_worst_of_the_slices_that_were_compared():
    slices = [
        SliceDifference("difficulty", "easy", 30, 0.2),
        SliceDifference("difficulty", "hard", 30, -0.01),
        SliceDifference("part", "nose", 30, -0.15),
        SliceDifference("part", "mouth", 3, None, "groups: 3"),
    ]
    comparison = ChampionComparison("roc_auc", 100, 90, 0.75, 0.5, 0.25, [0.125, 0.375], None, slices)
    decision = Decision("challenger", "so it is", "m", "d", "t", 4, 0.05, 0.1, comparison)
    tags = decision.tags()
    assert (tags["decision.outcome"], tags["decision.against"]) == ("challenger", "4")
    assert (tags["decision.difference"], tags["decision.interval"]) == ("0.25", "[0.125, 0.375]")
    assert tags["decision.worst_slice"] == "nose -0.1500"
    lines = decision.markdown().splitlines()
    assert lines[0] == "m is challenger: so it is."
    assert lines[4:] == [
        "| easy | 30 | +0.2000 |",
        "| hard | 30 | -0.0100 |",
        "| nose | 30 | -0.1500 |",
        "| mouth | 3 | not compared: groups: 3 |",
    ]
    assert Decision("champion", "r", "m", "d", "t", None, 0.05, 0.1).tags()["decision.against"] == "none"
    assert decision.record(7) | {"comparison": None} == {
        "version": 7, "outcome": "challenger", "reason": "so it is", "model": "m", "digest": "d", "test_digest": "t",
        "against": 4, "margin": 0.05, "slice_margin": 0.1, "comparison": None,
    }  # fmt: skip


def with_rules(strength: float, rule: float) -> Evidence:
    found = evidence(strength)
    label = found.predictions["label"].to_numpy()
    noise = np.random.default_rng(5).normal(0, 1, len(label))
    scores = 1 / (1 + np.exp(-(noise + rule * (label - 0.5))))
    return replace(found, predictions=found.predictions.assign(rule_header=scores, encoding="one"))


STRICT = RULE.model_copy(update={"beat_shortcuts": True})


@pytest.mark.parametrize(
    ("strength", "rule", "outcome", "reason"),
    [
        (-1, 0, "challenger", "not shown to be better than chance"),  # as ROC AUC 0.375 on test once was promoted
        (2, 2, "challenger", "not shown to see more than the rule does"),
        (3, 0.2, "champion", "there was no champion"),
    ],
)
def test_the_first_champion_too_is_better_than_chance_and_than_the_rules(strength, rule, outcome, reason):
    promotion = Promotion(
        None, PromotionCandidate(with_rules(strength, rule), version(9, "new")), STRICT, None, n_resamples=300, seed=0
    )
    decision = promotion.decide(None, None)
    assert decision.outcome == outcome
    assert reason in decision.reason


def test_a_champion_stays_where_the_candidate_only_sees_the_encoder():
    promotion = Promotion(
        None, PromotionCandidate(with_rules(3, 3), version(9, "new")), STRICT, champion(0.1), n_resamples=300, seed=0
    )
    assert promotion.decide(None, version(1, "old")).outcome == "challenger"
    lenient = replace(promotion, rule=RULE)
    assert lenient.decide(None, version(1, "old")).outcome == "champion"


@pytest.mark.parametrize(
    ("recorded", "n_trained", "outcome", "reason"),
    [
        ("0.700000", 2, "challenger", "a tie, and it is not better on validation nor trained on more"),
        ("0.700000", None, "challenger", "the champion stays"),
        ("0.690000", 2, "champion", "a tie, but it is better on validation (0.7000 against 0.6900)"),
        ("undefined", 1, "champion", "a tie, but it was trained on more images (2 against 1)"),
        ("0.710000", 1, "champion", "trained on more images"),
        ("0.710000", 3, "challenger", "the champion stays"),
    ],
)
def test_a_tie_dethrones_only_by_validation_or_by_more_photographs(recorded, n_trained, outcome, reason):
    ours = replace(evidence(2), training_images=frozenset(("a", "b")))
    same = dict(zip(ours.predictions["sha256"], ours.predictions["p_fake"], strict=True))
    scores = ChampionScores(0.5, same, n_trained=n_trained)
    decision = decided(ours, version(1, "old", **{"validation.roc_auc": recorded}), lambda *_: scores)
    assert (decision.comparison.difference, decision.comparison.interval) == (0, [0, 0])
    assert decision.outcome == outcome
    assert reason in decision.reason
    assert "on the same 200 test images of 200 photographs" in decision.reason
