"""What comes before the network of a residual detector: processor time an image, on one thread, step by step.

    uv run python benchmarks/features.py FOLDER [--images 30] [--longest 600] [--crop 448] [--before SRC]

FOLDER holds photographs. SRC is the folder `src` of another version of this project, for instance

    git archive 7a7b83d src | tar -x -C /tmp/before

Both versions then run in turns, in processes of their own, and the last line has the ratio of their medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fakefaces.data import images
from fakefaces.data.photographs import list_photographs
from fakefaces.features.crop import crop_face
from fakefaces.features.extract import extract, region_boxes
from fakefaces.features.residual_dataset import corrupted_copy
from fakefaces.features.residuals.colour_cast import colour_cast
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations
from fakefaces.features.residuals.descriptor import residual_features
from fakefaces.features.residuals.planes import chroma, halved, in_steps, luma_and_chroma
from fakefaces.features.residuals.window import face_window
from fakefaces.features.spec import FeatureSpec

ROUNDS = 5
# What a version of the project spends: imported from the SRC that is on PYTHONPATH.
TOTAL = """
import statistics, sys, time
from pathlib import Path
import cv2
from fakefaces.data import images
from fakefaces.features.extract import FeatureSpec, extract
cv2.setNumThreads(1)
spec = FeatureSpec("residuals", int(sys.argv[1]), int(sys.argv[2]))
spent = []
for path in sys.argv[3:]:
    data = Path(path).read_bytes()
    start = time.process_time()
    extract(spec, images.decode(data))
    spent.append(1000 * (time.process_time() - start))
print(statistics.median(spent[2:]))
"""


def milliseconds(function: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    """The median of processor time over the inputs, after a first call."""
    function(inputs[0])
    spent = []
    for value in inputs:
        start = time.process_time()
        function(value)
        spent.append(1000 * (time.process_time() - start))
    return statistics.median(spent)


def steps(files: list[bytes], longest: int, crop: int) -> dict[str, float]:
    """Milliseconds of each step."""
    photographs = [images.decode(data) for data in files]
    spec = FeatureSpec("residuals", longest, crop)
    located = [(pixels, region_boxes(pixels)) for pixels in photographs]
    windows = [face_window(pixels, boxes, longest=longest) for pixels, boxes in located]
    faces = [window.pixels for window in windows]
    boxes = [window.boxes for window in windows]
    planes = [luma_and_chroma(face) for face in faces]
    fine = [chroma(face) for face in faces]
    chroma_in_boxes = [
        (in_steps(full, 4), in_steps(halved(full), 4), of_face) for full, of_face in zip(fine, boxes, strict=True)
    ]
    in_boxes = list(zip(planes, boxes, strict=True))
    return {
        "decode": milliseconds(images.decode, files),
        "find the face": milliseconds(region_boxes, photographs),
        "luma and chroma": milliseconds(lambda face: (luma_and_chroma(face), halved(chroma(face))), faces),
        "co-occurrences, luma": milliseconds(lambda face: cooccurrences(face[0][:1], face[1]), in_boxes),
        "co-occurrences, chroma": milliseconds(
            lambda face: cooccurrences(face[0], face[2], chroma=True), chroma_in_boxes
        ),
        "the same, half the size": milliseconds(
            lambda face: cooccurrences(face[1], face[2] // 2, chroma=True), chroma_in_boxes
        ),
        "correlations": milliseconds(lambda face: correlations(*face), list(zip(faces, boxes, strict=True))),
        "colour cast": milliseconds(lambda face: colour_cast(face[0][1:], face[1]), in_boxes),
        "residual features": milliseconds(lambda face: residual_features(*face, longest=longest), located),
        "crop": milliseconds(lambda face: crop_face(face[0], face[1], crop), located),
        "decode and extract": milliseconds(lambda data: extract(spec, images.decode(data)), files),
        "a recompressed copy": milliseconds(
            lambda pixels: corrupted_copy(pixels, 0, np.random.default_rng(0)), photographs
        ),
        "a scaled copy": milliseconds(lambda pixels: corrupted_copy(pixels, 1, np.random.default_rng(0)), photographs),
    }


def total(source: Path, paths: list[Path], longest: int, crop: int) -> float:
    """Milliseconds of decoding and extracting by the version in ``source``, in a new process."""
    command = [sys.executable, "-c", TOTAL, str(longest), str(crop), *map(str, paths)]
    environment = os.environ | {"PYTHONPATH": str(source)}
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--longest", type=int, default=600)
    parser.add_argument("--crop", type=int, default=448)
    parser.add_argument("--before", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    names = list_photographs(given.folder)["image"]
    paths = [given.folder / name for name in names.iloc[:: max(1, len(names) // given.images)].head(given.images)]
    for step, spent in steps([path.read_bytes() for path in paths], given.longest, given.crop).items():
        print(f"{step:24} {spent:6.2f} ms")
    if given.before:
        sources = {"before": given.before, "now": Path(__file__).parents[1] / "src"}
        spent_by: dict[str, list[float]] = {name: [] for name in sources}
        for _ in range(ROUNDS):
            for name, source in sources.items():
                spent_by[name].append(total(source, paths, given.longest, given.crop))
        before, now = (statistics.median(values) for values in spent_by.values())
        print(f"decode and extract: {before:.2f} ms before, {now:.2f} now, {before / now:.1f} times as fast")


if __name__ == "__main__":
    main()
