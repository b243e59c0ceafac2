"""``fakefaces results``."""

import subprocess
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.retraining.repository import KEPT

_PAGES = (
    ("report", "index.html", "all results on one page: open it in a browser"),
    ("model card", "model_card.md", "what the best model can do, and must not be used for"),
    ("tables", "results.md", "the metrics of all models"),
    ("validation", "data_docs/index.html", "Great Expectations' report on the photographs"),
)


def results() -> None:
    """Say how the best model of the last run did, and what to open next."""
    layout = Layout(environment.workspace())
    if not layout.best_metrics.is_file():
        raise FakefacesError("reports/best.json is missing: nothing was evaluated yet; run: make repro")
    best = read_json(layout.best_metrics)
    if best["model"]:
        values = [("ROC AUC", best["roc_auc"]), ("accuracy", best["accuracy"])]
        told = ", ".join(f"{name} {value:.3f}" for name, value in values if value is not None)
        print(f"{best['model']} is the best model on validation; on test: {told}\n")
    rows = [(name, layout.relative(layout.reports / page), about) for name, page, about in _PAGES]
    shown = [row for row in rows if (layout.root / row[1]).is_file()]
    shown.append(("runs", "make ui", "serves and opens MLflow's page of all runs"))
    for name, place, about in shown:
        print(f"{name:10}  {place:28}  {about}")
    if changed := _uncommitted(layout.root):
        print(f"\nTo keep this state: git add {' '.join(changed)}")


def _uncommitted(root: Path) -> list[str]:
    """What of the state differs from git's last commit; nothing where there is no git."""
    command = ["git", "status", "--porcelain", "--", *KEPT]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return []
    names = [line[3:].split("/")[0] for line in done.stdout.splitlines()]
    return [name for name in KEPT if name in names]
