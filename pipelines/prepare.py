"""Make one view of all images: decoded once, scaled, and passed through a frozen backbone if it has one.

Or measured at native resolution, with copies to train on, if it reads traces.
"""

from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import progress
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.faces import find_faces
from fakefaces.features.residual_dataset import measure
from fakefaces.features.residuals.features import FAMILIES
from fakefaces.features.resize import make_pixels
from fakefaces.features.roi_pooling import boxed, embedding
from fakefaces.models import runtime
from fakefaces.models.backbones import Backbone, cut, features, make_backbone
from fakefaces.params.prepare import FeatureSet, Prepare


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    prepare: Prepare


def main(params: Params, layout: Layout, name: str) -> None:
    view = params.prepare.features[name]
    names = pd.read_csv(layout.facts, dtype={"image": "str"})["image"]
    if view.extractor == "residuals":
        write_traces(params, layout, name, names)
        return
    arrays: np.ndarray = make_pixels(layout.data, names, view.image_size, threads=params.threads)
    with atomic_write(layout.features(name)) as folder:
        folder.mkdir()
        origin = "trained from scratch"
        if view.backbone:
            backbone = backbone_of(view, view.backbone, view.image_size, params, layout)
            frozen, trained = cut(backbone.network, view.trainable_from)
            with progress(f"{view.backbone} features", len(arrays)) as step:
                arrays = features(frozen, arrays, step)
            origin = f"{view.backbone} {backbone.weights}"
            runtime.save_network(frozen, folder / "frozen.keras")
            if trained is not None:
                runtime.save_network(trained, folder / "trained.keras")
        np.save(folder / "arrays.npy", arrays)
        write_json(folder / "view.json", {"image_size": view.image_size, "weights": origin})


def write_traces(params: Params, layout: Layout, name: str, names: pd.Series) -> None:
    """The view of a forensic model; nothing in it depends on the split."""
    view = params.prepare.features[name]
    faces = find_faces(layout.data).set_index("image").loc[names].reset_index()
    frozen, origin, families = None, "trained from scratch", list(FAMILIES)
    if view.backbone:
        backbone = backbone_of(view, view.backbone, view.crop, params, layout)
        frozen, pooled = boxed(backbone.network, view.layers)
        families += pooled
        origin = f"{view.backbone} {backbone.weights}"
    traces = measure(
        layout.data,
        faces,
        longest=view.image_size,
        copies=view.copies,
        seed=params.seed,
        threads=params.threads,
        crop=view.crop,
        embed=embedding(frozen) if frozen is not None else None,
    )
    with atomic_write(layout.features(name)) as folder:
        folder.mkdir()
        if frozen is not None:
            runtime.save_network(frozen, folder / "frozen.keras")
        np.save(folder / "arrays.npy", traces.arrays)
        np.save(folder / "made.npy", traces.made)
        write_text(folder / "made.csv", traces.table.to_csv(index=False))
        about: dict[str, Any] = {"image_size": view.image_size, "weights": origin, "extractor": view.extractor}
        about |= {"crop": view.crop if view.backbone else 0, "families": families}
        write_json(folder / "view.json", about)


def backbone_of(view: FeatureSet, name: str, size: int, params: Params, layout: Layout) -> Backbone:
    """TensorFlow started, and the backbone that a view asks for, for inputs of ``size`` pixels."""
    runtime.start(params.seed, params.threads)
    return make_backbone(
        name,
        size=size,
        weights=view.weights,
        allow_random=view.allow_random_weights,
        seed=params.seed,
        root=layout.root,
    )


if __name__ == "__main__":
    run_stage(main, Params)
