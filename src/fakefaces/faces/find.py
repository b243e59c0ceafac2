"""Find the faces of a decoded image."""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from fakefaces.faces import detector, mesh
from fakefaces.faces.square import Square

# Chosen in docs/faces.md, with what was tried.
MIN_SCORE = 0.4  # of a detection
MIN_PRESENCE = 0.99  # of a face, by the mesh
_SURE = 1 - 1e-9  # presence from which a face is upright for certain: on its side or head the mesh fits it less well

_QUARTER = pi / 2
_TURNED = 2 / 3 * _QUARTER  # the most that a sure face is turned in the view that it was found in
_OVERLAP = 0.4  # share of the smaller box above which two faces are one
_MOST = 64  # detections of a view that are looked at, the surest: a thousand faces do not take a minute


@dataclass(frozen=True, eq=False)
class Face:
    """A face, in pixels of the image that it was found in, whose top left corner is (0, 0)."""

    landmarks: NDArray[np.float32]  # (468, 2), x before y, of MediaPipe's face mesh; they may lie outside of the image
    presence: float  # 0 to 1, how sure the mesh is that there is a face

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The smallest box around the landmarks: left, top, right, bottom."""
        left, top = self.landmarks.min(axis=0).tolist()
        right, bottom = self.landmarks.max(axis=0).tolist()
        return left, top, right, bottom

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


def find_faces(image: NDArray[np.uint8]) -> tuple[Face, ...]:
    """Find all faces of an image, uint8 (height, width, 3), RGB; the largest first, none where it shows none.

    They may be turned, and as small as about a tenth of the image's longer side. The image is scaled and turned only
    for finding them: all that is returned is in its own pixels.
    """
    found = _find(image, 0)
    # Almost all photographs are upright, so that the other views cost time where there is no face, or a turned one.
    if not found or not all(_is_sure(face) for face in found):
        found += [face for quarters in (1, 2, 3) for face in _find(image, quarters * _QUARTER)]
    return tuple(sorted(_distinct(found), key=lambda face: -face.area))


def _find(image: NDArray[np.uint8], angle: float) -> list[Face]:
    """The faces of one view of the image, turned anticlockwise by an angle."""
    faces: list[Face] = []
    for detection in detector.detect(image, angle, MIN_SCORE)[:_MOST]:
        square = detection.square
        if not any(_is_sure(face) and _holds(face, square) for face in faces):
            faces.append(_fit(image, square))
    return [face for face in faces if face.presence >= MIN_PRESENCE]


def _fit(image: NDArray[np.uint8], square: Square) -> Face:
    """The mesh fitted to a face, again to what it fits at first where that is not sure."""
    landmarks, presence = mesh.fit(image, square)
    first = Face(landmarks, presence)
    if presence >= _SURE:
        return first
    second = Face(*mesh.fit(image, mesh.around(landmarks)))
    return max(first, second, key=lambda face: face.presence)


def _holds(face: Face, square: Square) -> bool:
    """Whether the middle of a square lies in a face."""
    left, top, right, bottom = face.box
    return left <= square.x <= right and top <= square.y <= bottom


def _is_sure(face: Face) -> bool:
    return face.presence >= _SURE and abs(mesh.around(face.landmarks).angle) <= _TURNED


def _distinct(faces: list[Face]) -> list[Face]:
    """The faces without those that overlap a surer one."""
    distinct: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.presence):
        if all(_overlap(face, other) <= _OVERLAP for other in distinct):
            distinct.append(face)
    return distinct


def _overlap(one: Face, other: Face) -> float:
    """The area that the boxes of two faces share, as a share of the smaller one's."""
    (a, b), (c, d) = (np.array(face.box).reshape(2, 2) for face in (one, other))
    return float(np.prod(np.clip(np.minimum(b, d) - np.maximum(a, c), 0, None))) / min(one.area, other.area)
