"""What the layers of one picture share."""

from dataclasses import dataclass

import numpy as np

from syntheticfaces.exact import Plane, bump
from syntheticfaces.identity import Identity, Scene
from syntheticfaces.view import View, Window


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

    def hill(self, u: float, v: float, ru: float, rv: float) -> tuple[Window, Plane]:
        """The window of a round hill of radii ``ru`` and ``rv`` about a face point, and its height there, 0..1."""
        window = self.view.window(u, v, ru, rv)
        return window, bump(((self.u[window] - u) * (1 / ru)) ** 2 + ((self.v[window] - v) * (1 / rv)) ** 2)
