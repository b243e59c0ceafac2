"""Find the images that share a photograph; results of earlier images are reused."""

import hashlib
from collections.abc import Iterator

import cv2
import numpy as np

from fakefaces.base.errors import DataError, ImageError
from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress, track
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.photographs import list_photographs
from fakefaces.duplicates.features import describe_all
from fakefaces.duplicates.pairs import SearchState, find_pairs, name_pairs, update
from fakefaces.duplicates.state import load_state, save_state
from fakefaces.params.duplicates import Duplicates


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    duplicates: Duplicates


def main(params: Params, layout: Layout) -> None:
    names = list(list_photographs(layout.data)["image"])
    keys = {name: key for name in names if (key := content_key(layout, name))}
    state = previous_state(layout, set(keys.values()), params.seed)
    new = {key: name for name, key in keys.items() if key not in state.features}
    features = describe_all(track(grey_images(layout, new), "describing images", len(new)), workers=params.threads)
    with progress("comparing images", 1) as step:

        def show(done: int, total: int) -> None:
            step(int(done == total), f"{done} of {total} candidates")

        state = update(state, features, seed=params.seed, workers=params.threads, progress=show)
    layout.duplicates.parent.mkdir(parents=True, exist_ok=True)
    save_state(state, layout.duplicates)
    pairs = name_pairs(find_pairs(state, params.duplicates.min_inliers), keys)
    write_text(layout.duplicate_pairs, pairs.to_csv(index=False, float_format="%.4f"))
    echo(f"{len(pairs)} pairs of images share a photograph, among {len(names)} images, {len(new)} of them new")


def content_key(layout: Layout, name: str) -> str:
    """The sha256 of a file; empty where it cannot be read, which the validate stage reports."""
    try:
        return hashlib.sha256(images.read(layout.data / name)).hexdigest()
    except ImageError:
        return ""


def grey_images(layout: Layout, new: dict[str, str]) -> Iterator[tuple[str, np.ndarray]]:
    """The new images by content key, in grey; a broken file becomes an empty image, and validate reports it."""
    for key, name in new.items():
        try:
            pixels = images.decode(images.read(layout.data / name), name)
        except ImageError:
            pixels = np.zeros((8, 8, 3), np.uint8)
        yield key, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def previous_state(layout: Layout, present: set[str], seed: int) -> SearchState:
    """The state of earlier runs, without images that are gone; an empty one where it cannot be used."""
    if not layout.duplicates.is_file():
        return SearchState(seed=seed)
    try:
        state = load_state(layout.duplicates)
    except DataError as error:
        echo(f"searching all images again: {error}")
        return SearchState(seed=seed)
    pairs = state.pairs[state.pairs["a"].isin(present) & state.pairs["b"].isin(present)]
    features = {key: value for key, value in state.features.items() if key in present}
    return SearchState(features=features, pairs=pairs.reset_index(drop=True), seed=state.seed)


if __name__ == "__main__":
    run_stage(main, Params)
