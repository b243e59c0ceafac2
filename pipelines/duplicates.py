"""Find the images that share a photograph; what is known of earlier images is kept, so a new one costs only its own."""

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
from fakefaces.data.faces import find_faces
from fakefaces.duplicates import Known, describe_all, find_pairs, load_known, name_pairs, save_known, update
from fakefaces.params.duplicates import Duplicates


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    duplicates: Duplicates


def main(params: Params, layout: Layout) -> None:
    names = list(find_faces(layout.data)["image"])
    keys = {name: key for name in names if (key := content(layout, name))}
    known = remembered(layout, set(keys.values()), params.seed)
    new = {key: name for name, key in keys.items() if key not in known.features}
    fresh = describe_all(track(greys(layout, new), "describing images", len(new)), workers=params.threads)
    done = 0
    with progress("comparing images", 1) as step:

        def compared(now: int, total: int) -> None:
            nonlocal done
            done = now
            step(int(now == total), f"{done} of {total} candidates")

        known = update(known, fresh, seed=params.seed, workers=params.threads, progress=compared)
    layout.duplicates.parent.mkdir(parents=True, exist_ok=True)
    save_known(known, layout.duplicates)
    pairs = find_pairs(known.features, known, min_inliers=params.duplicates.min_inliers, seed=params.seed)
    pairs = name_pairs(pairs, keys)
    write_text(layout.duplicate_pairs, pairs.to_csv(index=False, float_format="%.4f"))
    echo(f"{len(pairs)} pairs of images share a photograph, among {len(names)} images, {len(new)} of them new")


def content(layout: Layout, name: str) -> str:
    """The sha256 of a file; empty where it cannot be read, which the validate stage tells."""
    try:
        return hashlib.sha256(images.read(layout.data / name)).hexdigest()
    except ImageError:
        return ""


def greys(layout: Layout, new: dict[str, str]) -> Iterator[tuple[str, np.ndarray]]:
    """The new images by content; one that is no image shares no photograph, and validate names it."""
    for key, name in new.items():
        try:
            pixels = images.decode(images.read(layout.data / name), name)
        except ImageError:
            pixels = np.zeros((8, 8, 3), np.uint8)
        yield key, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def remembered(layout: Layout, present: set[str], seed: int) -> Known:
    """What earlier runs found of the images that are there now; nothing where that cannot be used."""
    if not layout.duplicates.is_file():
        return Known(seed=seed)
    try:
        known = load_known(layout.duplicates)
    except DataError as error:
        echo(f"the search begins anew: {error}")
        return Known(seed=seed)
    pairs = known.pairs[known.pairs["a"].isin(present) & known.pairs["b"].isin(present)]
    features = {key: value for key, value in known.features.items() if key in present}
    return Known(features=features, pairs=pairs.reset_index(drop=True), seed=known.seed)


if __name__ == "__main__":
    run_stage(main, Params)
