"""The end of a run: what was best, and what to open next."""

import subprocess

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.cli.results import results

BEST = {"model": "forensic", "roc_auc": 0.96899, "accuracy": 0.939024}


def git(root, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def test_it_names_the_best_model_the_pages_that_are_there_and_what_git_lacks(workspace, capsys):
    layout = Layout(workspace)
    with pytest.raises(FakefacesError, match="make repro"):
        results()
    write_json(layout.best_metrics, BEST)
    write_text(layout.reports / "index.html", "a page")
    git(workspace, "init", "-q")
    results()
    said = capsys.readouterr().out
    assert "forensic is the best model on validation; on test: ROC AUC 0.969, accuracy 0.939" in said
    assert "reports/index.html" in said and "make ui" in said and "model_card.md" not in said
    assert said.splitlines()[-1] == "To keep this state: git add reports"
    assert max(map(len, said.splitlines())) <= 100
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "a state")
    results()
    assert "git add" not in capsys.readouterr().out  # nothing changed


def test_without_a_defined_metric_the_pages_are_named_all_the_same(workspace, capsys):
    write_json(Layout(workspace).best_metrics, dict.fromkeys(BEST))
    results()
    assert capsys.readouterr().out.startswith("runs")
