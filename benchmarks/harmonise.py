"""What a detector learns of a set whose format is the class, with `harmonise` and without.

    uv run python benchmarks/harmonise.py [--images 400] [--new 400] [--projects FOLDER]

Draws two sets and saves their classes by two encoders. In the first both classes are photographs, so that nothing but
the encoder separates them; in the second the fakes are faces that are generated whole (`fakefaces sample --whole`).
Clones HEAD for each, and runs `dvc repro promote` with a `forensic` and a `forensic_harmonised`. Printed are their rows
of the results, the best shortcut rule's, and what became of the promotion; then the ROC AUC of both detectors of the
second set on new images: saved as those that they learned from, all by one encoder, and by exchanged encoders.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from sklearn.metrics import roc_auc_score

from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.data.photographs import list_photographs
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from syntheticfaces import write_whole_images

ROOT = Path(__file__).parents[1]
ENCODERS = {"A": {"quality": 90, "subsampling": 2}, "B": {"quality": 75, "subsampling": 0}}  # 4:2:0 and 4:4:4
LEARNED = {"real": "A", "fake": "B"}  # the encoder of each class
SAVED = {"as learned": LEARNED, "all by one": {"real": "A", "fake": "A"}, "exchanged": {"real": "B", "fake": "A"}}
HARMONISE = {"sides": [144, 160], "quality": [75, 85, 95]}  # of images of 176 pixels
MODELS = ("forensic", "forensic_harmonised")
NEW_SEED = 9001


def draw(folder: Path, images: int, seed: int, *, generated: bool) -> list[tuple[Path, str]]:
    """Drawn images with their classes, half of them fake: generated ones, or photographs that are only called so."""
    write_whole_images(folder, images=images if generated else 2 * images, seed=seed)
    if generated:
        return [(path, path.parent.name) for path in sorted(folder.glob("*/*.jpg"))]
    return [(path, ("real", "fake")[k % 2]) for k, path in enumerate(sorted(folder.glob("real/*.jpg")))]


def save(drawn: list[tuple[Path, str]], target: Path, encoders: Mapping[str, str]) -> Path:
    """Save images in the folders of their classes, by the encoder of each class."""
    for path, label in drawn:
        buffer = io.BytesIO()
        with Image.open(path) as image:
            image.save(buffer, format="JPEG", **ENCODERS[encoders[label]])
        (target / label).mkdir(parents=True, exist_ok=True)
        (target / label / path.name).write_bytes(buffer.getvalue())
    return target


def parameters() -> str:
    """`params.yaml` with both models alone, more test images, and few of them corrupted."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    residuals = {"image_size": 1024, "extractor": "residuals", "copies": 0}
    features = {"residuals": residuals, "residuals_harmonised": residuals | {"harmonise": HARMONISE}}
    params["prepare"]["features"] = {"pixels": params["prepare"]["features"]["pixels"]} | features
    model = {"kind": "forensic", "augment": "none", "tuned": "none"}
    params["train"]["models"] = {name: model | {"features": f} for name, f in zip(MODELS, features, strict=True)}
    params["split"]["test_size"], params["corrupt"]["images"] = 0.3, 20
    params["tune"] |= {"trials": 1, "epochs": 1, "startup_trials": 1}
    return yaml.safe_dump(params, sort_keys=False)


def train(project: Path, photographs: Path) -> None:
    """Clone HEAD, import the photographs and run the pipeline; exit if that fails."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(project / "src")}
    subprocess.run(["git", "clone", "-q", str(ROOT), str(project)], check=True)
    (project / "params.yaml").write_text(parameters(), encoding="utf-8")
    for command in (["fakefaces", "data", str(photographs.resolve())], ["dvc", "repro", "promote"]):
        if subprocess.call(command, cwd=project, env=os.environ | environment):
            sys.exit(f"{' '.join(command)} failed in {project}")


def rows(project: Path, title: str) -> list[str]:
    """The results of both models and of the best rule, and what became of the promotion, as rows of a table."""
    table = pd.read_csv(project / "reports" / "results.csv")
    decision = read_json(Layout(project).promotion)
    rules = table[table["model"].str.startswith("rule_")].sort_values("roc_auc", ascending=False, kind="stable")
    lines = []
    for row in [*table[table["model"].isin(MODELS)].to_dict("records"), *rules.head(1).to_dict("records")]:
        outcome = decision["outcome"] if row["model"] == decision["model"] else ""
        cells = [title, str(row["model"]), str(row["n"]), bounded(row, "roc_auc"), bounded(row, "matched_roc_auc")]
        lines.append(f"| {' | '.join([*cells, outcome])} |")
    return [*lines, "", f"{title}: {decision['reason']}", ""]


def bounded(row: dict[Hashable, Any], name: str) -> str:
    """A metric with its 95 % interval, or a dash."""
    value, low, high = (row[column] for column in (name, f"{name}_low", f"{name}_high"))
    if pd.isna(value):
        return "–"
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.2f}, {high:.2f}]"


def roc_auc(project: Path, model: str, folder: Path) -> float:
    """The ROC AUC of one of a project's detectors on the images of a folder."""
    faces, loaded = list_photographs(folder), detector.load(Layout(project).model(model)).of_labelled()
    scores = score_files(loaded, [folder / name for name in faces["image"]], threads=2)
    p = np.array(p_fakes(track(scores, model, len(faces))))
    return float(roc_auc_score(faces["label"], p))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--new", type=int, default=400, help="new images that the detectors of the second set score")
    parser.add_argument("--projects", type=Path, help="a folder for what is drawn and trained, to look at it")
    arguments = parser.parse_args()
    folder = arguments.projects or Path(tempfile.mkdtemp(prefix="harmonise-"))
    lines = ["| fakes | model | test images | ROC AUC | matched ROC AUC | promotion |", f"|{' --- |' * 6}"]
    for name, generated in (("photographs", False), ("generated", True)):
        drawn = draw(folder / f"drawn-{name}", arguments.images, 7, generated=generated)
        train(folder / name, save(drawn, folder / f"saved-{name}", LEARNED))
        lines += rows(folder / name, name)
    print("\n".join(lines))
    drawn = draw(folder / "drawn-new", arguments.new, NEW_SEED, generated=True)
    sets = [save(drawn, folder / f"new, {title}", encoders) for title, encoders in SAVED.items()]
    print(f"| model | {' | '.join(SAVED)} |\n|{' --- |' * (1 + len(SAVED))}")
    for model in MODELS:
        values = [f"{roc_auc(folder / 'generated', model, new):.3f}" for new in sets]
        print(f"| {model} | {' | '.join(values)} |", flush=True)


if __name__ == "__main__":
    main()
