"""Extract one feature set of all images, and pass it through a frozen backbone if the feature set names one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import progress
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.photographs import list_photographs
from fakefaces.features.feature_sets import spec_of
from fakefaces.features.files import extract_files
from fakefaces.features.residual_dataset import compute_residual_dataset
from fakefaces.features.residuals.descriptor import GROUP_SIZES
from fakefaces.features.spec import FeatureSpec
from fakefaces.graphs.graph import Graph
from fakefaces.models import runtime
from fakefaces.models.backbones import Backbone, cut, make_backbone
from fakefaces.models.export import export
from fakefaces.models.roi_pooling import roi_pooled
from fakefaces.params.prepare import FeatureSet, Prepare

Description = tuple[FeatureSpec, str, list[int]]  # what is read, the origin of the weights, and the sizes of groups


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    prepare: Prepare


def main(params: Params, layout: Layout, name: str) -> None:
    feature_set = params.prepare.features[name]
    write = write_residuals if feature_set.extractor == "residuals" else write_pixels
    with atomic_write(layout.features(name)) as folder:
        folder.mkdir()
        spec, weights, group_sizes = write(params, layout, feature_set, folder)
        harmonise = spec.harmonise.model_dump() if spec.harmonise else None
        described = vars(spec) | {"harmonise": harmonise, "weights": weights, "group_sizes": group_sizes}
        write_json(folder / "features.json", described)


def write_pixels(params: Params, layout: Layout, feature_set: FeatureSet, folder: Path) -> Description:
    """Write the scaled pixels, or the features of a backbone that reads them."""
    spec = spec_of(feature_set)
    weights = "trained from scratch"
    paths = [layout.data / name for name in image_names(layout)]
    arrays = extract_files(spec, paths, threads=params.threads, description="decoding")
    if feature_set.backbone:
        backbone = load_backbone(feature_set, feature_set.backbone, spec.image_size, params, layout)
        frozen, trainable = cut(backbone.network, feature_set.trainable_from)
        graph = save_frozen(frozen, folder)
        with progress(f"{backbone.name} features", len(arrays)) as step:
            arrays = graph.map(arrays, threads=params.threads, step=step)
        if trainable is not None:
            runtime.save_network(trainable, folder / "trainable.keras")
        weights = f"{backbone.name} {backbone.weights}"
    np.save(folder / "arrays.npy", arrays)
    return spec, weights, []


def write_residuals(params: Params, layout: Layout, feature_set: FeatureSet, folder: Path) -> Description:
    """Write the residual features of images and copies, with those of a backbone; they do not depend on the split."""
    faces = list_photographs(layout.data).set_index("image").loc[image_names(layout)].reset_index()
    spec, weights, group_sizes, embed = spec_of(feature_set), "trained from scratch", list(GROUP_SIZES), None
    if feature_set.backbone:
        backbone = load_backbone(feature_set, feature_set.backbone, spec.crop, params, layout)
        frozen, pooled_sizes = roi_pooled(backbone.network, feature_set.layers)
        group_sizes += pooled_sizes
        embed = save_frozen(frozen, folder)
        weights = f"{backbone.name} {backbone.weights}"
    dataset = compute_residual_dataset(
        layout.data, faces, feature_set, seed=params.seed, threads=params.threads, embed=embed
    )
    np.save(folder / "arrays.npy", dataset.images)
    np.save(folder / "copies.npy", dataset.copies)
    write_text(folder / "copies.csv", dataset.copies_table.to_csv(index=False))
    np.save(folder / "strangers.npy", dataset.strangers)
    np.save(folder / "face_sizes.npy", dataset.face_sizes)
    return spec, weights, group_sizes


def save_frozen(frozen: Any, folder: Path) -> Graph:
    """Save a frozen backbone and its inference graph, which computes the features, here and in every detector."""
    runtime.save_network(frozen, folder / "frozen.keras")
    graph = export(frozen)
    (folder / "frozen.onnx").write_bytes(graph)
    return Graph(graph)


def image_names(layout: Layout) -> pd.Series:
    """The accepted images, whose order is that of the features."""
    return pd.read_csv(layout.facts, dtype={"image": "str"})["image"]


def load_backbone(feature_set: FeatureSet, name: str, size: int, params: Params, layout: Layout) -> Backbone:
    """Start TensorFlow and build the backbone of a feature set for images of ``size`` pixels a side."""
    runtime.start(params.seed, params.threads)
    return make_backbone(
        name,
        size=size,
        weights=feature_set.weights,
        allow_random=feature_set.allow_random_weights,
        seed=params.seed,
        root=layout.root,
    )


if __name__ == "__main__":
    run_stage(main, Params)
