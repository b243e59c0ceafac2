"""Whether faces are found, and none where there is none: ``python benchmarks/faces.py FOLDER ... [--each N]``.

For each folder of photographs of faces: in how many of every Nth one is found, how sure the least sure one is, and the
processor time of an image. With ``--variants`` also turned, small in a larger picture, compressed; and their corners
of a fifth of a side, which show hair, clothes and backgrounds, as pictures without a face.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.faces.find import Face, find_faces

Image = NDArray[np.uint8]
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def turned(pixels: Image, degrees: float) -> Image:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1)
    result = cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(result, dtype=np.uint8)


def small(pixels: Image, share: float) -> Image:
    """The picture in the corner of a grey one, with a side of ``share`` of it."""
    height, width = pixels.shape[:2]
    picture = np.full((1000, 1000, 3), 128, dtype=np.uint8)
    size = (
        max(1, int(1000 * share * width / max(height, width))),
        max(1, int(1000 * share * height / max(height, width))),
    )
    picture[-size[1] :, -size[0] :] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return picture


def corners(pixels: Image) -> list[Image]:
    height, width = (side // 5 for side in pixels.shape[:2])
    return [pixels[:height, :width], pixels[:height, -width:], pixels[-height:, :width], pixels[-height:, -width:]]


def variants(pixels: Image) -> dict[str, Image]:
    return {
        "turned by 30 degrees": turned(pixels, 30),
        "turned by 90 degrees": turned(pixels, 90),
        "upside down": turned(pixels, 180),
        "a quarter of a picture's side": small(pixels, 0.25),
        "an eighth of a picture's side": small(pixels, 0.125),
        "JPEG of quality 30": images.decode(images.encode_jpeg(pixels, 30)),
        "a quarter of the pixels a side": images.limited(pixels, max(pixels.shape) // 4),
    }


def presence(faces: tuple[Face, ...]) -> float:
    return max((face.presence for face in faces), default=0.0)


def measure(folder: Path, each: int, with_variants: bool) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and "masks" not in path.parts)[::each]
    found: dict[str, list[bool]] = {}
    surest, elsewhere, several, seconds = [], [], 0, 0.0
    for path in track(paths, str(folder), len(paths)):
        pixels = images.decode(images.read(path), path.name)
        start = time.process_time()
        faces = find_faces(pixels)
        seconds += time.process_time() - start
        surest.append(presence(faces))
        several += len(faces) > 1
        if with_variants:
            elsewhere += [presence(find_faces(np.ascontiguousarray(corner))) for corner in corners(pixels)]
            for name, variant in variants(pixels).items():
                found.setdefault(name, []).append(bool(find_faces(variant)))
    n = len(paths)
    print(
        f"{folder}: found in {np.count_nonzero(surest)} of {n}, several in {several}, lowest presence {min(surest):.5f}"
    )
    print(f"    {1000 * seconds / n:.1f} ms of processor time an image")
    for name, values in found.items():
        print(f"    {name}: {sum(values)} of {n}")
    if with_variants:
        print(f"    corners: a face in {np.count_nonzero(elsewhere)} of {len(elsewhere)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--variants", action="store_true")
    given = parser.parse_args()
    for folder in given.folders:
        measure(folder, given.each, given.variants)
