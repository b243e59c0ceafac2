"""Extract one feature set of all images, and pass it through a frozen backbone if the feature set names one."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.base.digests import digest_of
from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.array_file import ArrayFile
from fakefaces.data.computed import Computed, Values, version_of
from fakefaces.data.photographs import list_photographs
from fakefaces.features.extract import extract_bytes
from fakefaces.features.feature_sets import spec_of
from fakefaces.features.residual_dataset import ResidualExtractor, copies_table
from fakefaces.features.residuals.descriptor import GROUP_SIZES
from fakefaces.features.spec import FeatureSpec
from fakefaces.graphs.graph import Graph
from fakefaces.models import runtime
from fakefaces.models.backbones import Backbone, cut, make_backbone
from fakefaces.models.export import export
from fakefaces.models.roi_pooling import roi_pooled
from fakefaces.params.prepare import FeatureSet, Prepare

Description = tuple[FeatureSpec, str, list[int]]  # what is read, the origin of the weights, and the sizes of groups


@dataclass(frozen=True)
class FrozenBackbone:
    """The frozen part of a backbone, as files and as the graph that computes features, here and in every detector."""

    graph: Graph
    files: dict[str, bytes]  # by name, of the feature set's folder
    weights: str  # where they are from
    group_sizes: list[int]  # features of each layer that is pooled; none where all is pooled


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    prepare: Prepare


def main(params: Params, layout: Layout, name: str) -> None:
    feature_set = params.prepare.features[name]
    write = write_residuals if feature_set.extractor == "residuals" else write_pixels
    weights_file = layout.root / feature_set.weights
    settings = [params.seed, feature_set.model_dump(), digest_of([weights_file] if weights_file.is_file() else [])]
    with (
        atomic_write(layout.features(name)) as folder,
        Computed(layout.computed(f"prepare-{name}"), version_of(layout, "prepare", settings)) as computed,
    ):
        folder.mkdir()
        spec, weights, group_sizes = write(params, layout, feature_set, folder, computed)
        harmonise = spec.harmonise.model_dump() if spec.harmonise else None
        described = vars(spec) | {"harmonise": harmonise, "weights": weights, "group_sizes": group_sizes}
        write_json(folder / "features.json", described)


def write_pixels(
    params: Params, layout: Layout, feature_set: FeatureSet, folder: Path, computed: Computed
) -> Description:
    """Write the scaled pixels, or the features of a backbone that reads them."""
    spec, backbone = spec_of(feature_set), frozen_backbone(params, layout, feature_set, folder, computed)

    def features(data: bytes, name: str) -> Values:
        pixels = extract_bytes(spec, data, name)
        return (backbone.graph(pixels) if backbone else pixels,)

    contents = accepted_images(layout)
    results = computed.each(layout.data, contents, features, threads=params.threads, description="decoding")
    with ArrayFile(folder / "arrays.npy", len(contents)) as arrays:
        for (row,) in results:
            arrays.add(row[None])
    return spec, backbone.weights if backbone else "trained from scratch", []


def write_residuals(
    params: Params, layout: Layout, feature_set: FeatureSet, folder: Path, computed: Computed
) -> Description:
    """Write the residual features of images and copies, with those of a backbone; they do not depend on the split."""
    backbone = frozen_backbone(params, layout, feature_set, folder, computed)
    extractor = ResidualExtractor(feature_set, params.seed, backbone.graph if backbone else None)
    contents, copies = accepted_images(layout), feature_set.copies
    faces = list_photographs(layout.data).set_index("image").loc[list(contents)].reset_index()
    results = computed.each(layout.data, contents, extractor, threads=params.threads, description="residual features")
    face_sizes = []
    with (
        ArrayFile(folder / "arrays.npy", len(contents)) as originals,
        ArrayFile(folder / "copies.npy", len(contents) * copies) as copied,
        ArrayFile(folder / "strangers.npy", len(contents)) as strangers,
    ):
        for versions, face_size in results:
            originals.add(versions[:1])
            copied.add(versions[1 : 1 + copies])
            strangers.add(versions[None, 1 + copies :])
            face_sizes.append(face_size)
    np.save(folder / "face_sizes.npy", np.stack(face_sizes))
    write_text(folder / "copies.csv", copies_table(faces, copies).to_csv(index=False))
    group_sizes = [*GROUP_SIZES, *(backbone.group_sizes if backbone else [])]
    return spec_of(feature_set), backbone.weights if backbone else "trained from scratch", group_sizes


def accepted_images(layout: Layout) -> dict[str, str]:
    """The sha256 of each accepted image by its path below ``data/``, in the order of the features."""
    facts = pd.read_csv(layout.facts, dtype={"image": "str", "sha256": "str"}, keep_default_na=False)
    return dict(zip(facts["image"], facts["sha256"], strict=True))


def frozen_backbone(
    params: Params, layout: Layout, feature_set: FeatureSet, folder: Path, computed: Computed
) -> FrozenBackbone | None:
    """Write the files of a frozen backbone to the folder, those of an earlier run where nothing about it has changed.

    So TensorFlow, which cuts and exports it, starts only then. Random weights that took the place of a download are
    not kept: the next run tries again.
    """
    if not feature_set.backbone:
        return None
    made: list[FrozenBackbone] = []

    def make() -> Values:
        made.append(make_frozen(params, layout, feature_set, feature_set.backbone or "", folder))
        names, contents = zip(*made[0].files.items(), strict=True)
        texts = np.array([made[0].weights, *names])
        return texts, np.array(made[0].group_sizes, np.int64), *(np.frombuffer(data, np.uint8) for data in contents)

    (origin, *names), sizes, *contents = computed.once(
        "backbone", make, keep=lambda values: "(" not in str(values[0][0])
    )
    if made:
        return made[0]
    files = {str(name): content.tobytes() for name, content in zip(names, contents, strict=True)}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return FrozenBackbone(Graph(files["frozen.onnx"]), files, str(origin), sizes.tolist())


def make_frozen(params: Params, layout: Layout, feature_set: FeatureSet, name: str, folder: Path) -> FrozenBackbone:
    """Build a backbone, cut it, and write its parts and its inference graph to the folder."""
    group_sizes: list[int] = []
    if feature_set.extractor == "residuals":
        backbone = load_backbone(feature_set, name, feature_set.crop, params, layout)
        frozen, group_sizes = roi_pooled(backbone.network, feature_set.layers)
    else:
        backbone = load_backbone(feature_set, name, feature_set.image_size, params, layout)
        frozen, trainable = cut(backbone.network, feature_set.trainable_from)
        if trainable is not None:
            runtime.save_network(trainable, folder / "trainable.keras")
    runtime.save_network(frozen, folder / "frozen.keras")
    (folder / "frozen.onnx").write_bytes(export(frozen))
    files = {path.name: path.read_bytes() for path in [*sorted(folder.glob("*.keras")), folder / "frozen.onnx"]}
    return FrozenBackbone(Graph(files["frozen.onnx"]), files, f"{backbone.name} {backbone.weights}", group_sizes)


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
