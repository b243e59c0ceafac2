"""Drawing of a whole image in order of its layers."""

import numpy as np

from syntheticfaces.colour import blend, encode, mix
from syntheticfaces.drawing import backdrop, eyes, hair, head, mouth, skin
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.exact import Bytes, downsample_by_two
from syntheticfaces.identity import Identity, Scene
from syntheticfaces.textures import octaves
from syntheticfaces.view import WHOLE


def draw_face(person: Identity, scene: Scene, size: int, rng: np.random.Generator) -> Bytes:
    """Draw a face at twice ``size`` and average it down: ``(size, size, 3)`` uint8, sRGB.

    ``rng`` decides what is not a parameter of the person or the scene: textures, single hairs, wrinkles.
    """
    view = scene.view(2 * size)
    u, v = view.grid()
    canvas = np.empty((3, *u.shape), dtype=np.float32)
    portrait = Portrait(canvas, view, u, v, rng, person, scene)
    backdrop.paint_background(portrait)
    locks = hair.style_hair(portrait)
    hair.paint_behind(portrait, locks)

    flesh = skin.albedo(portrait)
    backdrop.paint_neck(portrait, flesh)
    backdrop.paint_clothes(portrait)
    backdrop.paint_ears(portrait)

    width = head.half_width(person, v)
    relief = head.Relief(portrait, width)
    lips = mouth.Mouth(portrait)
    whiskers = skin.beard(portrait)
    if whiskers is not None:
        blend(flesh, WHOLE, mix(person.hair, (0.02, 0.015, 0.015), 0.45), whiskers)
    mouth.paint_lips(flesh, relief, lips)
    pores = octaves(rng, u.shape, {1: 0.45, 2: 0.7, 4: 0.6})
    factors, gloss = skin.shade(relief, skin.folds(portrait), pores)
    if whiskers is not None:
        gloss = gloss * (1 - whiskers)
    blend(canvas, WHOLE, flesh * factors + gloss, head.outline(portrait, width))

    mouth.paint_teeth(portrait, lips)
    mouth.paint_nostrils(portrait)
    for side in (-1, 1):
        eyes.paint_eye(portrait, side)
        eyes.paint_brow(portrait, side)
    hair.paint_front(portrait, locks)
    return downsample_by_two(encode(canvas))
