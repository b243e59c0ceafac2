"""The most memory that the stages which work on images hold, by the number of images of 256 pixels a side.

    uv run python benchmarks/memory.py stages [--images 1000 4000] [--residuals]
    uv run python benchmarks/memory.py rows [--images 1000 4000 16000 100000] [--residuals [--copies 2] [--maps]]

`stages` draws pictures of noise into a temporary project and runs each stage in a process of its own, as DVC does; the
search for near-duplicates is left out, as benchmarks/duplicates.py measures it. `rows` trains on rows that stand in
files with holes, so that 100,000 of them take hardly any room on the disk: the custom CNN for twenty steps, each of
which reads its own batch, or `forensic` (`--residuals`) as a whole, with as many strangers as images, and `--copies` of
each image, and with features of a backbone's maps besides the hand-made ones (`--maps`). Of its rows 4,000 at most of
each sort, evenly spaced, are random numbers.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from fakefaces.data.face_regions import NAMES
from fakefaces.data.faces import PARTS
from fakefaces.features.residuals.descriptor import GROUP_SIZES

ROOT = Path(__file__).parents[1]
SIZE, LIMIT, STEPS, RANDOM = 256, 3.0, 20, 4000
MAPS = (384, 768, 1152, 1152)  # features of the maps of MobileNetV2 that are pooled where params.yaml names no others
Measure = dict[str, tuple[float, float]]  # by stage: GB at most, and seconds of processor time


def run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """The most memory of a process, GB, and its processor time, s."""
    environ = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PYTHONPATH": str(ROOT / "src")}
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, env=environ, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed: {log.read_text(errors='replace')[-1500:]}")
    return used.ru_maxrss / 1024**2, used.ru_utime + used.ru_stime


def draw(data: Path, images: int) -> None:
    """Pictures of coloured noise, JPEG, in two class folders."""
    import cv2

    rng = np.random.default_rng(0)
    for name in ("real", "fake"):
        (data / name).mkdir(parents=True)
    for k in range(images):
        small = rng.integers(0, 256, (SIZE // 8, SIZE // 8, 3), dtype=np.uint8)
        picture = cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(data / ("real", "fake")[k % 2] / f"{k:06}.jpg"), picture)


def parameters(*, residuals: bool) -> dict[str, Any]:
    """The parameters of this checkout with one feature set of 256 pixels, or that of `forensic`, and a model for it."""
    values: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    if residuals:
        values["prepare"]["features"] = {"residuals": values["prepare"]["features"]["residuals"]}
        values["train"]["models"] = {"model": {"kind": "forensic", "features": "residuals", "augment": "none"}}
    else:
        values["prepare"]["features"] = {"pixels": {"image_size": SIZE}}
        values["train"]["models"] = {"model": {"kind": "custom_cnn", "features": "pixels", "augment": "standard"}}
    values["train"]["fit"]["epochs"] = 1
    values["tune"]["features"] = next(iter(values["prepare"]["features"]))
    return values


def stages(folder: Path, images: int, *, residuals: bool) -> Measure:
    for name in ("src", "pipelines", "dvc.yaml"):
        (folder / name).symlink_to(ROOT / name)
    for name in (".dvc", "reports", "outputs/tune"):
        (folder / name).mkdir(parents=True)
    draw(folder / "data", images)
    values = parameters(residuals=residuals)
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    (folder / "reports" / "duplicate_pairs.csv").write_text("a,b,inliers\n", encoding="utf-8")
    (folder / "outputs" / "tune" / "none.json").write_text('{"settings": {}, "fit": {}, "augment": {}}')
    features = next(iter(values["prepare"]["features"]))
    order = (["split"], ["validate"], ["augment"], ["prepare", features], ["train", "model"], ["corrupt"], ["score"])
    measured: Measure = {}
    for name, *arguments in order:
        measured[" ".join([name, *arguments])] = run([f"pipelines/{name}.py", *arguments], folder)
        print(f"{images}: {name} {measured[' '.join([name, *arguments])]}", flush=True)
    return measured


def rows(folder: Path, images: int, *, residuals: bool, copies: int = 0, maps: bool = False) -> Measure:
    """The training of a network on rows that take no room on the disk, or of `forensic` on some random numbers."""
    sizes = [*GROUP_SIZES, *(MAPS if maps else ())] if residuals else []
    if residuals:
        rng, shape = np.random.default_rng(0), (len(NAMES), sum(sizes) + 1)
        sorts = {"arrays": (images, *shape), "strangers": (images, 1, *shape)}
        if copies:
            sorts["copies"] = (images * copies, *shape)
            names = pd.DataFrame({"image": [f"{k}.jpg" for k in range(images)], "label": np.arange(images) % 2})
            names.loc[names.index.repeat(copies)].assign(**dict.fromkeys(PARTS, -1)).to_csv(
                folder / "copies.csv", index=False
            )
        for name, whole in sorts.items():
            array = np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.float32, shape=whole)
            for k in range(0, len(array), -(-len(array) // RANDOM)):
                array[k] = rng.normal(size=whole[1:])
            del array  # its pages would count as memory of this process
        np.save(folder / "face_sizes.npy", np.full(images, 100, np.float32))
    else:
        np.lib.format.open_memmap(
            folder / "arrays.npy", mode="w+", dtype=np.uint8, shape=(images, SIZE, SIZE, 3)
        )  # of zeros, which are not written
    extractor = "residuals" if residuals else "pixels"
    described = {"extractor": extractor, "image_size": SIZE, "crop": 0, "weights": "", "group_sizes": sizes}
    (folder / "features.json").write_text(json.dumps(described))
    kind = "forensic" if residuals else "custom_cnn"
    what = f"train, {kind}" + f", {copies} copies" * bool(copies) + ", maps" * maps
    return {what: run([__file__, "train", str(folder), str(images), kind], folder)}


def train(folder: Path, images: int, kind: str) -> None:
    from fakefaces.data.splits import CvSplit
    from fakefaces.models import runtime
    from fakefaces.models.kinds import model_spec
    from fakefaces.params.train import Fit
    from fakefaces.training import loop
    from fakefaces.training.augmentation import Augmenter, Recipe
    from fakefaces.training.batches import batches
    from fakefaces.training.familiarity import familiar
    from fakefaces.training.fit import load_features, train_network

    def some(arrays: Any, order: Any, augment: Augmenter, size: int) -> Iterator[Any]:
        yield from itertools.islice(batches(arrays, order, augment, size), STEPS)
        sys.stdout.flush()
        os._exit(0)

    vars(loop)["batches"] = some
    runtime.start(0, 2)
    names = np.where(np.arange(images) % 10 < 8, "train", "validation")
    labels = np.arange(images) % 2
    table = pd.DataFrame({"image": [f"{k}.jpg" for k in range(images)], "label": labels, "split": names})
    table["group"] = table["image"]
    table[list(PARTS)] = pd.NA
    features = load_features(folder, CvSplit(0, 1, table))
    spec = model_spec(kind, {}, "benchmark")
    config = loop.TrainingConfig(Fit(epochs=1, batch_size=32, learning_rate=1e-4, patience=1), Recipe([]), 0)
    network, _ = train_network(features, spec, config, unfinished=folder / "unfinished", on_epoch=lambda row: None)
    familiar(features, network)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("stages", "rows"))
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--residuals", action="store_true")
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--maps", action="store_true")
    arguments = parser.parse_args()
    table: dict[int, Measure] = {}
    for images in arguments.images:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            if arguments.what == "stages":
                table[images] = stages(Path(folder), images, residuals=arguments.residuals)
            else:
                options = {"residuals": arguments.residuals, "copies": arguments.copies, "maps": arguments.maps}
                table[images] = rows(Path(folder), images, **options)
            print(f"{images} images: {time.perf_counter() - begun:.0f} s", flush=True)
    print(f"GB at most, and seconds of processor time; the limit is {LIMIT} GB")
    print(f"| stage | {' | '.join(f'{images:,} images' for images in table)} |\n| --- |{' --- |' * len(table)}")
    for stage in table[arguments.images[0]]:
        cells = " | ".join("{:.2f} GB, {:.0f} s".format(*measured[stage]) for measured in table.values())
        print(f"| `{stage}` | {cells} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["train"]:
        train(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main()
