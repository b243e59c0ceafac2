"""The schedule that proposes retrainings: it only proposes, and calls what a person calls."""

import re

import yaml

from tests.conftest import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "retrain.yaml").read_text())


def test_it_runs_by_schedule_or_by_hand_and_never_for_a_pull_request():
    assert set(WORKFLOW[True]) == {"schedule", "workflow_dispatch"}  # YAML 1.1 reads the key `on` as true
    job = WORKFLOW["jobs"]["propose"]
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert job["if"] == "vars.CORRECTIONS != ''"


def test_its_last_step_is_the_make_target_and_nothing_promotes():
    steps = WORKFLOW["jobs"]["propose"]["steps"]
    assert steps[-1]["run"].splitlines()[-1] == 'make retrain FROM="$CORRECTIONS"'
    assert not any("promote" in step.get("run", "") for step in steps)
    with_token = [step for step in steps if "GH_TOKEN" in step.get("env", {})]
    assert with_token == steps[-1:]
    assert re.search(
        r"^retrain: setup .*\n\t\$\(RUN\) fakefaces retrain \$\(FROM\)$", (ROOT / "Makefile").read_text(), re.M
    )
