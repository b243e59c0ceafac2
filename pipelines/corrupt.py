"""Corrupt the test images at every level, once for all models: each is decoded once, and kept as each view reads it."""

from concurrent.futures import ThreadPoolExecutor

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
from fakefaces.features.extract import seen
from fakefaces.params.corrupt import Corrupt
from fakefaces.params.extractor import Extractor
from fakefaces.params.prepare import FeatureSet, Prepare


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    corrupt: Corrupt
    prepare: Prepare


def main(params: Params, layout: Layout) -> None:
    names = chosen(read_split(layout.images), params.corrupt.images, params.seed)
    known = levels(params.corrupt.model_dump(include={"jpeg", "blur", "resize", "noise"}))
    views = sorted({(v.extractor, v.image_size, crop_of(v)) for v in params.prepare.features.values()})
    kept: dict[tuple[Extractor, int, int], np.ndarray] = {}

    def one(place: int) -> list[list[np.ndarray]]:
        pixels = images.decode(images.read(layout.data / names[place]), names[place])
        levels = (corrupt(pixels, level, quality=params.corrupt.quality, seed=[params.seed, place]) for level in known)
        return [[seen(extractor, changed, size, crop=crop) for extractor, size, crop in views] for changed in levels]

    with ThreadPoolExecutor(params.threads) as pool:
        for place, found in enumerate(track(pool.map(one, range(len(names))), "corrupting", len(names))):
            for k, at_level in enumerate(found):
                for view, array in zip(views, at_level, strict=True):
                    if view not in kept:
                        kept[view] = np.empty((len(known), len(names), *array.shape), array.dtype)
                    kept[view][k, place] = array
    with atomic_write(layout.corrupted) as folder:
        folder.mkdir()
        for (extractor, size, crop), arrays in kept.items():
            np.save(layout.corrupted_features(extractor, size, crop, folder), arrays)
        write_json(folder / "index.json", {"images": names, "levels": known})
    echo(f"{len(names)} test images at {len(known)} levels")


def crop_of(view: FeatureSet) -> int:
    """The side of the face that is kept beside the traces; 0 where none is."""
    return view.crop if view.extractor == "residuals" and view.backbone else 0


def chosen(table: pd.DataFrame, most: int, seed: int) -> list[str]:
    """The test images of all folds, or whole groups of them, drawn by the seed, that make up about ``most``."""
    tested = all_test_images(cv_splits(table))
    groups = tested["group"].drop_duplicates().sort_values().to_numpy()
    order = pd.Series(np.random.default_rng(seed).permutation(len(groups)), index=groups)
    drawn = tested.assign(turn=tested["group"].map(order)).sort_values(["turn", "image"], kind="stable")
    return sorted(drawn["image"].head(most))


if __name__ == "__main__":
    run_stage(main, Params)
