import json

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.model_metrics import AbstentionBand, OperatingPoint
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.params.promote import Promote
from fakefaces.registry.candidates import PromotionCandidate
from fakefaces.registry.decision import read_decision
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import ChampionScores, Promotion, aligned_scores
from fakefaces.registry.store import Version
from tests.metrics import model_metrics

RULE = Promote(name="n", metric="roc_auc", margin=0.05, slice_margin=0.1)


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
    return lambda present, held: ChampionScores(0.5, dict(zip(table["sha256"], table["p_fake"], strict=True)))


def decided(evidence, champion, score_champion=None, own=None):
    candidate = PromotionCandidate(evidence, own or version(9, "new"))
    promotion = Promotion(None, candidate, RULE, score_champion, n_resamples=300, seed=0)
    return promotion.decide(own, champion)


def test_validation_chooses_not_test():
    best = select_candidate({"a": model_metrics(0.7, test=0.5), "b": model_metrics(0.6, test=0.9)}, "roc_auc")
    assert (best.model, best.validation, best.test) == ("a", 0.7, 0.5)


def test_of_equals_the_smaller_then_the_first_by_name():
    small, large = model_metrics(0.7, parameters=5), model_metrics(0.7, parameters=9)
    found = {"b": small, "c": small, "a": large}
    assert select_candidate(found, "roc_auc").model == "b"


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
    for found in (decided(evidence(3), version(1, "old"), champion(0.5)), decided(evidence(), None)):
        assert read_decision(version(2, "new", **found.tags())) == found
        assert found.record(2)["outcome"] == found.outcome
        assert found.reason in found.markdown()
    assert read_decision(version(2, "new")) is None
    assert "| nose | 100 |" in decided(evidence(3), version(1, "old"), champion(0.5)).markdown()


def test_a_decision_of_an_earlier_release_is_read():
    found = decided(evidence(3), version(1, "old"), champion(0.5))
    fields = json.loads(found.tags()["decision"])
    fields["held"] = fields.pop("comparison")
    assert read_decision(version(2, "new", decision=json.dumps(fields))) == found


def test_the_operating_point_keeps_its_digits_and_may_lack_an_end():
    def point_of(point: OperatingPoint):
        found = Evidence("m", "new", "t", model_metrics(operating_point=point), table_of(1))
        return PromotionCandidate(found, version(1, "new")).operating_point()

    band = AbstentionBand(low=None, high=0.61152109500001)
    point = point_of(OperatingPoint(threshold=0.61152109500001, max_fpr=0.1, abstention_band=band))
    assert (point.threshold, point.low, point.high) == (0.61152109500001, None, 0.61152109500001)
    assert point_of(OperatingPoint(threshold=None, max_fpr=0.1, reason="no reals")) is None


def test_a_cross_validated_model_is_no_candidate():
    found = Evidence("m", "new", "t", model_metrics(protocol="folds"), table_of(1))
    with pytest.raises(ModelError, match="cross-validated"):
        PromotionCandidate(found, version(1, "new"))
