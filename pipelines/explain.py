"""Where each model sees the forgery in the test images, and whether it is there; its feature maps and filters."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import all_test_images, cv_splits, read_split
from fakefaces.evaluation.evaluate import match_sources
from fakefaces.evaluation.scores import rounded
from fakefaces.explain.features import feature_maps, filters
from fakefaces.explain.heat import detector_heat
from fakefaces.explain.judging import judge_heat
from fakefaces.explain.pictures import draw_feature_maps, draw_filters
from fakefaces.explain.truth import truths
from fakefaces.features.extract import read_all
from fakefaces.inference import detector
from fakefaces.models import runtime
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.explain import Explain
from fakefaces.params.train import Train


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    train: Train
    evaluate: Evaluate
    explain: Explain


def main(params: Params, layout: Layout) -> None:
    table = read_split(layout.images)
    pairs = pd.read_csv(layout.duplicate_pairs, dtype={"a": "str", "b": "str"})
    table = table.assign(source=match_sources(table, pairs, min_inliers=params.evaluate.source_inliers))
    splits = cv_splits(table)
    tested = all_test_images(splits)
    known = truths(
        layout.data,
        tested[tested["label"] == 1],
        min_inliers=params.evaluate.source_inliers,
        seed=params.seed,
        threads=params.threads,
    )
    runtime.start(params.seed, params.threads)
    record: dict[str, Any] = {}
    with atomic_write(layout.heatmaps) as folder:
        folder.mkdir()
        for name in params.train.models:
            heat = explained(params, layout, name, tested, len(splits), folder)
            if heat is None:
                continue
            # Kept in 256 steps, and judged as kept: the last digits of another processor do not show.
            kept = (heat * 255).round().astype(np.uint8)
            np.save(folder / f"{name}.npy", kept)
            sampling = {"n_resamples": params.evaluate.n_resamples, "seed": params.seed}
            found = judge_heat(
                kept / np.float32(255), tested, known, random_maps=params.explain.random_maps, **sampling
            )
            if found:
                record[name] = rounded(found)
                echo(f"{name:24} points at the forgery in {found['pointing']:.3f} of {found['n']} fakes")
        origins = tested["image"].map({image: truth.origin for image, truth in known.items()})
        write_text(folder / "images.csv", tested[["image"]].assign(truth=origins).to_csv(index=False))
        masks = [known[image].mask for image in tested["image"] if image in known]
        np.save(folder / "masks.npy", np.packbits(np.stack(masks), axis=-1) if masks else np.zeros((0, 0, 0), np.uint8))
    write_json(layout.explanations, record)


def explained(
    params: Params, layout: Layout, name: str, tested: pd.DataFrame, count: int, folder: Path
) -> NDArray[np.float32] | None:
    """The heat maps of all test images by one model, each by the network of its round; its pictures on the way."""
    heat: NDArray[np.float32] | None = None
    with progress(f"explaining {name}", len(tested)) as step:
        for number in range(count):
            loaded = detector.load(layout.detector(name, number, count))
            rows = np.flatnonzero(tested["fold"] == number)
            metadata, paths = loaded.metadata, [layout.data / image for image in tested["image"].iloc[rows]]
            views = read_all(paths, metadata.extractor, metadata.image_size, crop=metadata.crop, threads=params.threads)
            try:
                maps = detector_heat(loaded, views, step)
            except ModelError as error:
                echo(f"{name}: no heat maps: {error}")
                return None
            heat = np.zeros((len(tested), *maps.shape[1:]), np.float32) if heat is None else heat
            heat[rows] = maps
            if number == 0 and loaded.metadata.extractor == "pixels":
                draw(params, loaded, views[0], tested["image"].iloc[rows[0]], folder)
            del loaded
            runtime.forget()
    return heat


def draw(params: Params, loaded: detector.Detector, pixels: NDArray[np.uint8], image: str, folder: Path) -> None:
    """The feature maps of one test image and the filters, where the network has convolutions."""
    name, limits = loaded.metadata.model, params.explain
    maps = feature_maps(loaded.network, pixels, layers=limits.layers, maps=limits.maps)
    if maps:
        draw_feature_maps(folder / f"{name}_feature_maps.png", pixels, maps, f"{name}: feature maps of {image}")
    kernels = filters(loaded.network, layers=limits.layers)
    if kernels:
        draw_filters(folder / f"{name}_filters.png", kernels, f"{name}: filters")


if __name__ == "__main__":
    run_stage(main, Params)
