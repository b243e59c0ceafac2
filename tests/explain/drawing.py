"""Functions that a process of heatmaps can call instead of a network."""

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.explain.heatmap_process import Heatmap


def own_number(network: Path, threads: int) -> Heatmap:
    """Heatmaps of two cells: the number of the process, and the image's brightest value."""
    return lambda pixels: np.array([[os.getpid(), pixels.max()]], np.float32)


def refused(network: Path, threads: int) -> Heatmap:
    raise ModelError(f"{network}: not a network that can be loaded")


def broken(network: Path, threads: int) -> Heatmap:
    def heatmap(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise RuntimeError("no such\nlayer")

    return heatmap


def ends(network: Path, threads: int) -> Heatmap:
    """Of black images only; another one ends the process, as the system does when memory is short."""

    def heatmap(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if pixels.any():
            os._exit(9)
        return np.zeros((1, 2), np.float32)

    return heatmap


def never(network: Path, threads: int) -> Heatmap:
    """A network that takes forever; the file tells that the process has begun."""
    network.write_text(str(os.getpid()))
    time.sleep(600)
    raise AssertionError
