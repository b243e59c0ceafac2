"""Explain the test images by each model: heatmaps, localization metrics, feature maps and filters."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import CvSplit, all_test_images, cv_splits, read_split
from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.evaluation.source_pairs import match_sources
from fakefaces.explain import explained_detector
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.explain.feature_maps import feature_maps, filters
from fakefaces.explain.ground_truth import GroundTruth, ground_truth_masks
from fakefaces.explain.heatmaps import detector_heatmaps
from fakefaces.explain.localization import evaluate_localization
from fakefaces.explain.part_outlines import outlines_of
from fakefaces.explain.plots import plot_feature_maps, plot_filters
from fakefaces.features.files import extract_files
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
    test_images = all_test_images(splits)
    ground_truth = ground_truth_masks(
        layout.data,
        test_images[test_images["label"] == 1],
        min_inliers=params.evaluate.source_inliers,
        seed=params.seed,
        threads=params.threads,
    )
    runtime.start(params.seed, params.threads, backend="tensorflow")  # whose gradients Grad-CAM takes
    localization: dict[str, LocalizationMetrics] = {}
    with atomic_write(layout.heatmaps) as folder:
        folder.mkdir()
        for name in params.train.models:
            try:
                heatmaps = explain_model(params, layout, name, splits, folder)
            except ModelError as error:
                echo(f"{name}: no heatmaps: {error}")
                continue
            # Stored and evaluated in 256 steps, so that the last digits of another processor do not show.
            quantized = (heatmaps * 255).round().astype(np.uint8)
            np.save(folder / f"{name}.npy", quantized)
            metrics = evaluate_localization(
                quantized / np.float32(255),
                test_images,
                ground_truth,
                random_maps=params.explain.random_maps,
                n_resamples=params.evaluate.n_resamples,
                seed=params.seed,
            )
            if metrics:
                localization[name] = metrics
                echo(f"{name:24} points at the forgery in {metrics.model.pointing} of {metrics.n} fakes")
        write_ground_truth(folder, list(test_images["image"]), ground_truth)
    records = {name: model.model_dump(mode="json", exclude_defaults=True) for name, model in localization.items()}
    write_json(layout.explanations, records)


def explain_model(
    params: Params, layout: Layout, name: str, splits: list[CvSplit], folder: Path
) -> NDArray[np.float32]:
    """Heatmaps (n, h, w) of :func:`all_test_images`, each by the network of its fold; plot fold 0's convolutions."""
    heatmaps: list[NDArray[np.float32]] = []
    images: list[str] = []
    with progress(f"explaining {name}", sum(len(split.test) for split in splits)) as step:
        for split in splits:
            folder_of_fold = layout.detector(name, split.fold, split.n_splits)
            loaded = explained_detector.load(folder_of_fold, threads=params.threads)
            spec, names = loaded.metadata.spec, sorted(split.test["image"])
            paths = [layout.data / image for image in names]
            inputs = extract_files(spec, paths, threads=params.threads)
            # the heatmaps of scores of parts; those of gradients need no faces to be found again
            outlines = outlines_of(paths, threads=params.threads) if spec.extractor == "residuals" else None
            heatmaps.append(detector_heatmaps(loaded, inputs, step, outlines))
            images += names
            if split.fold == 0 and spec.extractor == "pixels":
                plot_convolutions(params, loaded, inputs[0], names[0], folder)
            del loaded
            runtime.clear_session()
    return np.concatenate(heatmaps)[np.argsort(images)]


def plot_convolutions(
    params: Params, loaded: ExplainedDetector, pixels: NDArray[np.uint8], image: str, folder: Path
) -> None:
    """Plot the feature maps of one test image and the filters, where the network has convolutions."""
    name, limits = loaded.metadata.model, params.explain
    layers = feature_maps(loaded.network, pixels, layers=limits.layers, maps=limits.maps)
    if layers:
        plot_feature_maps(folder / f"{name}_feature_maps.png", pixels, layers, f"{name}: feature maps of {image}")
    kernels = filters(loaded.network, layers=limits.layers)
    if kernels:
        plot_filters(folder / f"{name}_filters.png", kernels, f"{name}: filters")


def write_ground_truth(folder: Path, images: list[str], ground_truth: dict[str, GroundTruth]) -> None:
    """Write the origin of each test image's ground truth (empty if there is none), and the masks, packed to bits."""
    origins = [ground_truth[image].origin if image in ground_truth else "" for image in images]
    write_text(folder / "images.csv", pd.DataFrame({"image": images, "truth": origins}).to_csv(index=False))
    masks = [ground_truth[image].mask for image in images if image in ground_truth]
    np.save(folder / "masks.npy", np.packbits(np.stack(masks), axis=-1) if masks else np.zeros((0, 0, 0), np.uint8))


if __name__ == "__main__":
    run_stage(main, Params)
