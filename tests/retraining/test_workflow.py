"""The schedule that proposes retrainings: it only proposes, and calls what a person calls."""

import re

import yaml

from tests.conftest import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "retrain.yaml").read_text())


def test_it_runs_by_schedule_or_by_hand_and_never_for_a_pull_request():
    assert set(WORKFLOW[True]) == {"schedule", "workflow_dispatch"}  # YAML 1.1 reads the key `on` as true
    assert WORKFLOW["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert WORKFLOW["jobs"]["propose"]["if"] == "vars.CORRECTIONS != ''"


def test_its_last_step_is_the_make_target_and_nothing_promotes():
    steps = WORKFLOW["jobs"]["propose"]["steps"]
    assert steps[-1]["run"] == 'make retrain FROM="$CORRECTIONS"'
    assert not any("promote" in step.get("run", "") for step in steps)
    assert not any("${{" in step.get("run", "") for step in steps)  # values reach the shell as variables only
    assert re.search(
        r"^retrain: setup .*\n\t\$\(RUN\) fakefaces retrain \$\(FROM\)$", (ROOT / "Makefile").read_text(), re.M
    )
