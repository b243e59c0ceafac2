"""How a project's models do on all of its test images after a change; the pipeline takes `corrupt.images` of them.

    uv run python benchmarks/robustness.py PROJECT [--models forensic] [--levels jpeg:80 resize:0.75]

PROJECT is a clone in which `dvc repro` has run. Each test image is put through the change and then through the encoder,
as the corrupt stage does it, and scored by the model of its fold, which is not retrained.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.corruptions import Level, corrupt
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.features.extract import extract
from fakefaces.inference import detector
from fakefaces.params.file import Params, load

CHUNK = 64


def changed(loaded: detector.Detector, paths: list[Path], level: Level | None, params: Params) -> Iterator[np.ndarray]:
    """What the detector is given of the images after the change, or as they are, a chunk at a time."""

    def features(row: int) -> NDArray[Any]:
        pixels = images.decode(images.read(paths[row]), str(paths[row]))
        if level:
            pixels = corrupt(pixels, level, quality=params.corrupt.quality, seed=[params.seed, row])
        return extract(loaded.metadata.spec, pixels)

    with ThreadPoolExecutor(params.threads) as pool:
        for start in range(0, len(paths), CHUNK):
            yield np.stack(list(pool.map(features, range(start, min(start + CHUNK, len(paths))))))


def scored(layout: Layout, params: Params, name: str, level: Level | None) -> pd.DataFrame:
    """The test images of all folds with their scores."""
    found = []
    for split in cv_splits(read_split(layout.images)):
        loaded = detector.load(layout.detector(name, split.fold, split.n_splits))
        tested = split.test
        paths = [layout.data / image for image in tested["image"]]
        what = f"{name}, fold {split.fold + 1}, {'as they are' if level is None else level}"
        chunks = track(changed(loaded, paths, level, params), what, -(-len(paths) // CHUNK))
        found.append(tested.assign(p_fake=np.concatenate([loaded.p_fake(chunk) for chunk in chunks])))
    return pd.concat(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("project", type=Path)
    parser.add_argument("--models", nargs="+", default=["forensic"])
    parser.add_argument("--levels", nargs="+", default=["jpeg:80", "resize:0.75"], metavar="TRANSFORM:LEVEL")
    arguments = parser.parse_args()
    layout, params = Layout(arguments.project.resolve()), load(arguments.project / "params.yaml")
    levels: list[Level | None] = [None]
    levels += [(name, float(value)) for name, _, value in (text.partition(":") for text in arguments.levels)]
    print("| model | images | after | ROC AUC | accuracy |\n| --- | --- | --- | --- | --- |")
    for name in arguments.models:
        for level in levels:
            table = scored(layout, params, name, level)
            test = evaluate_scores(table, params.train.threshold, Resampling(1000, params.seed)).overall
            what = "nothing" if level is None else f"{level[0]} {level[1]:g}"
            print(f"| {name} | {len(table)} | {what} | {test.roc_auc} | {test.accuracy} |", flush=True)


if __name__ == "__main__":
    main()
