"""The landmarks of one face: MediaPipe's face mesh.

Its points, drawn and numbered: ``canonical_face_model_uv_visualization.png`` in MediaPipe's repository.
"""

from math import atan2

import numpy as np
from numpy.typing import NDArray

from fakefaces.faces.networks import network
from fakefaces.faces.square import Square

N_LANDMARKS = 468
# Numbers of landmarks. Left and right are the image's, of an upright face.
LEFT_EYE = (33, 133)  # its corners, the outer one first
RIGHT_EYE = (263, 362)
MOUTH = (61, 291)  # its corners

_SIZE = 192  # pixels of a side of what the network reads
_AROUND = 1.5  # sides of the square that the network reads, by those of the landmarks' box


def fit(image: NDArray[np.uint8], square: Square) -> tuple[NDArray[np.float32], float]:
    """Fit the mesh to the face in a square of an image, uint8 (height, width, 3), RGB.

    Returns:
        float32 (468, 2), the landmarks in pixels of the image, x before y, and the probability, 0 to 1, that there is a
        face in the square.
    """
    outputs = network("mesh.onnx")(square.cut(image, _SIZE) / np.float32(255))
    points = outputs[:-1].reshape(N_LANDMARKS, 3)[:, :2]  # the third is the depth
    presence = 1 / (1 + np.exp(-np.clip(outputs[-1], -80, 80, dtype=np.float64)))
    return square.to_image(points / np.float64(_SIZE)).astype(np.float32), float(presence)


def around(landmarks: NDArray[np.float32]) -> Square:
    """The square in which the mesh reads a face whose landmarks are known."""
    x, y = landmarks[RIGHT_EYE[0]] - landmarks[LEFT_EYE[0]]
    upright = Square(0, 0, 1, atan2(y, x))
    shares = upright.from_image(landmarks)
    low, high = shares.min(axis=0), shares.max(axis=0)
    middle = upright.to_image((low + high) / 2)
    return Square(float(middle[0]), float(middle[1]), float(_AROUND * (high - low).max()), upright.angle)
