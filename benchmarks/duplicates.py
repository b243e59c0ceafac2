"""Time and recall of the duplicate search over a folder: for all images, and for one more.

    uv run python benchmarks/duplicates.py FOLDER [--sizes 400,800,1600] [--check [--among FILE.csv]] [--table FILE.csv]

Prints wall time and half the processor time, which other programs disturb less. `--sizes` matches so many of the
images, drawn at random, and says how many of the candidates are pairs. For more than there are, up to eight times, the
descriptors of all images are mirrored, so that they are like others' and match none of the first; up to 32 times, those
of the images squeezed in three directions are added, and pairs of two versions are counted. `--check` compares
all pairs with independent code (SIFT at full size with OpenCV's settings except for a lower contrast, Lowe's ratio
test, RANSAC) and prints the search's recall of its pairs; it takes about an hour for 1,600 images. `--among` leaves out
all pairs but those of a table, such as what an earlier search found, and those of this search: minutes. `--table`
writes the pairs of both.
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fakefaces.data import formats, images
from fakefaces.duplicates.candidates import candidate_pairs
from fakefaces.duplicates.features import DIMENSIONS, MAX_SIDE, Features, describe, describe_all
from fakefaces.duplicates.groups import group_images
from fakefaces.duplicates.pairs import MIN_STORED_INLIERS, SearchState, update
from fakefaces.duplicates.sketches import Sketches, sketch
from fakefaces.duplicates.verification import compare

STRONGEST, SCREENED, BLOCK = 600, 4, 32  # keypoints for the screen, inliers to pass it, images a product
RATIO, REACH = 0.8, 3.0  # of the distances to the two nearest, pixels between a point and its partner
LEVELS = (8, 13, 16, 20, 30, 50)

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.perf_counter(), time.process_time()

    def __str__(self) -> str:
        wall, busy = time.perf_counter() - self.start[0], time.process_time() - self.start[1]
        return f"{wall:.1f} s wall, {busy / 2:.1f} s processor time / 2, load {os.getloadavg()[0]:.1f}"


def grey_images(folder: Path, names: set[str] | None = None) -> Iterator[tuple[str, Grey]]:
    """The images of a folder, or those of these names, with their paths below it, in order."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in formats.SUFFIXES):
        name = path.relative_to(folder).as_posix()
        if names is None or name in names:
            yield name, grey_image(folder, name)


def search_all(folder: Path) -> pd.DataFrame:
    """Time the search over all images, and that for one more when the others are known."""
    clock = Clock()
    features = describe_all(grey_images(folder))
    print(f"described {len(features)} images: {clock}", flush=True)
    state = update(SearchState(), features, seed=0)
    print(f"described and searched: {clock}", flush=True)
    for name in list(features)[:: max(1, len(features) // 3)][:3]:
        others = state.pairs[(state.pairs["a"] != name) & (state.pairs["b"] != name)]
        known = tuple(sorted(key for key in features if key != name))
        sketches = {key: sketch(value) for key, value in features.items()}
        one = Clock()
        added = describe_all([(name, grey_image(folder, name))])
        sketches[name] = sketch(added[name])
        ordered = (sketches[key] for key in sorted(sketches))
        again = update(SearchState(known, others.reset_index(drop=True)), features | added, seed=0, sketches=ordered)
        print(f"one more image: {one}; {'the same' if again.pairs.equals(state.pairs) else 'OTHER'} pairs")
    for level in LEVELS:
        pairs = state.pairs[state.pairs["inliers"] >= level]
        sizes = group_images(list(features), pairs).value_counts().value_counts().sort_index()
        groups = ", ".join(f"{count} of {size}" for size, count in sizes.items() if size != 1)
        print(f"at {level} inliers or more: {len(pairs)} pairs; groups: {groups}", flush=True)
    return state.pairs


class Seconds:
    """Processor time, added up over what is done within it."""

    def __init__(self) -> None:
        self.spent, self._begun = 0.0, 0.0

    def __enter__(self) -> None:
        self._begun = time.process_time()

    def __exit__(self, *exception: object) -> None:
        self.spent += time.process_time() - self._begun


class AnonymousMemory:
    """The most memory that is not a file's, in bytes, while it is entered: that of the sketches is one's."""

    def __enter__(self) -> Self:
        self.most, self._done = self._now(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        return 1024 * int(lines["RssAnon"].split()[0])


def match_some(folder: Path, sizes: list[int]) -> None:
    """Processor time of matching, from sketches to candidates and from these to pairs, by the number of images."""
    described = [list(describe_all(grey_images(folder)).values())]
    count = len(described[0])
    for how in range(1, -(-max(sizes) // (8 * count))):
        described.append([squeezed(grey, how) for _, grey in grey_images(folder)])
    order = np.random.default_rng(0).permutation(count)

    def image(k: int) -> Features:
        return mirrored(described[k // (8 * count)][order[k % count]], k // count % 8)

    columns = ["images", "proposing, s", "candidates", "verifying, s", "pairs", "of two versions"]
    columns += ["both, for each doubling", "proposing for ten more, s", "memory beside the sketches, KB an image"]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    last, last_n = 0.0, 0
    for n in sizes:
        with AnonymousMemory() as memory:
            before = memory.most
            sketches = Sketches((sketch(image(k)) for k in range(n)), n)
            proposing = Seconds()
            with proposing:
                candidates = candidate_pairs(sketches, np.ones(n, np.bool_))
        verifying, pairs, of_two = Seconds(), 0, 0
        for i, j in candidates.tolist():
            a, b = image(i), image(j)
            with verifying, threadpool_limits(1, user_api="blas"):
                found = compare(a, b, seed=0)
            if found is not None and found.inliers >= MIN_STORED_INLIERS:
                pairs, of_two = pairs + 1, of_two + (i // count != j // count)
        ten = Seconds()
        with ten:
            candidate_pairs(sketches, np.arange(n) < 10)
        both = proposing.spent + verifying.spent
        growth = f"{(both / last) ** (1 / np.log2(n / last_n)):.2f}" if last_n else ""
        times = f"{proposing.spent:.1f} | {len(candidates)} | {verifying.spent:.1f} | {pairs} | {of_two} | {growth}"
        print(f"| {n} | {times} | {ten.spent:.1f} | {(memory.most - before) / n / 1000:.1f} |", flush=True)
        last, last_n = both, n


def squeezed(grey: Grey, how: int) -> Features:
    """Of an image as half as wide (1), half as high (2), or sheared (3), and of about as many keypoints."""
    height, width = grey.shape
    if how < 3:
        size = (width // 2, height) if how == 1 else (width, height // 2)
        small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        return describe(small, max_side=int(MAX_SIDE * 2**0.5))
    shear = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    return describe(np.asarray(cv2.warpAffine(grey, shear, (width, height), borderMode=cv2.BORDER_WRAP), np.uint8))


def mirrored(features: Features, how: int) -> Features:
    """As of another image: rows, columns and orientations of the descriptors in reverse by the bits of ``how`` < 8.

    Places are mirrored, too, or symmetric descriptors of an image would agree with those of its own mirror image.
    """
    cells = features.descriptors.reshape(-1, 4, 4, 8)
    rows, columns, turns = (-1 if how >> bit & 1 else 1 for bit in range(3))
    cells = cells[:, ::rows, ::columns, turns * np.arange(8) % 8]
    (height, width), keypoints = features.shape, features.keypoints.copy()
    keypoints[:, 0] = keypoints[:, 0] if columns == 1 else width - 1 - keypoints[:, 0]
    keypoints[:, 1] = keypoints[:, 1] if rows == 1 else height - 1 - keypoints[:, 1]
    if turns == -1:
        keypoints[:, :2], height, width = keypoints[:, 1::-1].copy(), width, height
    descriptors = np.ascontiguousarray(cells).reshape(-1, DIMENSIONS)
    return replace(features, keypoints=keypoints, descriptors=descriptors, shape=(height, width))


def grey_image(folder: Path, name: str) -> Grey:
    return np.asarray(cv2.cvtColor(images.decode(images.read(folder / name)), cv2.COLOR_RGB2GRAY), np.uint8)


def check_all(folder: Path, among: pd.DataFrame | None) -> pd.DataFrame:
    """The pairs that pass the screen, of all or of those in a table, with their numbers of inliers."""
    names: list[str] = []
    places: list[Floats] = []
    descriptors: list[Floats] = []
    sift = cv2.SIFT.create(nfeatures=3000, contrastThreshold=0.02)
    chosen = None if among is None else set(among["a"]) | set(among["b"])
    for name, grey in grey_images(folder, chosen):
        keypoints, raw = sift.detectAndCompute(grey, None)
        order = np.argsort([-key.response for key in keypoints], kind="stable")
        names.append(name)
        places.append(np.array([key.pt for key in keypoints], np.float32).reshape(-1, 2)[order])
        descriptors.append(np.zeros((0, 128), np.float32) if raw is None else np.asarray(raw, np.float32)[order])
    print(f"check: {np.mean([len(points) for points in places]):.0f} keypoints an image", flush=True)
    strongest = np.zeros((len(names), STRONGEST, 128), np.float32)
    for slot, rows_of_image in zip(strongest, descriptors, strict=True):
        slot[: len(rows_of_image)] = unit(rows_of_image[:STRONGEST])

    number = {name: k for k, name in enumerate(names)}
    others = [np.arange(i + 1, len(names)) for i in range(len(names))]
    if among is not None:
        partners: list[list[int]] = [[] for _ in names]
        for a, b in zip(among["a"], among["b"], strict=True):
            partners[number[a]].append(number[b])
        others = [np.array(sorted(each), np.int64) for each in partners]

    def row(i: int) -> list[tuple[str, str, int]]:
        passed = []
        for start in range(0, len(others[i]), BLOCK):
            block = others[i][start : start + BLOCK]
            for k, which, partners in screen(strongest[i], strongest[block]):
                if count_inliers(places[i][which], places[block[k]][partners]) >= SCREENED:
                    passed.append(int(block[k]))
        return [(names[i], names[j], matched(descriptors[i], descriptors[j], places[i], places[j])) for j in passed]

    rows: list[tuple[str, str, int]] = []
    clock = Clock()
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, part in enumerate(pool.map(row, range(len(names)))):
            rows += part
            if i % 50 == 0:
                print(f"check: image {i} of {len(names)}, {len(rows)} pairs passed the screen; {clock}", flush=True)
    return pd.DataFrame(rows, columns=["a", "b", "inliers"])


def unit(descriptors: Floats) -> Floats:
    return np.asarray(descriptors / np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-6), np.float32)


def screen(one: Floats, many: Floats) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """The clear matches of one image (k, 128) with each of many (m, k, 128)."""
    likeness = (one @ many.reshape(-1, 128).T).reshape(len(one), *many.shape[:2])
    best = likeness.argmax(axis=2)[..., None]
    first = np.take_along_axis(likeness, best, 2)[..., 0]
    np.put_along_axis(likeness, best, -1, 2)
    clear = 1 - first < RATIO**2 * (1 - likeness.max(axis=2))  # squared distances, halved
    for k in range(len(many)):
        which = np.flatnonzero(clear[:, k])
        yield k, which, best[which, k, 0]


def matched(a: Floats, b: Floats, at_a: Floats, at_b: Floats) -> int:
    nearest = cv2.BFMatcher().knnMatch(a, b, k=2)
    pairs = [(m[0].queryIdx, m[0].trainIdx) for m in nearest if len(m) == 2 and m[0].distance < RATIO * m[1].distance]
    which = np.array(pairs, np.int64).reshape(-1, 2)
    return count_inliers(at_a[which[:, 0]], at_b[which[:, 1]])


def count_inliers(p: Floats, q: Floats) -> int:
    """Number of distinct positions that a similarity transform maps to their matches."""
    if len(p) < 3:
        return 0
    cv2.setRNGSeed(0)
    matrix, inside = cv2.estimateAffinePartial2D(p, q, ransacReprojThreshold=REACH, maxIters=5000, confidence=0.999)
    if matrix is None:
        return 0
    kept = inside.ravel() > 0
    return min(len(np.unique(at[kept].round(), axis=0)) for at in (p, q))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--among", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")])
    arguments = parser.parse_args()
    if arguments.sizes:
        match_some(arguments.folder, arguments.sizes)
        return
    table = search_all(arguments.folder)
    if arguments.check:
        among = None
        if arguments.among:
            both = pd.concat([pd.read_csv(arguments.among, dtype={"a": "str", "b": "str"}), table])
            among = both[["a", "b"]].drop_duplicates()
        checked = check_all(arguments.folder, among)
        table = table.merge(checked, on=["a", "b"], how="outer", suffixes=("", "_check")).fillna(0)
        for level in LEVELS:
            reference = table[table["inliers_check"] >= level]
            shares = ", ".join(f"{(reference['inliers'] >= least).mean():.2%} at {least}" for least in LEVELS[:4])
            print(f"{len(reference)} pairs of {level} inliers or more under the check; recall: {shares}")
    if arguments.table:
        table.to_csv(arguments.table, index=False)


if __name__ == "__main__":
    main()
