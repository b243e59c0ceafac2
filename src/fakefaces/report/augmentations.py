"""The picture of augmented copies beside their originals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.files import written_aside


def draw_augmentations(
    path: Path, originals: NDArray[np.uint8], copies: Sequence[NDArray[np.uint8]], names: Sequence[str]
) -> None:
    """Draw a row an image: the original, then its copies.

    Args:
        path: of the PNG.
        originals: uint8 (rows, height, width, 3).
        copies: for each column, uint8 (rows, height, width, 3).
        names: what the rows are called.
    """
    from matplotlib.figure import Figure

    rows, columns = len(originals), len(copies) + 1
    figure = Figure(figsize=(1.5 * columns, 1.6 * rows), layout="constrained", dpi=110)
    axes = np.atleast_2d(figure.subplots(rows, columns, squeeze=False))
    for row, name in enumerate(names):
        for column, image in enumerate([originals[row], *(copy[row] for copy in copies)]):
            ax = axes[row, column]
            ax.imshow(image, interpolation="antialiased")
            ax.set_xticks([])
            ax.set_yticks([])
            for spine in ax.spines.values():
                spine.set_visible(False)
            if row == 0:
                ax.set_title("original" if column == 0 else f"copy {column}", fontsize=9)
        axes[row, 0].set_ylabel(name, fontsize=8)
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})
