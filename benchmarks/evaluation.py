"""What the evaluation of one model costs, beside the forward passes that it needs.

``uv run python benchmarks/evaluation.py`` takes 400 images of the sample at all levels of params.yaml and the custom
CNN, and prints three times and their ratio: the bare forward passes; the same images scored as the score stage does;
and all figures, with 2,000 n_resamples, from these scores. Distorting the images is timed too: it is done once for all
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
from fakefaces.data.faces import find_faces
from fakefaces.evaluation.evaluate import judge
from fakefaces.inference.detector import Detector
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load

ROOT = Path(__file__).parents[1]
IMAGES, SIZE, DRAWS = 400, 128, 2000


def timed(what: str, call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.2f} s", flush=True)
    return seconds, result


def main() -> None:
    params = load(ROOT / "params.yaml")
    runtime.start(params.seed, params.threads)
    faces = find_faces(ROOT / "samples").sample(IMAGES, random_state=0).reset_index(drop=True)
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
    detector = Detector(network, metadata)
    every = [pixels[0], *pixels]
    batches = [part[k : k + 32].astype(np.float32) for part in every for k in range(0, IMAGES, 32)]
    network.predict_on_batch(batches[0])
    passes, _ = timed("forward passes", lambda: [network.predict_on_batch(batch) for batch in batches])
    scoring, scores = timed("scoring", lambda: [detector.p_fake(part) for part in every])
    test = faces.assign(group=faces["image"], p_fake=scores[0], encoding="a", source=None)
    corrupted_scores = pd.concat(
        faces[["image"]].assign(transform=transform, level=level, p_fake=p)
        for (transform, level), p in zip(known, scores[1:], strict=True)
    )
    rules = {f"rule {k}": pd.Series(np.linspace(0.1, 0.9, IMAGES), index=faces["image"]) for k in range(4)}
    figures, _ = timed(
        f"all figures with {DRAWS} n_resamples",
        lambda: judge(
            test,
            test,
            corrupted_scores=corrupted_scores,
            rules=rules,
            threshold=0.5,
            max_fpr=0.1,
            max_fnr=0.1,
            n_resamples=DRAWS,
            seed=0,
        ),
    )
    print(f"(scoring + figures) / forward passes: {(scoring + figures) / passes:.2f}")


if __name__ == "__main__":
    main()
