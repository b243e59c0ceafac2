"""Drawing of a whole image in order of its layers."""

import numpy as np

from syntheticfaces.colour import encode, mix
from syntheticfaces.drawing import backdrop, eyes, hair, head, mouth, skin
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.exact import Bytes, downsample_by_two
from syntheticfaces.identity import Identity, Scene
from syntheticfaces.textures import octaves


def draw_face(person: Identity, scene: Scene, size: int, rng: np.random.Generator) -> Bytes:
    """Draw a face at twice ``size`` and average it down.

    Args:
        person: Who is drawn.
        scene: Pose, light, clothes and background.
        size: Side of the result in pixels.
        rng: Stream for everything that is not a parameter: textures, single hairs, wrinkles.

    Returns:
        ``(size, size, 3)`` uint8, sRGB in the order red, green, blue.
    """
    canvas_side = 2 * size
    view = scene.view(canvas_side)
    u, v = view.grid()
    canvas = np.empty((3, canvas_side, canvas_side), dtype=np.float32)
    portrait = Portrait(canvas, view, u, v, rng, person, scene)
    backdrop.paint_background(canvas, rng, scene)
    locks = hair.style_hair(view, u, v, rng, person, scene)
    hair.paint_behind(canvas, locks, person)

    flesh = skin.albedo(view, u, v, rng, person)
    backdrop.paint_neck(portrait, flesh)
    backdrop.paint_clothes(portrait)
    backdrop.paint_ears(portrait)

    width = head.half_width(person, v)
    relief = head.Relief(view, u, v, width, person)
    relief.features(person, scene)
    lips = mouth.Mouth(view, u, v, person, scene)
    whiskers = skin.beard(view, u, v, rng, person)
    if whiskers is not None:
        colour = mix(person.hair, (0.02, 0.015, 0.015), 0.45)
        for channel in range(3):
            flesh[channel] += whiskers * (colour[channel] - flesh[channel])
    mouth.paint_lips(flesh, relief, lips, rng, person)
    pores = octaves(rng, u.shape, {1: 0.45, 2: 0.7, 4: 0.6})
    factors, gloss = skin.shade(relief, person, scene, skin.folds(view, rng, person, scene), pores)
    if whiskers is not None:
        gloss = gloss * (1 - whiskers)
    cover = head.outline(view, u, width)
    for channel in range(3):
        lit = flesh[channel] * factors[channel] + gloss
        canvas[channel] += cover * (lit - canvas[channel])

    mouth.paint_teeth(canvas, lips, person, scene)
    mouth.paint_nostrils(canvas, relief, person, scene)
    for side in (-1, 1):
        eyes.paint_eye(portrait, side)
        eyes.paint_brow(portrait, side)
    hair.paint_front(canvas, view, locks, rng, person, scene)
    return downsample_by_two(encode(canvas))
