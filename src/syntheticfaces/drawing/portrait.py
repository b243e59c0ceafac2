"""What the layers of one picture share."""

from dataclasses import dataclass

import numpy as np

from syntheticfaces.exact import Plane
from syntheticfaces.identity import Identity, Scene
from syntheticfaces.view import View


@dataclass(frozen=True)
class Portrait:
    """A picture while it is painted: ``canvas`` ``(3, H, W)`` in linear light, face coordinates ``u, v`` ``(H, W)``."""

    canvas: Plane
    view: View
    u: Plane
    v: Plane
    rng: np.random.Generator
    person: Identity
    scene: Scene
