"""Whether the sample ranks the models by merit: its detectors on images that nothing was tuned on.

    uv run python benchmarks/ladder.py [--seeds 2001 2002 2003 2004 2005] [--images 2000] [--also MODEL ...]
                                         [--keep FOLDER]

Needs the models of `dvc repro` on the sample. For each seed, new faces are drawn and scored from their files. Printed
are accuracy, ROC AUC and the recall of each difficulty, and how many seeds hold what docs/sample.md asks for.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from fakefaces.base import environment
from fakefaces.base.paths import Layout
from fakefaces.base.progress import progress, track
from fakefaces.data.faces import DIFFICULTIES
from fakefaces.data.photographs import list_photographs
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.params.file import load
from syntheticfaces import write_samples

MODELS = ("simple_cnn", "custom_cnn", "custom_cnn_augmented")
SEEDS = (2001, 2002, 2003, 2004, 2005)  # no drawing, model or parameter was chosen with a look at these

Row = dict[str, float]


def draw(folder: Path, images: int, seed: int) -> None:
    """Draw a set, unless it is there already."""
    if folder.exists():
        return
    with progress(f"drawing seed {seed}", images) as step:
        done = 0

        def on_progress(now: int, total: int) -> None:
            nonlocal done
            step(now - done, "")
            done = now

        write_samples(folder, images=images, seed=seed, progress=on_progress)


def measure(model: detector.Detector, folder: Path, threads: int) -> Row:
    """Metrics of one detector on one set; fake is the positive class."""
    faces = list_photographs(folder)
    scores = score_files(model.of_labelled(), [folder / name for name in faces["image"]], threads=threads)
    p = np.array(p_fakes(track(scores, model.metadata.model, len(faces))))
    predicted, fake = p >= model.metadata.threshold, faces["label"].to_numpy() == 1
    recall = {kind: float(predicted[(faces["difficulty"] == kind).to_numpy()].mean()) for kind in DIFFICULTIES}
    return {"accuracy": float((predicted == fake).mean()), "roc_auc": float(roc_auc_score(fake, p))} | recall


def recall_falls(row: Row) -> bool:
    """Whether recall falls from easy to hard."""
    return row["easy"] > row["mid"] > row["hard"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--also", nargs="+", default=[], help="models to score beside the ladder's")
    parser.add_argument("--keep", type=Path, help="a folder for the drawn sets, to use them again")
    arguments = parser.parse_args()
    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    models = {name: detector.load(layout.model(name)) for name in (*MODELS, *arguments.also)}
    met = dict.fromkeys(("simple .44 to .58", "custom + 5", "augmented better", "recall falls"), 0)
    all_met = 0
    print(
        "| seed | model | accuracy | ROC AUC | recall easy | mid | hard |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as aside:
        for seed in arguments.seeds:
            folder = (arguments.keep or Path(aside)) / f"seed{seed}"
            draw(folder, arguments.images, seed)
            rows = {name: measure(model, folder, params.threads) for name, model in models.items()}
            for name, row in rows.items():
                print(f"| {seed} | {name} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |", flush=True)
            simple, custom, augmented = (rows[name] for name in MODELS)
            holds = (
                0.44 <= simple["accuracy"] <= 0.58,
                custom["accuracy"] >= simple["accuracy"] + 0.05,
                augmented["accuracy"] > custom["accuracy"],
                recall_falls(custom) and recall_falls(augmented),
            )
            for name, holds_here in zip(met, holds, strict=True):
                met[name] += holds_here
            all_met += all(holds)
    print("\n" + "\n".join(f"{name}: {count} of {len(arguments.seeds)} seeds" for name, count in met.items()))
    print(f"all four: {all_met} of {len(arguments.seeds)} seeds")


if __name__ == "__main__":
    main()
