"""The pages of docs/ciplab: the pipeline on the CIPLAB photographs, with each protocol.

    uv run python benchmarks/public_set.py FOLDER [--protocols grouped folds] [--weights FILE.weights.h5]
                                           [--without mobilenetv2 custom_cnn_tuned] [--project CLONE]

Clones HEAD, imports FOLDER, and for each protocol runs `dvc repro` with `docs/ciplab/params.yaml`, copies
`reports/results.md` to `docs/ciplab/<protocol>.md`, and prints the rows of the table in `docs/ciplab/README.md`.
`--without` leaves models out; `--project` continues in the clone of an earlier call, where only what changed runs.
With two cores `folds` takes about 50 minutes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
PARAMS = ROOT / "docs" / "ciplab" / "params.yaml"
PROTOCOLS = ("reference", "grouped", "folds")
HEAD = ("protocol", "model", "test images", "accuracy", "ROC AUC", "matched ROC AUC", "paired win rate", "slides")


def parameters(protocol: str, without: Sequence[str]) -> str:
    """`docs/ciplab/params.yaml` with another protocol, fewer models, and the feature sets that these need."""
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    params["split"]["protocol"] = protocol
    models = {name: model for name, model in params["train"]["models"].items() if name not in without}
    params["train"]["models"] = models
    needed = {model["features"] for model in models.values()} | {params["tune"]["features"]}
    feature_sets = params["prepare"]["features"]
    params["prepare"]["features"] = {name: spec for name, spec in feature_sets.items() if name in needed}
    return yaml.safe_dump(params, sort_keys=False)


def new_project(project: Path, photographs: Path, weights: Path | None) -> None:
    subprocess.run(["git", "clone", "-q", str(ROOT), str(project)], check=True)
    if weights:
        (project / "weights").mkdir()
        shutil.copy(weights, project / "weights")
    call(project, "fakefaces", "data", str(photographs.resolve()))


def call(project: Path, *command: str) -> None:
    """Run a command in the project with this environment; exit if it fails."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(project / "src")}
    code = subprocess.call(command, cwd=project, env=os.environ | environment)
    if code:
        sys.exit(f"{' '.join(command)} in {project}: exit code {code}")


def rows(project: Path) -> str:
    """The main columns of the results table, as rows of a Markdown table."""
    table = pd.read_csv(project / "reports" / "results.csv")
    lines = []
    for row in table.to_dict("records"):
        metrics = [with_interval(row, name) for name in ("accuracy", "roc_auc", "matched_roc_auc", "paired_win_rate")]
        slides = "–" if pd.isna(row["printed_accuracy"]) else f"{row['printed_accuracy']:.3f}"
        lines.append(f"| {' | '.join([row['protocol'], row['model'], str(row['n']), *metrics, slides])} |")
    return "\n".join(lines)


def with_interval(row: dict[Hashable, Any], name: str) -> str:
    """A metric with its 95 % interval, or a dash."""
    value, low, high = (row[column] for column in (name, f"{name}_low", f"{name}_high"))
    if pd.isna(value):
        return "–"
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--without", nargs="+", default=[])
    parser.add_argument("--project", type=Path)
    args = parser.parse_args()
    project = args.project or Path(tempfile.mkdtemp(prefix="ciplab-")) / "project"
    if not project.exists():
        new_project(project, args.photographs, args.weights)
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for protocol in args.protocols:
        (project / "params.yaml").write_text(parameters(protocol, args.without), encoding="utf-8")
        start = time.perf_counter()
        call(project, "dvc", "repro")
        print(f"{protocol}: {(time.perf_counter() - start) / 60:.1f} minutes in {project}", flush=True)
        shutil.copy(project / "reports" / "results.md", PARAMS.parent / f"{protocol}.md")
        lines.append(rows(project))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
