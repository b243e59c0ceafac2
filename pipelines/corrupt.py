"""Corrupt test images at every level, once for all models: each is decoded once, and stored as features."""

import hashlib
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.base.files import atomic_write, write_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.computed import Computed, version_of
from fakefaces.data.contents import content_digests
from fakefaces.data.corruptions import corrupt, levels
from fakefaces.data.splits import all_test_images, cv_splits, draw, read_split
from fakefaces.features.extract import extract
from fakefaces.features.feature_sets import spec_of
from fakefaces.params.corrupt import Corrupt
from fakefaces.params.prepare import Prepare


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    corrupt: Corrupt
    prepare: Prepare


def main(params: Params, layout: Layout) -> None:
    names = sampled_test_images(read_split(layout.images), params.corrupt.images, params.seed)
    all_levels = levels(params.corrupt.model_dump(include={"jpeg", "blur", "resize", "noise"}))
    specs = sorted({spec_of(features) for features in params.prepare.features.values()}, key=attrgetter("file_name"))
    quality = params.corrupt.quality

    def corrupted_features(data: bytes, name: str) -> tuple[np.ndarray, ...]:
        """For each specification the features of one image at each level; its noise depends on its bytes alone."""
        pixels = images.decode(data, name)
        seed = [params.seed, int.from_bytes(hashlib.sha256(data).digest()[:6], "big")]
        versions = [corrupt(pixels, level, quality=quality, seed=seed) for level in all_levels]
        return tuple(np.stack([extract(spec, version) for version in versions]) for spec in specs)

    settings = [params.seed, params.corrupt.model_dump(exclude={"images"}), [repr(spec) for spec in specs]]
    with (
        atomic_write(layout.corrupted) as folder,
        Computed(layout.computed("corrupt"), version_of(layout, "corrupt", settings)) as computed,
    ):
        folder.mkdir()
        contents = content_digests(layout.data, names)
        results = computed.each(
            layout.data, contents, corrupted_features, threads=params.threads, description="corrupting"
        )
        arrays: list[np.ndarray] = []
        for number, by_spec in enumerate(results):
            if not arrays:
                arrays = [created(folder / s.file_name, f, len(names)) for s, f in zip(specs, by_spec, strict=True)]
            for array, features in zip(arrays, by_spec, strict=True):
                array[:, number] = features
        del arrays  # written to the disk
        write_json(folder / "index.json", {"images": names, "levels": all_levels})
    echo(f"{len(names)} test images at {len(all_levels)} levels")


def created(path: Path, features: np.ndarray, n: int) -> np.ndarray:
    """An array on disk (levels, n, ...) for the features (levels, ...) of n images."""
    shape = (len(features), n, *features.shape[1:])
    return np.lib.format.open_memmap(path, mode="w+", dtype=features.dtype, shape=shape)


def sampled_test_images(table: pd.DataFrame, most: int, seed: int) -> list[str]:
    """About ``most`` test images of all CV splits: whole groups, in an order that other groups do not change."""
    tested = all_test_images(cv_splits(table))
    order = tested["group"].map({group: draw(group, f"{seed} corrupt") for group in tested["group"].unique()})
    in_order = tested.assign(order=order).sort_values(["order", "image"], kind="stable")
    return sorted(in_order["image"].head(most))


if __name__ == "__main__":
    run_stage(main, Params)
