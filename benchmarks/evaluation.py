"""The cost of evaluating one model, relative to its forward passes.

``uv run python benchmarks/evaluation.py`` takes 400 images of the sample at all levels of params.yaml and the custom
CNN, and prints three times and their ratio: the bare forward passes; the same images scored as the score stage does;
and all metrics, with 2,000 resamples, from these scores. Corrupting the images is timed too: it is done once for all
models.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.data import images
from fakefaces.data.corruptions import corrupt, levels
from fakefaces.data.photographs import list_photographs
from fakefaces.evaluation.evaluate import Evaluator
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.graphs.graph import Graph
from fakefaces.inference.detector import Detector
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.export import export
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load

ROOT = Path(__file__).parents[1]
IMAGES, SIZE, N_RESAMPLES = 400, 128, 2000


def timed(what: str, call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.2f} s", flush=True)
    return seconds, result


def main() -> None:
    params = load(ROOT / "params.yaml")
    runtime.start(params.seed, params.threads)
    faces = list_photographs(ROOT / "samples").sample(IMAGES, random_state=0).reset_index(drop=True)
    known = levels(params.corrupt.model_dump(include={"jpeg", "blur", "resize", "noise"}))

    def corrupted() -> np.ndarray:
        found = np.empty((len(known), IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
        for k, name in enumerate(faces["image"]):
            pixels = images.decode(images.read(ROOT / "samples" / name), name)
            for row, level in enumerate(known):
                changed = corrupt(pixels, level, quality=params.corrupt.quality, seed=[0, k])
                found[row, k] = images.resize(changed, SIZE)
        return found

    _, pixels = timed(f"corrupting {IMAGES} images at {len(known)} levels, on one thread", corrupted)
    network = model_spec("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3), None)
    metadata = DetectorMetadata(
        model="m", kind="custom_cnn", image_size=SIZE, weights="random", threshold=0.5, parameters=1
    )
    graph = Graph(export(network))
    detector = Detector(graph, metadata)
    every = [pixels[0], *pixels]
    passes, _ = timed("forward passes", lambda: [graph(image) for part in every for image in part])
    scoring, scores = timed("scoring", lambda: [detector.p_fake(part) for part in every])
    test = faces.assign(group=faces["image"], p_fake=scores[0], encoding="a", source=None)
    corrupted_scores = pd.concat(
        faces[["image"]].assign(transform=transform, level=level, p_fake=p)
        for (transform, level), p in zip(known, scores[1:], strict=True)
    )
    rules = {f"rule {k}": pd.Series(np.linspace(0.1, 0.9, IMAGES), index=faces["image"]) for k in range(4)}
    evaluator = Evaluator(0.1, 0.1, Resampling(N_RESAMPLES, seed=0), protocol="grouped", n_splits=1)
    scored = ScoredImages(validation=test, test=test)
    evaluation, _ = timed(
        f"all metrics with {N_RESAMPLES} resamples",
        lambda: evaluator.evaluate(scored, weights="random", threshold=0.5, corrupted=corrupted_scores, rules=rules),
    )
    print(f"(scoring + metrics) / forward passes: {(scoring + evaluation) / passes:.2f}")


if __name__ == "__main__":
    main()
