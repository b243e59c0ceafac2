"""What is compared of two faces: all of their boxes, one part of each, or how the part differs from its face's skin.

A part that was replaced has other traces than the skin around it, whoever's face it is. Read part by part, every face
gives an example of each, and both eyes are examples of one thing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS
from fakefaces.features.residuals.boxes import MIRRORED, NAMES


@dataclass(frozen=True)
class Look:
    """One way of looking at faces, with a solution of its own.

    Attributes:
        name: of its layers.
        answers: for each thing that is looked at the output it speaks for: 0 fake, then
            :data:`fakefaces.data.faces.PARTS`.
        rows: for each of them sums over boxes, float32 (rows, boxes); a mirror image has the same, or the other eye's.
        share: of the output, which is a sum over looks.
    """

    name: str
    answers: tuple[int, ...]
    rows: tuple[NDArray[np.float32], ...]
    share: float = 1.0

    def of(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """What it sees of views (n, boxes, numbers): float32 (answers, n, rows * numbers)."""
        return np.stack(
            [np.tensordot(views, one, axes=(1, 1)).swapaxes(1, 2).reshape(len(views), -1) for one in self.rows]
        )


def _face() -> NDArray[np.float32]:
    """Each box, and for two that lie opposite each other their sum, of the same length."""
    own = np.eye(len(MIRRORED), dtype=np.float32)
    pairs = [(box, other) for box, other in enumerate(MIRRORED) if box <= other]
    return np.stack([own[a] if a == b else (own[a] + own[b]) / np.sqrt(np.float32(2)) for a, b in pairs])


def _itself(name: str) -> NDArray[np.float32]:
    """The part's box."""
    return np.eye(len(NAMES), dtype=np.float32)[[NAMES.index(name)]]


def _beside(name: str) -> NDArray[np.float32]:
    """What the part's box has more than the mean box of skin."""
    skin = np.array([one not in PARTS for one in NAMES], dtype=np.float32)
    return _itself(name) - skin / skin.sum()


LOOKS = (
    Look("face", (0,), (_face(),)),
    Look("eyes", (1, 2), (_itself("left_eye"), _itself("right_eye")), share=0.5),
    Look("nose", (3,), (_itself("nose"),), share=0.5),
    Look("mouth", (4,), (_itself("mouth"),), share=0.5),
    Look("eyes_beside_skin", (1, 2), (_beside("left_eye"), _beside("right_eye")), share=0.5),
    Look("nose_beside_skin", (3,), (_beside("nose"),), share=0.5),
    Look("mouth_beside_skin", (4,), (_beside("mouth"),), share=0.5),
)

# From the answers (rows) to the outputs (columns): half of what is said of each part speaks for fake, too, and half of
# what is said of the face for each part.
TOLD = np.eye(1 + len(PARTS))
TOLD[0, 1:] = TOLD[1:, 0] = 0.5
