"""The plot of training images beside their augmented copies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.files import atomic_write
from fakefaces.data.faces import PARTS


def draw_augmentations(
    path: Path, columns: Sequence[tuple[NDArray[np.uint8], NDArray[np.int8]]], names: Sequence[str]
) -> None:
    """Plot a row for each image: the original, then its copies, each with the names of its replaced parts.

    A column has images, uint8 (rows, height, width, 3), and their parts, int8 (rows, 4), 1 where replaced.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.5 * len(columns), 1.7 * len(names)), layout="constrained", dpi=110)
    axes = np.atleast_2d(figure.subplots(len(names), len(columns), squeeze=False))
    for row, name in enumerate(names):
        for column, (images, parts) in enumerate(columns):
            ax = axes[row, column]
            ax.imshow(images[row], interpolation="antialiased")
            ax.set_xlabel(_replaced(parts[row]), fontsize=7)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if row == 0:
                ax.set_title("original" if column == 0 else f"copy {column}", fontsize=9)
        axes[row, 0].set_ylabel(name, fontsize=8)
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})


def _replaced(parts: NDArray[np.int8]) -> str:
    return ", ".join(name.replace("_", " ") for name, replaced in zip(PARTS, parts, strict=True) if replaced == 1)
