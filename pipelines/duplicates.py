"""Find the images that share a photograph; results of earlier images are reused."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError, ImageError
from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.computed import Computed, Values, version_of
from fakefaces.data.contents import content_digests, read_content
from fakefaces.data.photographs import list_photographs
from fakefaces.duplicates.described import DescribedImages
from fakefaces.duplicates.features import Features, describe
from fakefaces.duplicates.pairs import SearchState, find_pairs, name_pairs, update
from fakefaces.duplicates.sketches import Sketch, sketch
from fakefaces.duplicates.state import load_state, save_state
from fakefaces.params.duplicates import Duplicates


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    duplicates: Duplicates


def main(params: Params, layout: Layout) -> None:
    contents = content_digests(layout.data, list(list_photographs(layout.data)["image"]))
    keys = {name: digest for name, digest in contents.items() if digest}  # validate reports the others
    names = dict(sorted({digest: name for name, digest in keys.items()}.items()))
    state = previous_state(layout, params.seed)
    n_new = len(names.keys() - set(state.keys))
    with (
        Computed(layout.computed("duplicates"), version_of(layout, "duplicates", None)) as computed,
        DescribedImages(names, lambda key: describe_file(layout.data, names[key], key)) as described,
        progress("comparing images", 1) as step,
    ):
        one_of_each = {name: digest for digest, name in names.items()}
        results = computed.each(
            layout.data, one_of_each, sketch_file, threads=params.threads, description="describing images"
        )

        def show(done: int, total: int) -> None:
            step(int(done == total), f"{done} of {total} candidates")

        state = update(
            state,
            described,
            seed=params.seed,
            sketches=(Sketch(*values) for values in results),
            workers=params.threads,
            progress=show,
        )
    layout.duplicates.parent.mkdir(parents=True, exist_ok=True)
    save_state(state, layout.duplicates)
    pairs = name_pairs(find_pairs(state, params.duplicates.min_inliers), keys)
    write_text(layout.duplicate_pairs, pairs.to_csv(index=False, float_format="%.4f"))
    echo(f"{len(pairs)} pairs of images share a photograph, among {len(contents)} images, {n_new} of them new")


def describe_file(root: Path, name: str, key: str) -> Features:
    """The features of an image file, by its path below ``root`` and its sha256."""
    return describe(grey(read_content(root, name, key), name))


def sketch_file(data: bytes, name: str) -> Values:
    """The sketch of an image file."""
    result = sketch(describe(grey(data, name)))
    return result.signatures, result.places


def grey(data: bytes, name: str) -> NDArray[np.uint8]:
    """The luma of an image file; a broken file becomes an empty image, and validate reports it."""
    try:
        pixels = images.decode(data, name)
    except ImageError:
        pixels = np.zeros((8, 8, 3), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def previous_state(layout: Layout, seed: int) -> SearchState:
    """The state of earlier runs; an empty one where it cannot be used."""
    if not layout.duplicates.is_file():
        return SearchState(seed=seed)
    try:
        return load_state(layout.duplicates)
    except DataError as error:
        echo(f"searching all images again: {error}")
        return SearchState(seed=seed)


if __name__ == "__main__":
    run_stage(main, Params)
