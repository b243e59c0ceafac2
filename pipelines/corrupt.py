"""Corrupt test images at every level, once for all models: each is decoded once, and stored as features."""

from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter

import numpy as np
import pandas as pd

from fakefaces.base.files import atomic_write, write_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, track
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.corruptions import corrupt, levels
from fakefaces.data.splits import all_test_images, cv_splits, read_split
from fakefaces.features.extract import extract
from fakefaces.features.feature_sets import spec_of
from fakefaces.features.spec import FeatureSpec
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
    arrays: dict[FeatureSpec, np.ndarray] = {}

    def corrupted_features(number: int) -> list[list[np.ndarray]]:
        """For each level the features of one image, for each specification."""
        pixels = images.decode(images.read(layout.data / names[number]), names[number])
        seed, quality = [params.seed, number], params.corrupt.quality
        corrupted = (corrupt(pixels, level, quality=quality, seed=seed) for level in all_levels)
        return [[extract(spec, version) for spec in specs] for version in corrupted]

    with ThreadPoolExecutor(params.threads) as pool:
        results = pool.map(corrupted_features, range(len(names)))
        for number, by_level in enumerate(track(results, "corrupting", len(names))):
            for k, by_spec in enumerate(by_level):
                for spec, features in zip(specs, by_spec, strict=True):
                    if spec not in arrays:
                        arrays[spec] = np.empty((len(all_levels), len(names), *features.shape), features.dtype)
                    arrays[spec][k, number] = features
    with atomic_write(layout.corrupted) as folder:
        folder.mkdir()
        for spec, array in arrays.items():
            np.save(folder / spec.file_name, array)
        write_json(folder / "index.json", {"images": names, "levels": all_levels})
    echo(f"{len(names)} test images at {len(all_levels)} levels")


def sampled_test_images(table: pd.DataFrame, most: int, seed: int) -> list[str]:
    """About ``most`` test images of all CV splits: whole groups in random order."""
    tested = all_test_images(cv_splits(table))
    groups = tested["group"].drop_duplicates().sort_values().to_numpy()
    order = pd.Series(np.random.default_rng(seed).permutation(len(groups)), index=groups)
    in_order = tested.assign(order=tested["group"].map(order)).sort_values(["order", "image"], kind="stable")
    return sorted(in_order["image"].head(most))


if __name__ == "__main__":
    run_stage(main, Params)
