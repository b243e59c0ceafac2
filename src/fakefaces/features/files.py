"""The features of many image files."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.features.extract import extract_bytes
from fakefaces.features.spec import FeatureSpec


def extract_files(spec: FeatureSpec, paths: Sequence[Path], *, threads: int, description: str = "") -> NDArray[Any]:
    """The features of at least one file, stacked in the order of ``paths``; a description gets a progress bar.

    Raises:
        ImageError: a file is not an image that can be read.
    """
    with ThreadPoolExecutor(threads) as pool:
        features = pool.map(lambda path: extract_bytes(spec, images.read(path), str(path)), paths)
        return np.stack(list(track(features, description, len(paths)) if description else features))
