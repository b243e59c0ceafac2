"""The regions of a face, from its landmarks: the only table of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import MIRRORED, NAMES
from fakefaces.faces.find import Face
from fakefaces.faces.mesh import LEFT_EYE, MOUTH, RIGHT_EYE

_LEAST = 0.9  # distances between eyes and mouth that a unit has at least: 1 / 1.11, as 15 % of CIPLAB's faces exceed

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the image


@dataclass(frozen=True)
class Region:
    """A box around landmarks."""

    landmarks: tuple[int, ...]  # whose mean is the middle of the box
    width: float  # in units of :func:`unit`
    height: float


# The parts with what a forger replaces along with them: an eye with its brow, a nose with its wings, a mouth with the
# skin around it. The regions after them are skin, clear of hair and parts.
REGIONS = {
    "left_eye": Region(LEFT_EYE, 0.72, 0.72),
    "right_eye": Region(RIGHT_EYE, 0.72, 0.72),
    "nose": Region((6, 4, 98, 327), 0.68, 0.68),  # the root, the tip, and below both nostrils
    "mouth": Region((*MOUTH, 0, 17), 1.00, 0.64),  # its corners, and the middles of the lips' outer borders
    "forehead": Region((151, 10), 0.80, 0.40),
    "left_cheek": Region((50, 205), 0.40, 0.40),
    "right_cheek": Region((280, 425), 0.40, 0.40),
}
assert tuple(REGIONS) == NAMES


def regions(face: Face) -> dict[str, Box]:
    """The boxes of a face's regions, by :data:`fakefaces.data.face_regions.NAMES`, in pixels of its image.

    They are upright and of equal size however the face is turned, and may reach beyond the image. Left and right are
    the image's for an upright face, and stay with the eye if it is turned.
    """
    points = face.landmarks.astype(np.float64)
    size = unit(face)
    boxes = {}
    for name, region in REGIONS.items():
        x, y = points[list(region.landmarks)].mean(axis=0).tolist()
        half_width, half_height = region.width * size / 2, region.height * size / 2
        boxes[name] = (x - half_width, y - half_height, x + half_width, y + half_height)
    return boxes


def unit(face: Face) -> float:
    """The distance between the middles of the eyes as it is in a face seen from the front, in pixels."""
    left, right, mouth = (
        face.landmarks[list(points)].mean(axis=0, dtype=np.float64) for points in (LEFT_EYE, RIGHT_EYE, MOUTH)
    )
    # About equal to that between eyes and mouth; a face that looks aside has its eyes nearer together.
    return float(max(np.hypot(*(right - left)), _LEAST * np.hypot(*(mouth - (left + right) / 2))))


def mirrored(boxes: dict[str, Box], width: int) -> dict[str, Box]:
    """The boxes of the regions in the mirror image of a picture of this width, where left and right are swapped."""
    flipped = {}
    for name, other in zip(NAMES, MIRRORED, strict=True):
        left, top, right, bottom = boxes[NAMES[other]]
        flipped[name] = (width - right, top, width - left, bottom)
    return flipped


def pixel_boxes(boxes: dict[str, Box], height: int, width: int) -> NDArray[np.intp]:
    """The whole pixels of boxes, intp (boxes, 4), clipped to an image of this size; each keeps a pixel at least."""
    rounded = np.rint(np.array(list(boxes.values()))).astype(np.intp)
    low = np.clip(rounded[:, :2], 0, [width - 1, height - 1])
    high = np.clip(rounded[:, 2:], low + 1, [width, height])
    return np.concatenate([low, high], axis=1)
