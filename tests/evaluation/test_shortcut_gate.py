"""What a candidate must show by itself, on images whose metrics are known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.shortcut_gate import compare_with_shortcuts, decide_on_shortcuts

RESAMPLING = Resampling(400, seed=0)


def images(strength: float, n: int = 200, encoding: str = "common") -> pd.DataFrame:
    label = np.arange(n) % 2
    table = pd.DataFrame({"label": label, "group": [f"g{k}" for k in range(n)], "encoding": encoding})
    return table.assign(p_fake=scores(label, strength, seed=1))


def scores(label: np.ndarray, strength: float, seed: int) -> pd.Series:
    noise = np.random.default_rng(seed).normal(0, 1, len(label))
    return pd.Series(1 / (1 + np.exp(-(noise + strength * (label - 0.5)))))


def rules_of(table: pd.DataFrame, **strengths: float) -> dict[str, pd.Series]:
    return {name: scores(table["label"].to_numpy(), strength, seed=7) for name, strength in strengths.items()}


def decided(table: pd.DataFrame, rules: dict[str, pd.Series]):
    comparison = compare_with_shortcuts(table, rules, RESAMPLING)
    return comparison, decide_on_shortcuts(comparison)


def test_a_candidate_that_beats_chance_and_every_rule_passes():
    table = images(3)
    rules = rules_of(table, header=0.2, thumbnail=1)
    comparison, result = decided(table, rules)
    assert result.promoted
    assert comparison.rule == "thumbnail"  # the better one of the two
    assert comparison.roc_auc == comparison.matched == pytest.approx(roc_auc_score(table["label"], table["p_fake"]))
    assert comparison.rule_matched == pytest.approx(roc_auc_score(table["label"], rules["thumbnail"]))
    low, high = comparison.difference
    assert 0 < low < comparison.matched - comparison.rule_matched < high


@pytest.mark.parametrize("strength", [-0.5, 0, 0.1])
def test_a_candidate_that_may_be_guessing_is_refused(strength):
    _, result = decided(images(strength), rules_of(images(0), header=-3))
    assert not result.promoted
    assert "not shown to be better than chance" in result.reason


def test_a_candidate_that_may_only_see_what_a_rule_sees_is_refused():
    table = images(2)
    _, result = decided(table, rules_of(table, colour=2))
    assert not result.promoted
    assert "(colour)" in result.reason and "not shown to see more" in result.reason


def test_a_detector_of_encoders_is_refused_however_high_its_score():
    # fakes by one program, reals by another: separated without a look at a face
    table = images(0).assign(p_fake=lambda t: 0.1 + 0.8 * t["label"])
    table["encoding"] = np.where(table["label"] == 1, "editor", "camera")
    comparison, result = decided(table, {"header": table["p_fake"]})
    assert comparison.roc_auc == 1
    assert comparison.matched is None
    assert not result.promoted
    assert "not shown to beat the shortcut rules" in result.reason


def test_within_one_encoding_its_rule_is_no_help_and_a_real_detector_passes():
    table = images(3, n=400)
    editor = (table["label"] == 1) & (table.index % 4 == 1)
    table["encoding"] = np.where(editor, "editor", "camera")
    header = pd.Series(np.where(editor, 0.9, 0.4))
    comparison, result = decided(table, {"header": header})
    assert comparison.n_matched == int((~editor).sum())
    assert comparison.rule_matched == 0.5
    assert result.promoted


def test_a_perfect_candidate_passes():
    table = images(0).assign(p_fake=lambda t: 0.1 + 0.8 * t["label"])
    comparison, result = decided(table, rules_of(table, header=0.5))
    assert (comparison.roc_auc, comparison.interval) == (1, [1, 1])
    assert result.promoted


def test_few_images_no_encoding_or_no_rules_show_nothing():
    few = images(9, n=12)
    for table, rules, reason in (
        (few, rules_of(few, header=0), "groups"),
        (images(3, encoding=""), rules_of(images(3), header=0), "no real is a JPEG"),
        (images(3), {}, "evaluate it again"),
    ):
        _, result = decided(table, rules)
        assert not result.promoted
        assert reason in result.reason


def test_a_set_without_jpegs_is_refused_with_what_can_be_done():
    table = images(3, encoding="")
    _, result = decided(table, rules_of(table, header=0.2))
    assert not result.promoted
    assert "no real is a JPEG, whose header would tell its encoding; a model of harmonised features" in result.reason
