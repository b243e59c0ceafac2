"""How a project's models do on all of its test images after a change; the pipeline takes `corrupt.images` of them.

    uv run python benchmarks/robustness.py PROJECT [--models forensic] [--levels jpeg:80 resize:0.75]

PROJECT is a clone in which `dvc repro` has run. Each test image is put through the change and then through the encoder,
as the corrupt stage does it, and scored by the model of its fold, which is not retrained.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.corruptions import Level, corrupt
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.features.extract import seen
from fakefaces.inference import detector
from fakefaces.models import runtime
from fakefaces.params.file import Params, load

CHUNK = 64


def changed(loaded: detector.Detector, paths: list[Path], level: Level | None, params: Params) -> Iterator[np.ndarray]:
    """What the detector is given of the images after the change, or as they are, a chunk at a time."""
    metadata = loaded.metadata

    def one(place: int) -> np.ndarray:
        pixels = images.decode(images.read(paths[place]), str(paths[place]))
        if level:
            pixels = corrupt(pixels, level, quality=params.corrupt.quality, seed=[params.seed, place])
        return seen(metadata.extractor, pixels, metadata.image_size, crop=metadata.crop)

    with ThreadPoolExecutor(params.threads) as pool:
        for start in range(0, len(paths), CHUNK):
            yield np.stack(list(pool.map(one, range(start, min(start + CHUNK, len(paths))))))


def scored(layout: Layout, params: Params, name: str, level: Level | None) -> pd.DataFrame:
    """The test images of all folds with their scores."""
    found = []
    for split in cv_splits(read_split(layout.images)):
        loaded = detector.load(layout.detector(name, split.fold, split.n_splits))
        tested = split.test
        paths = [layout.data / image for image in tested["image"]]
        what = f"{name}, fold {split.fold + 1}, {'as they are' if level is None else level}"
        chunks = track(changed(loaded, paths, level, params), what, -(-len(paths) // CHUNK))
        found.append(tested.assign(p_fake=np.concatenate([loaded.p_fake(views) for views in chunks])))
        del loaded
        runtime.forget()
    return pd.concat(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("project", type=Path)
    parser.add_argument("--models", nargs="+", default=["forensic"])
    parser.add_argument("--levels", nargs="+", default=["jpeg:80", "resize:0.75"], metavar="TRANSFORM:LEVEL")
    given = parser.parse_args()
    layout, params = Layout(given.project.resolve()), load(given.project / "params.yaml")
    runtime.start(params.seed, params.threads)
    levels: list[Level | None] = [None]
    levels += [(name, float(value)) for name, _, value in (text.partition(":") for text in given.levels)]
    print("| model | images | after | ROC AUC | accuracy |\n| --- | --- | --- | --- | --- |")
    for name in given.models:
        for level in levels:
            table = scored(layout, params, name, level)
            record = evaluate_scores(table.assign(encoding="", source=None), n_resamples=1000, seed=params.seed)[
                "overall"
            ]
            shown = [f"{record[key]:.3f} [{low:.2f}, {high:.2f}]" for key in ("roc_auc", "accuracy")
                     for low, high in [record["intervals"][key]]]  # fmt: skip
            what = "nothing" if level is None else f"{level[0]} {level[1]:g}"
            print(f"| {name} | {len(table)} | {what} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
