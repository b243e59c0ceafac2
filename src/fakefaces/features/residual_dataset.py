"""The residual features of all images of a project, and of corrupted copies and strangers made of them to train on."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.corruptions import Level, corrupt
from fakefaces.data.faces import PARTS
from fakefaces.faces.find import find_faces
from fakefaces.faces.regions import unit
from fakefaces.features.extract import extract
from fakefaces.features.feature_sets import spec_of
from fakefaces.features.strangers import stranger
from fakefaces.params.prepare import FeatureSet

Features = NDArray[np.float32]
Embed = Callable[[NDArray[Any]], Features]  # a record of ``crop`` and ``boxes`` to a backbone's (regions, features)

COMMON: tuple[Level, Level] = ("jpeg", 80.0), ("resize", 0.75)  # strengths that robustness is measured at


@dataclass(frozen=True)
class ResidualDataset:
    """Features of images, of corrupted copies of them, and of strangers that are made of them."""

    images: Features  # (n, regions, features)
    copies: Features  # (m, regions, features)
    copies_table: pd.DataFrame  # as of :func:`copies_table`
    strangers: Features  # (n, strangers of an image, regions, features)
    face_sizes: Features  # (n,), pixels: :func:`fakefaces.faces.regions.unit` of the largest face; NaN without one


@dataclass(frozen=True)
class ResidualExtractor:
    """Computes the features of an image, of copies that are recompressed and scaled down, and of strangers.

    The first two copies have common strengths, others random ones. Which copies are recompressed, how the strangers are
    made, and random strengths depend on the image's bytes and the seed alone, so that no other image changes them.
    """

    feature_set: FeatureSet
    seed: int
    embed: Embed | None = None  # called from several threads; its features follow the residual ones

    def __call__(self, data: bytes, name: str) -> tuple[Features, Features]:
        """Features of an image file and what is made of it, and the size of its largest face.

        Returns:
            float32 (1 + copies + strangers, regions, features); and float32 (), as in :class:`ResidualDataset`.

        Raises:
            ImageError: it cannot be decoded.
        """
        spec = replace(spec_of(self.feature_set), crop=self.feature_set.crop if self.embed else 0)
        pixels = images.decode(data, name)
        face = next(iter(find_faces(pixels)), None)
        number = int.from_bytes(hashlib.sha256(data).digest()[:6], "big")
        rng = np.random.default_rng([self.seed, number])
        copies = [corrupted_copy(pixels, number + k, rng if k > 1 else None) for k in range(self.feature_set.copies)]
        each = self.feature_set.strangers
        strangers = [stranger(pixels, each * number + k, rng) for k in range(each)]
        original = self._numbers(extract(spec, pixels, face))
        rest = [self._numbers(extract(spec, version)) for version in (*copies, *strangers)]
        return np.stack([original, *rest]), np.array(unit(face) if face else np.nan, dtype=np.float32)

    def _numbers(self, features: NDArray[Any]) -> Features:
        if self.embed is None:
            return features
        return np.concatenate([features["traces"], self.embed(features[["crop", "boxes"]])], axis=-1)


def compute_residual_dataset(
    root: Path, faces: pd.DataFrame, feature_set: FeatureSet, *, seed: int, threads: int, embed: Embed | None = None
) -> ResidualDataset:
    """Compute the features of all images, of their copies and of strangers, in memory.

    Args:
        root: the data folder.
        faces: ``image``, ``label`` and the parts, as :func:`fakefaces.data.photographs.list_photographs` returns them.
        feature_set: the parameters.
        seed: of the strengths of corruptions, together with the image's bytes.
        threads: number of images that are worked on at a time.
        embed: a backbone on the crop of a face and the regions in it, as of :class:`ResidualExtractor`.
    """
    compute = ResidualExtractor(feature_set, seed, embed)
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(lambda name: compute(images.read(root / name), str(root / name)), faces["image"])
        versions, face_sizes = zip(*track(results, "residual features", len(faces)), strict=True)
    stacked, first_stranger = np.stack(versions), 1 + feature_set.copies
    return ResidualDataset(
        stacked[:, 0],
        stacked[:, 1:first_stranger].reshape(-1, *stacked.shape[2:]),
        copies_table(faces, feature_set.copies),
        stacked[:, first_stranger:],
        np.stack(face_sizes),
    )


def copies_table(faces: pd.DataFrame, copies: int) -> pd.DataFrame:
    """A row a copy: ``image``, the only one that it was made from, its ``label``, and the parts, -1 unknown."""
    table = faces[["image", "label", *PARTS]].fillna(dict.fromkeys(PARTS, -1))
    return table.loc[table.index.repeat(copies)].reset_index(drop=True)


def corrupted_copy(pixels: NDArray[np.uint8], number: int, rng: np.random.Generator | None = None) -> NDArray[np.uint8]:
    """A copy as social networks make them: recompressed where ``number`` is even, else scaled down.

    By :data:`COMMON` strengths, or random ones with a generator. A detector that learned from common ones ranks better
    at these than one that learned from random ones, and elsewhere as well: docs/forensic.md.
    """
    level, quality = COMMON[number % 2], 95
    if rng and level[0] == "jpeg":
        level = "jpeg", float(rng.integers(65, 96))
    elif rng:
        level, quality = ("resize", float(rng.uniform(0.6, 0.97))), int(rng.integers(85, 97))
    return corrupt(pixels, level, quality=quality, seed=[0])
