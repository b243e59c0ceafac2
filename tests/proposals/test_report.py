"""The report on a pull request, from results before and after."""

import json

import numpy as np
import pytest

from fakefaces.params.file import load
from fakefaces.proposals import gate
from fakefaces.proposals.changes import SIDES
from fakefaces.proposals.report import MAX_COMMENT, comment, propose, write_report
from tests.proposals.projects import Fetched, images, write_project

NAMES = ("simple_cnn", "mobilenet", "custom_cnn_tuned", "forensic")
BEFORE = dict.fromkeys(NAMES, 1.0) | {"forensic": 3.0}


@pytest.fixture
def params(workspace):
    return load(workspace / "params.yaml")


def proposal(params, root, before, after, *, seed=0, table=None):
    base = write_project(root / "base", before, table=table) if before else None
    here = write_project(root / "here", after, seed)
    return propose(params, here, Fetched(base) if base else None, "" if base else "no results", ask_registry=False)


def test_where_there_is_no_store_the_base_stands_for_the_champion_and_none_is_made(params, workspace, tmp_path):
    base, here = write_project(tmp_path / "base", BEFORE), write_project(tmp_path / "here", BEFORE | {"forensic": 6.0})
    made = propose(params, here, Fetched(base), "", ask_registry=True)
    assert "as if it were the champion" in made.verdict.against and made.verdict.decision
    assert not (workspace / "mlruns").exists()


def test_the_same_results_are_said_to_be_the_same(params, tmp_path):
    made = proposal(params, tmp_path, BEFORE, BEFORE)
    assert all(change.same and change.difference.value == 0 for change in made.changes)
    assert [change.name for change in made.changes] == [*sorted(NAMES), "rule_header"]
    assert not len(made.sides)
    assert made.verdict.decision.reason == "it is the champion's network, with another operating point"
    text = comment(made)
    assert text.count("the same scores") == len(NAMES) + 1
    assert "### By kind of fake" not in text


def test_a_better_model_has_a_paired_difference_slices_and_images_that_change_sides(params, tmp_path):
    made = proposal(params, tmp_path, BEFORE, BEFORE | {"forensic": 6.0})
    (moved,) = [change for change in made.changes if not change.same]
    assert moved.name == "forensic"
    low, high = moved.difference.interval
    assert 0 < low <= moved.difference.value <= high
    assert {s.name for s in moved.comparison.slices} >= {"easy", "hard", "nose"}
    assert made.verdict.decision.outcome == "champion"
    assert "forensic, as if it were the champion" in made.verdict.against
    assert set(made.sides["model"]) == {"forensic"}
    found = made.sides[made.sides["change"] == "fakes found"]
    assert ((found["label"] == 1) & (found["before"] < 0.5) & (found["after"] >= 0.5)).all()
    assert set(made.sides["change"]) <= set(SIDES)
    text = comment(made)
    assert f"| forensic | {len(found)} |" in text
    assert "| rule_header |" in text
    assert not any(name in text for name in made.sides["image"])  # those are in the artifact alone


def test_a_worse_model_is_refused_with_the_gates_own_reason(params, tmp_path):
    made = proposal(params, tmp_path, BEFORE, dict.fromkeys(NAMES, 1.0) | {"forensic": 2.0})
    assert made.verdict.decision.outcome == "challenger"
    assert "the champion stays" in made.verdict.decision.reason
    assert made.verdict.decision.reason in comment(made)


def test_new_and_removed_models_have_no_pair(params, tmp_path):
    after = {name: BEFORE.get(name, 1.0) for name in (*NAMES, "new")}
    made = proposal(params, tmp_path, BEFORE | {"old": 1.0}, after)
    rows = {change.name: change for change in made.changes}
    assert rows["old"].after is rows["new"].before is rows["old"].comparison is rows["new"].comparison is None
    text = comment(made)
    assert "| removed | – |" in text


def test_without_results_of_the_base_there_are_those_of_the_commit(params, tmp_path):
    made = proposal(params, tmp_path, None, BEFORE)
    assert "nothing to compare with: no results" in comment(made)
    assert made.verdict.decision.reason == "there was no champion"


def test_images_that_only_one_has_tested_are_left_out_of_the_pairs(params, tmp_path, monkeypatch):
    rescored = []

    def score(self, candidate):
        rescored.append(len(candidate.predictions))
        return dict(zip(candidate.predictions["sha256"], np.linspace(0, 1, len(candidate.predictions)), strict=True))

    monkeypatch.setattr(gate._StandIn, "_rescored", score)
    made = proposal(params, tmp_path, BEFORE, BEFORE, table=images(first=40))
    assert (made.n, made.n_common) == (240, 200)
    assert {change.comparison.n for change in made.changes} == {200}
    assert rescored == [240] or made.verdict.decision.reason.startswith("it is the champion's network")
    made = proposal(params, tmp_path / "more", BEFORE, BEFORE | {"forensic": 6.0}, table=images(first=40))
    assert rescored[-1] == 240
    assert made.verdict.decision.outcome == "champion"


def test_the_files_of_a_report(params, tmp_path):
    made = proposal(params, tmp_path, BEFORE, BEFORE | {"forensic": 6.0})
    (tmp_path / "to").mkdir()
    write_report(made, tmp_path / "data", tmp_path / "to")
    assert {path.name for path in (tmp_path / "to").iterdir()} == {
        "comment.md",
        "proposal.json",
        "changed_sides.csv",
        "changed_sides.html",
    }
    record = json.loads((tmp_path / "to" / "proposal.json").read_text())
    assert record["gate"]["decision"]["outcome"] == "champion"
    assert record["changed_sides"] == len((tmp_path / "to" / "changed_sides.csv").read_text().splitlines()) - 1
    page = (tmp_path / "to" / "changed_sides.html").read_text()
    assert made.sides["image"][0] in page
    assert "not at hand" in page  # the photographs are not in this test


def test_a_comment_stays_below_the_limit_of_one(params, tmp_path):
    many = {f"model_with_a_long_name_{k:04d}": 1.0 for k in range(2)} | BEFORE
    made = proposal(params, tmp_path, many, many, seed=1)
    rows = made.changes * 200
    text = comment(type(made)(**vars(made) | {"changes": rows}))
    assert len(text) <= MAX_COMMENT
    assert text.endswith("it is in the artifact.\n")
