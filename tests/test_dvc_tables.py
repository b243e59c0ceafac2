"""What DVC's own tables and plots show of the pipeline: real git, real DVC, and what ``dvc.yaml`` declares."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, Project

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PLOTS = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
BEST = {
    "model": "custom_cnn_augmented",  # the longest of our names
    "accuracy": 0.939024,
    "roc_auc": 0.968992,
    "matched_roc_auc": 0.968992,
    "paired_win_rate": 0.987654,
    "brier": 0.060451,
    "threshold": 0.512345,
}
CSV = {
    "roc": "model,fpr,tpr\na,0,0\na,1,1\n",
    "precision_recall": "model,recall,precision\na,0,1\na,1,0.5\n",
    "confusion": "model,actual,predicted,images\na,fake,fake,3\na,real,fake,1\na,fake,real,2\na,real,real,4\n",
    "reliability": "model,mean_p,fraction_fake\na,0.1,0.2\na,0.9,0.8\n",
    "slices": "model,fakes,roc_auc\na,easy,0.9\na,hard,0.6\n",
    "robustness": "model,images,roc_auc\na,original,0.9\na,jpeg 50,0.6\n",
    "pointing": "model,heat_map,pointing\n",  # without a row: no heatmap could be evaluated
    "history": "model,epoch,val_loss\na,1,0.9\na,2,0.6\n",
}


def declared(kind: str) -> list[str]:
    bodies = [body.get("do", body) for body in STAGES.values()]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for b in bodies for entry in b.get(kind, [])]


def test_one_small_file_is_what_dvc_counts_as_metrics():
    assert declared("metrics") == ["reports/best.json"]
    assert declared("plots") == []  # they stand at the end of dvc.yaml, with titles and in an order


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the parameters, metrics and plots of ours, and one stage that has run."""
    root = tmp_path_factory.mktemp("tables") / "project"
    shutil.copytree(ROOT / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    for name in ("params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, root)
    sections = list(yaml.safe_load((ROOT / "params.yaml").read_text()))
    metrics = [{path: {"cache": False}} for path in declared("metrics")]
    stage = {"cmd": "true", "deps": ["src/code.py"], "params": sections, "metrics": metrics}
    content = {"stages": {"evaluate": stage}, "plots": PLOTS}
    (root / "dvc.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    (root / "src").mkdir()
    (root / "src" / "code.py").write_text("")
    (root / "reports" / "plots").mkdir(parents=True)
    (root / "reports" / "best.json").write_text(json.dumps(BEST))
    for name, text in CSV.items():
        (root / "reports" / "plots" / f"{name}.csv").write_text(text)
    shutil.copy(ROOT / "docs" / "pictures" / "looking.png", root / "reports" / "augmentations.png")
    project = Project(root)
    project.run("git", "init", "-q")
    project.run("dvc", "commit", "-q", "-f")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "start")
    change(root)
    project.run("dvc", "exp", "save", "-n", "slower", "--force")
    return project


def change(root: Path) -> None:
    """What an experiment changes: parameters, code and metrics."""
    params = (root / "params.yaml").read_text()
    for old, new in (("learning_rate: 0.002", "learning_rate: 0.0005"), ("jpeg: [100, 90, 80, 65, 50]", "jpeg: [50]")):
        assert old in params
        params = params.replace(old, new)
    (root / "params.yaml").write_text(params)
    (root / "src" / "code.py").write_text("changed\n")
    (root / "reports" / "best.json").write_text(json.dumps(BEST | {"model": "forensic", "roc_auc": 0.971111}))


def width(text: str) -> int:
    return max(map(len, text.splitlines()))


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 120])
def test_metrics_and_differences_fit(project, columns):
    shown = project.run("dvc", "metrics", "show", COLUMNS=str(columns)).stdout
    assert shown.splitlines()[0].split() == ["Path", *sorted(BEST)]
    assert width(shown) <= 120
    changed = project.run("dvc", "metrics", "diff", COLUMNS=str(columns)).stdout
    assert [line.split()[1] for line in changed.splitlines()] == ["Metric", "model", "roc_auc"]
    assert width(changed) <= 80
    parameters = project.run("dvc", "params", "diff", COLUMNS=str(columns)).stdout
    assert [line.split()[1] for line in parameters.splitlines()] == ["Param", "corrupt.jpeg", "train.fit.learning_rate"]
    assert width(parameters) <= 80


def experiments(columns: int, project: Project) -> list[str]:
    """What ``make experiments`` prints, by the command that make would run."""
    recipe = project.run("make", "--no-print-directory", "-sn", "-C", str(ROOT), "experiments").stdout.splitlines()[-1]
    command = recipe[recipe.index("dvc exp show") :]
    return project.run("bash", "-c", command, COLUMNS=str(columns)).stdout.splitlines()


@pytest.mark.slow
def test_make_experiments_shows_models_metrics_and_changed_parameters_within_120_columns(project):
    lines = experiments(120, project)
    assert max(map(len, lines)) <= 120
    heading = next(line for line in lines if "Experiment" in line)
    assert heading.split() == [
        "Experiment",
        "model",
        "roc_auc",
        "train.fit.learning_rate",
        "corrupt.jpeg",
    ]
    assert [line for line in lines if "[slower]" in line and "forensic" in line and "0.97111" in line]
    assert max(map(len, experiments(80, project))) <= 80


@pytest.mark.slow
def test_plots_have_titles_of_words_in_the_order_of_dvc_yaml_and_need_no_network(project):
    project.run("dvc", "plots", "show", "-o", "outputs/plots")
    page = (project.root / "outputs" / "plots" / "index.html").read_text()
    titles = [next(iter(plot)) for plot in PLOTS if isinstance(plot, dict)]
    drawn = [title for title in titles if title != "Heat maps that peak inside the forgery"]  # of which there are none
    specs = re.findall(r"var spec = (\{.*?\});\s*vegaEmbed", page)
    assert [json.loads(spec).get("title", {}).get("text") for spec in specs if spec != "{}"] == drawn
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
