"""The trainings of a model side by side against one after another: wall time, processor time, and equal bytes.

    uv run python benchmarks/side_by_side.py [--images 600] [--size 96] [--seeds 4] [--epochs 6] [--jobs 1,2]

The train stage runs in a temporary project, on noise with a bright patch in the fakes, with the `threads` of this
checkout; the numbers of jobs take turns, `--rounds` times, so that what else the machine does meets all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.tracking.digests import digest
from fakefaces.training.candidates import UNTUNED

ROOT = Path(__file__).parents[1]
NAME = "custom_cnn"


def project_in(root: Path, options: argparse.Namespace) -> Layout:
    """All that the train stage reads."""
    for name in ("src", "pipelines", "dvc.yaml"):
        (root / name).symlink_to(ROOT / name)
    (root / ".dvc").mkdir()
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["train"]["models"] = {NAME: {"kind": NAME, "features": "pixels", "seeds": options.seeds}}
    params["train"]["fit"] |= {"epochs": options.epochs, "patience": options.epochs}
    params["prepare"]["features"]["pixels"]["image_size"] = options.size
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    layout, rng = Layout(root), np.random.default_rng(5)
    labels = np.arange(options.images) % 2
    pixels = rng.integers(60, 180, (options.images, options.size, options.size, 3), dtype=np.uint8)
    pixels[labels == 1, 8:24, 8:24] = 235
    names = [f"{k:05d}.jpg" for k in range(options.images)]
    layout.data.mkdir()
    for name, picture in zip(names, pixels, strict=True):
        Image.fromarray(picture).save(layout.data / name)
    table = pd.DataFrame({"image": names, "label": labels, "group": names, "difficulty": "", "faces": 1})
    table["split"] = np.where(np.arange(options.images) // 2 % 8 == 0, "validation", "train")
    layout.images.parent.mkdir()
    table.assign(**dict.fromkeys(PARTS, 0)).to_csv(layout.images, index=False)
    folder = layout.features("pixels")
    folder.mkdir(parents=True)
    np.save(folder / "arrays.npy", pixels)
    spec = {"extractor": "pixels", "image_size": options.size, "crop": 0}
    write_json(folder / "features.json", spec | {"weights": "trained from scratch", "group_sizes": []})
    write_json(layout.tuned("none"), UNTUNED)
    write_json(layout.recipe("none"), [])
    return layout


def train(layout: Layout, jobs: int) -> Mapping[str, float | str]:
    """Run the stage; wall time, processor time of all processes, and the digest of the model."""
    begun, before = time.perf_counter(), os.times()
    command = [sys.executable, "pipelines/train.py", NAME]
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "FAKEFACES_JOBS": str(jobs)}
    subprocess.run(command, cwd=layout.root, env=environ, check=True, stderr=subprocess.DEVNULL)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall": time.perf_counter() - begun, "processor": processor, "digest": digest(layout.model(NAME))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"images": 600, "size": 96, "seeds": 4, "epochs": 6, "rounds": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--jobs", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        layout = project_in(Path(temporary), options)
        train(layout, 1)  # makes the store, and compiles what is imported
        runs = [(jobs, train(layout, jobs)) for _ in range(options.rounds) for jobs in options.jobs]
    by_jobs = {jobs: [run for number, run in runs if number == jobs] for jobs in options.jobs}
    print(f"{options.seeds} trainings, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    first = statistics.median(float(run["wall"]) for run in by_jobs[options.jobs[0]])
    for jobs, of_jobs in by_jobs.items():
        wall, processor = (statistics.median(float(run[key]) for run in of_jobs) for key in ("wall", "processor"))
        print(f"jobs {jobs}: {wall:6.1f} s, {processor:6.1f} s of processors, {first / wall:.2f} times as fast")
    print("bytes:", json.dumps(sorted({str(run["digest"]) for _, run in runs})))


if __name__ == "__main__":
    main()
