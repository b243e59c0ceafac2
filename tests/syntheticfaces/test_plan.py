from __future__ import annotations

from collections import Counter

import pytest

from syntheticfaces.plan import draw_plan, parts_at

REAL_SET = {
    "1111": 319, "0011": 128, "1100": 118, "1110": 87, "1101": 74, "0001": 43, "0010": 32, "0111": 28,
    "1000": 23, "1011": 21, "0101": 19, "1001": 19, "0100": 17, "1010": 16, "0110": 15,
}  # fmt: skip


def test_a_plan_is_the_beginning_of_every_longer_one():
    long = draw_plan(300, seed=3)
    for count in (1, 2, 57, 299):
        assert draw_plan(count, seed=3) == long[:count]


def test_plans_of_two_seeds_differ():
    assert draw_plan(100, seed=3) != draw_plan(100, seed=4)


def test_classes_and_difficulties_have_their_shares():
    plan = draw_plan(800, seed=0)
    labels = Counter(entry.label for entry in plan)
    assert labels == {"real": 424, "fake": 376}
    assert Counter(entry.difficulty for entry in plan if entry.difficulty) == {"easy": 94, "mid": 188, "hard": 94}


def test_names_are_unique_and_tell_class_difficulty_and_parts():
    plan = draw_plan(400, seed=1)
    assert len({entry.name for entry in plan}) == 400
    for entry in plan:
        if entry.label == "real":
            assert entry.name.startswith("training_real/real_")
            assert (entry.difficulty, entry.parts, entry.donor) == (None, "", None)
        else:
            assert entry.name.startswith(f"training_fake/{entry.difficulty}_")
            assert entry.name.endswith(f"_{entry.parts}.jpg")
            assert entry.decoy == ""


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_parts_follow_the_frequencies_of_the_real_set(seed):
    plan = draw_plan(2000, seed)
    for difficulty in ("easy", "mid", "hard"):
        bits = [entry.parts for entry in plan if entry.difficulty == difficulty]
        counts = Counter(bits)
        for parts, count in REAL_SET.items():
            assert counts[parts] / len(bits) == pytest.approx(count / 960, abs=0.012), (difficulty, parts)


def test_parts_at_covers_the_ends_of_the_scale():
    assert parts_at(0.0) == "1111"
    assert parts_at(0.999999) == "0110"
    assert parts_at(1.0) == "0110"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_groups_are_small_and_some_fakes_share_their_base(seed):
    plan = draw_plan(800, seed)
    groups: dict[int, list[str]] = {}
    for entry in plan:
        groups.setdefault(entry.base, []).append(entry.label)
    assert max(len(members) for members in groups.values()) == 2
    fakes = [entry for entry in plan if entry.label == "fake"]
    with_real = sum("real" in groups[entry.base] for entry in fakes) / len(fakes)
    with_fake = sum(groups[entry.base] == ["fake", "fake"] for entry in fakes) / len(fakes)
    assert 0.10 <= with_real <= 0.20
    assert 0.10 <= with_fake <= 0.30


def test_a_donor_is_nobody_elses_photograph():
    plan = draw_plan(800, seed=0)
    donors = [entry.donor for entry in plan if entry.donor is not None]
    assert len(set(donors)) == len(donors)
    assert not set(donors) & {entry.base for entry in plan}


def test_all_decoys_occur_among_the_reals():
    decoys = Counter(entry.decoy for entry in draw_plan(800, seed=0) if entry.label == "real")
    assert set(decoys) == {"", "repaste", "makeup", "highlight", "global"}
    assert 0.22 <= 1 - decoys[""] / decoys.total() <= 0.38
