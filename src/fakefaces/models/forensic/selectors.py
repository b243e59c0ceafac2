"""Which inputs a regression compares: all regions of the face, one part, or the difference of a part from the skin.

A replaced part has other residuals than the skin around it, in every face. Because parts are compared one by one, every
face is an example of each part, and both eyes are examples of one kind.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import MIRRORED, NAMES
from fakefaces.data.faces import PARTS


@dataclass(frozen=True)
class InputSelector:
    """The inputs of one regression, which may answer for several outputs."""

    name: str  # in the names of layers
    outputs: tuple[int, ...]  # the index of each output that is answered: 0 fake, then data.faces.PARTS
    # For each output a linear map (rows, regions); mirrored faces have equal inputs, or those of the other eye.
    matrices: tuple[NDArray[np.float32], ...]

    def select(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inputs for each output: (n, regions, features) to float32 (outputs, n, rows * features)."""
        return np.stack(
            [
                np.tensordot(features, matrix, axes=(1, 1)).swapaxes(1, 2).reshape(len(features), -1)
                for matrix in self.matrices
            ]
        )


def _face() -> NDArray[np.float32]:
    """Each central region, and the sum of each two mirrored ones, at equal norm."""
    one_hot = np.eye(len(MIRRORED), dtype=np.float32)
    pairs = [(region, other) for region, other in enumerate(MIRRORED) if region <= other]
    return np.stack([one_hot[a] if a == b else (one_hot[a] + one_hot[b]) / np.sqrt(np.float32(2)) for a, b in pairs])


def _region(name: str) -> NDArray[np.float32]:
    return np.eye(len(NAMES), dtype=np.float32)[[NAMES.index(name)]]


def _minus_skin(name: str) -> NDArray[np.float32]:
    """The region minus the mean of the skin's regions."""
    skin = np.array([region not in PARTS for region in NAMES], dtype=np.float32)
    difference: NDArray[np.float32] = _region(name) - skin / skin.sum()
    return difference


SELECTORS = (
    InputSelector("face", (0,), (_face(),)),
    InputSelector("eyes", (1, 2), (_region("left_eye"), _region("right_eye"))),
    InputSelector("nose", (3,), (_region("nose"),)),
    InputSelector("mouth", (4,), (_region("mouth"),)),
    InputSelector("eyes_beside_skin", (1, 2), (_minus_skin("left_eye"), _minus_skin("right_eye"))),
    InputSelector("nose_beside_skin", (3,), (_minus_skin("nose"),)),
    InputSelector("mouth_beside_skin", (4,), (_minus_skin("mouth"),)),
)
