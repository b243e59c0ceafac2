"""A challenger in the shadow: what it scores, what its log holds, and what corrections decide."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import DataError
from fakefaces.inference.score import Prediction
from fakefaces.monitoring.shadow import Shadow, in_share
from fakefaces.monitoring.shadow_decision import Verdict, decide_shadow
from fakefaces.monitoring.shadow_log import read_labels, read_pairs


class Challenger:
    """Calls every image fake, and fails on one."""

    def score(self, name, read):
        if read() == b"bad":
            raise RuntimeError("unforeseen")
        return Prediction(p_fake=0.9, label="fake", unsure=False, model_version="2")


SAID = Prediction(p_fake=0.2, label="real", unsure=False, model_version="1")


def test_the_share_is_chosen_by_content_and_grows_with_it():
    digests = [hashlib.sha256(str(k).encode()).hexdigest() for k in range(2000)]
    tenth, half = ({d for d in digests if in_share(d, share)} for share in (0.1, 0.5))
    assert tenth < half
    assert len(tenth) == pytest.approx(200, abs=50) and len(half) == pytest.approx(1000, abs=100)
    assert all(in_share(d, 1) for d in digests) and not any(in_share(d, 0) for d in digests)


def test_the_log_has_both_scores_by_content_digest_and_nothing_else_of_the_photograph(tmp_path):
    log = tmp_path / "logs" / "shadow.jsonl"
    with Shadow(Challenger(), log, 1.0) as shadow:
        shadow.offer(b"one", SAID)
        shadow.offer(b"bad", SAID)
        shadow.offer(b"two", Prediction(problem="broken", problem_detail="two.jpg: broken"))
    first, second = map(json.loads, log.read_text().splitlines())
    assert first.pop("at")
    assert first == {
        "event": "shadow",
        "sha256": hashlib.sha256(b"one").hexdigest(),
        "champion": {"version": "1", "p_fake": 0.2, "label": "real", "unsure": False, "problem": None},
        "challenger": {"version": "2", "p_fake": 0.9, "label": "fake", "unsure": False, "problem": None},
    }
    assert second["challenger"]["problem"] == "crashed"
    assert (shadow.scored, shadow.lost) == (2, 0)
    pairs = read_pairs([log])
    assert pairs.to_dict("records") == [{"sha256": first["sha256"], "models": "1 2", "champion": 0, "challenger": 1}]


def test_nobody_waits_for_the_challenger(tmp_path):
    shadow = Shadow(Challenger(), tmp_path / "shadow.jsonl", 1.0)  # its thread is not started: nothing is taken
    for k in range(9):
        shadow.offer(bytes([k]) * 2**23, SAID)
    assert shadow.lost == 1  # the others are what may wait


def test_damaged_lines_are_left_out_and_the_last_pair_of_models_counts(tmp_path):
    log = tmp_path / "shadow.jsonl"

    def line(digest, challenger, version="2"):
        said = {"champion": {"version": "1", "label": "real"}, "challenger": {"version": version, "label": challenger}}
        return json.dumps({"sha256": digest, **said})

    lines = [
        line("a", "real"),
        line("b", "fake", "3"),
        "{",
        "null",
        '{"at": 1}',
        line("c", None, "3"),
        line("b", "real", "3"),
    ]
    log.write_text("\n".join([*lines, line("d", "fake", "3")[:-9]]))
    assert read_pairs([log]).to_dict("records") == [{"sha256": "b", "models": "1 3", "champion": 0, "challenger": 0}]
    log.write_text("{}\n")
    with pytest.raises(DataError, match="no photograph that both models scored"):
        read_pairs([log])


def test_labels_are_those_that_people_agree_on_in_the_order_in_which_they_came_to_be(tmp_path):
    table = tmp_path / "labels.csv"
    rows = [
        "id,photograph,reviewer,label,at",
        "1,a,ann,fake,1",
        "2,b,ann,real,2",
        "3,a,bob,real,3",
        "4,c,ann,fake,4",
        "5,c,ann,,5",
        "6,b,bob,real,6",
        "7,d,bob,real,7",
        "8,a,bob,fake,8",
    ]
    table.write_text("\n".join(rows))
    assert list(read_labels(table).items()) == [("b", 0), ("d", 0), ("a", 1)]
    table.write_text("sha256,label,image\nx,fake,x.jpg\ny,real,y.jpg\n")
    assert read_labels(table) == {"x": 1, "y": 0}
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path / "missing.csv")


def corrected(n: int, challenger: float, seed: int = 0, champion: float = 0.8) -> tuple[pd.DataFrame, dict[str, int]]:
    """Pairs of models with these accuracies on n photographs, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    said = {
        name: np.where(rng.random(n) < accuracy, truth, 1 - truth)
        for name, accuracy in (("champion", champion), ("challenger", challenger))
    }
    digests = [f"{k:064x}" for k in range(n)]
    return pd.DataFrame({"sha256": digests, "models": "1 2", **said}), dict(zip(digests, truth.tolist(), strict=True))


RULE = {"margin": 0.05, "slice_margin": 0.1, "seed": 1}


@pytest.mark.parametrize(
    ("n", "challenger", "verdict"), [(400, 0.95, Verdict.PROMOTE), (400, 0.55, Verdict.KEEP), (40, 0.85, Verdict.GO_ON)]
)
def test_corrections_decide(n, challenger, verdict):
    pairs, labels = corrected(n, challenger)
    decision = decide_shadow(pairs, labels, **RULE)
    assert decision.verdict is verdict
    assert decision.corrected == decision.shadowed == n
    assert (decision.expected is not None) == (verdict is Verdict.GO_ON)


def test_two_models_that_say_the_same_end_with_the_champion():
    pairs, labels = corrected(400, 0.9)
    decision = decide_shadow(pairs.assign(challenger=pairs["champion"]), labels, **RULE)
    assert decision.verdict is Verdict.KEEP and "not better" in decision.reason
    assert decision.disagreements == 0


def test_a_challenger_that_gains_on_reals_what_it_loses_on_fakes_is_kept_out():
    n = 600
    pairs, labels = corrected(n, 1.0)
    truth = np.array(list(labels.values()))
    champion = np.where((truth == 0) & (np.arange(n) % 10 < 6), 1, truth)  # wrong on most reals, right on all fakes
    challenger = np.where((truth == 1) & (np.arange(n) % 10 < 2), 0, truth)  # right on reals, wrong on some fakes
    decision = decide_shadow(pairs.assign(champion=champion, challenger=challenger), labels, **RULE)
    assert decision.verdict is Verdict.KEEP and "on fakes" in decision.reason


def test_without_corrections_it_goes_on():
    pairs, _ = corrected(50, 0.9)
    decision = decide_shadow(pairs, {"another": 1}, **RULE)
    assert (decision.verdict, decision.corrected, decision.expected) == (Verdict.GO_ON, 0, None)
