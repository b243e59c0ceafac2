"""What scoring one image costs a detector: processor time on one thread, decoding included.

    uv run python benchmarks/scoring.py outputs/models/forensic FOLDER [--images 30]

FOLDER holds photographs. Each is read, decoded and scored alone, as a server does; the figures are of processor time,
which other programs on the machine disturb less than the wall's.
"""

import argparse
import statistics
import time
from pathlib import Path

import cv2
import numpy as np

from fakefaces.data import images
from fakefaces.data.photographs import find_faces
from fakefaces.inference import detector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=30)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    loaded = detector.load(given.model)
    paths = [given.folder / name for name in find_faces(given.folder)["image"].head(given.images + 1)]
    spent = []
    for path in paths:
        start = time.process_time()
        loaded.outputs(np.stack([loaded.read(images.read(path), str(path))]))
        spent.append(1000 * (time.process_time() - start))
    spent = spent[1:]  # the first one allocates
    size = (given.model / "network.keras").stat().st_size / 1e6
    median, best = statistics.median(spent), min(spent)
    print(f"{median:.0f} ms an image (median of {len(spent)}; {best:.0f} the best), {size:.1f} MB")


if __name__ == "__main__":
    main()
