"""A set of photographs and of faces that are generated whole, as public sets of generated faces are laid out.

The generated faces are drawn, as the photographs are, and then decoded from half the size as generators do. Transposed
convolutions leave a chequered pattern where their kernels overlap unevenly (Odena, Dumoulin and Olah, "Deconvolution
and checkerboard artifacts", Distill 2016), others a lack of fine detail; no camera has left the grain of its sensor.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from fakefaces.base.errors import DataError
from syntheticfaces.camera import encode_jpeg, jpeg_round_trip
from syntheticfaces.exact import Bytes, Plane, downsample_by_two
from syntheticfaces.generation import draw_sitting
from syntheticfaces.writing import QUALITY, check_request, new_set, write_batches

COLUMNS = ("path", "label", "source", "skin_tone", "age")  # of labels.csv
GENERATORS = {"chequered": 0.56, "smooth": 0.5}  # weight of the outer taps of the kernel; at 0.5 all pixels weigh alike
_TONES = ((0.33, "light"), (0.66, "medium"), (1.01, "dark"))
_AGES = (18, 80)
_WHOLE = 4  # random stream


@dataclass(frozen=True)
class WholeEntry:
    """One image of the set; every second one is generated."""

    index: int
    generator: str  # of :data:`GENERATORS`; "" of a photograph

    @property
    def name(self) -> str:
        """Path below the set's directory; the names tell the class as little as those of public sets do."""
        return f"fake/seed{self.index:04d}.jpg" if self.generator else f"real/DSC_{self.index:04d}.jpg"


def write_whole_images(
    directory: Path,
    *,
    images: int = 400,
    size: int = 176,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw a set with the folders ``real/`` and ``fake/`` and ``labels.csv``, whose columns are :data:`COLUMNS`.

    Arguments are those of :func:`syntheticfaces.writing.write_samples`; every second image is fake. Image ``k`` of a
    seed does not depend on ``images`` or ``workers``.

    Raises:
        DataError: the directory is in use or cannot be written, or a number is out of range, or the size odd.
    """
    check_request(directory, images, size, seed, workers)
    if size % 2:
        raise DataError(f"cannot generate images of {size} px from half the size; ask for an even size")
    kinds = list(GENERATORS)
    plan = [WholeEntry(k, kinds[k // 2 % len(kinds)] if k % 2 else "") for k in range(images)]
    with new_set(directory, "real", "fake") as target:
        write_batch = partial(_write_batch, directory=target, size=size, seed=seed)
        rows = write_batches(write_batch, plan, workers, progress)
        with (target / "labels.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: row["path"]))


def decode(photograph: Bytes, generator: str) -> Plane:
    """Half the size of a picture, enlarged as a generator of that name enlarges: uint8 (2h, 2w, 3) to float32."""
    small = downsample_by_two(photograph).astype(np.float32)
    tap = GENERATORS[generator]
    for axis in (0, 1):
        small = _enlarged(small, axis, tap)
    return small


def _enlarged(image: Plane, axis: int, tap: float) -> Plane:
    """A transposed convolution of stride 2 with the kernel (tap, 1, tap) along one axis."""
    following = np.concatenate([np.delete(image, 0, axis), np.take(image, [-1], axis)], axis)
    between = (image + following) * np.float32(tap)
    pairs: Plane = np.stack([image, between], axis + 1)
    shape = list(image.shape)
    shape[axis] *= 2
    return pairs.reshape(shape) * np.float32(2 / (1 + 2 * tap))  # as bright as before


def _write_batch(entries: Sequence[WholeEntry], directory: Path, size: int, seed: int) -> list[dict[str, str]]:
    rows = []
    for entry in entries:
        sitting = draw_sitting(seed, entry.index)
        image = sitting.shot(size).image
        if entry.generator:
            random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_WHOLE, entry.index)))
            noise = random.standard_normal(image.shape, dtype=np.float32) * float(random.uniform(0.4, 1))
            pixels = decode(image, entry.generator) + noise * sitting.camera.noise
            image = jpeg_round_trip(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8), sitting.camera.quality)
        (directory / entry.name).write_bytes(encode_jpeg(image, QUALITY))
        tone = next(name for limit, name in _TONES if sitting.person.tone < limit)
        age = round(_AGES[0] + sitting.person.age * (_AGES[1] - _AGES[0]))
        label, source = ("fake", entry.generator) if entry.generator else ("real", "camera")
        rows.append({"path": entry.name, "label": label, "source": source, "skin_tone": tone, "age": str(age)})
    return rows
