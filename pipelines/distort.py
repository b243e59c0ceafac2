"""Distort the test images at every level, once for all models: each is decoded once, and kept as each view reads it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from fakefaces.base.files import write_json, written_aside
from fakefaces.base.params import Params, Reads, View
from fakefaces.base.paths import Layout
from fakefaces.base.progress import say, track
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.corruptions import distort, levels
from fakefaces.data.splits import read_split, rounds
from fakefaces.features.extract import seen


def main(params: Params, layout: Layout) -> None:
    names = chosen(read_split(layout.images), params.distort.images, params.seed)
    known = levels(params.distort.model_dump(include={"jpeg", "blur", "resize", "noise"}))
    views = sorted({(v.reads, v.image_size, crop_of(v)) for v in params.prepare.views.values()})
    kept: dict[tuple[Reads, int, int], np.ndarray] = {}

    def one(place: int) -> list[list[np.ndarray]]:
        pixels = images.decode(images.read(layout.data / names[place]), names[place])
        levels = (distort(pixels, level, quality=params.distort.quality, seed=[params.seed, place]) for level in known)
        return [[seen(reads, changed, size, crop=crop) for reads, size, crop in views] for changed in levels]

    with ThreadPoolExecutor(params.threads) as pool:
        for place, found in enumerate(track(pool.map(one, range(len(names))), "distorting", len(names))):
            for k, at_level in enumerate(found):
                for view, array in zip(views, at_level, strict=True):
                    if view not in kept:
                        kept[view] = np.empty((len(known), len(names), *array.shape), array.dtype)
                    kept[view][k, place] = array
    with written_aside(layout.distorted) as folder:
        folder.mkdir()
        for (reads, size, crop), arrays in kept.items():
            np.save(layout.distorted_views(reads, size, crop, folder), arrays)
        write_json(folder / "index.json", {"images": names, "levels": known})
    say(f"{len(names)} test images at {len(known)} levels")


def crop_of(view: View) -> int:
    """The side of the face that is kept beside the traces; 0 where none is."""
    return view.crop if view.reads == "forensic" and view.backbone else 0


def chosen(table: pd.DataFrame, most: int, seed: int) -> list[str]:
    """The test images of all rounds, or whole groups of them, drawn by the seed, that make up about ``most``."""
    tested = pd.concat([table[split == "test"] for split in rounds(table)])
    groups = tested["group"].drop_duplicates().sort_values().to_numpy()
    order = pd.Series(np.random.default_rng(seed).permutation(len(groups)), index=groups)
    drawn = tested.assign(turn=tested["group"].map(order)).sort_values(["turn", "image"], kind="stable")
    return sorted(drawn["image"].head(most))


if __name__ == "__main__":
    run_stage(main)
