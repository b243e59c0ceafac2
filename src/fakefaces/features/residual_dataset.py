"""The residual features of all images of a project, and of corrupted copies and strangers made of them to train on."""

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
from fakefaces.data.corruptions import corrupt
from fakefaces.data.faces import PARTS
from fakefaces.faces.find import find_faces
from fakefaces.faces.regions import unit
from fakefaces.features.extract import extract
from fakefaces.features.feature_sets import spec_of
from fakefaces.features.strangers import stranger
from fakefaces.params.prepare import FeatureSet

Features = NDArray[np.float32]
Embed = Callable[[NDArray[Any]], Features]  # a record of ``crop`` and ``boxes`` to a backbone's (regions, features)


@dataclass(frozen=True)
class ResidualDataset:
    """Features of images, of corrupted copies of them, and of strangers that are made of them."""

    images: Features  # (n, regions, features)
    copies: Features  # (m, regions, features)
    copies_table: pd.DataFrame  # a row a copy: ``image``, the only one that it was made from, ``label``, and the parts
    strangers: Features  # (n, strangers of an image, regions, features)
    face_sizes: Features  # (n,), pixels: :func:`fakefaces.faces.regions.unit` of the largest face; NaN without one


def compute_residual_dataset(
    root: Path, faces: pd.DataFrame, feature_set: FeatureSet, *, seed: int, threads: int, embed: Embed | None = None
) -> ResidualDataset:
    """Compute the features of all images, of copies that are in turn recompressed and scaled down, and of strangers.

    Args:
        root: the data folder.
        faces: ``image``, ``label`` and the parts, as :func:`fakefaces.data.photographs.list_photographs` returns them.
        feature_set: the parameters.
        seed: of the strengths of corruptions, together with the row of the image.
        threads: number of images that are worked on at a time.
        embed: a backbone on the crop of a face and the regions in it, called from several threads; its features follow
            the residual ones.
    """
    spec = replace(spec_of(feature_set), crop=feature_set.crop if embed else 0)

    def extract_with_copies(row: int) -> tuple[Features, float]:
        path = root / faces["image"].iloc[row]
        pixels = images.decode(images.read(path), str(path))
        face = next(iter(find_faces(pixels)), None)
        rng = np.random.default_rng([seed, row])
        copies = [corrupted_copy(pixels, row + k, rng) for k in range(feature_set.copies)]
        strangers = [stranger(pixels, feature_set.strangers * row + k, rng) for k in range(feature_set.strangers)]
        original = numbers(extract(spec, pixels, face))
        rest = [numbers(extract(spec, version)) for version in (*copies, *strangers)]
        return np.stack([original, *rest]), unit(face) if face else np.nan

    def numbers(features: NDArray[Any]) -> Features:
        return np.concatenate([features["traces"], embed(features[["crop", "boxes"]])], axis=-1) if embed else features

    versions, face_sizes = [], []
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(extract_with_copies, range(len(faces)))
        for features, face_size in track(results, "residual features", len(faces)):
            versions.append(features)
            face_sizes.append(face_size)
    table = faces[["image", "label", *PARTS]].fillna(dict.fromkeys(PARTS, -1))
    copies_table = table.loc[table.index.repeat(feature_set.copies)].reset_index(drop=True)
    stacked, first_stranger = np.stack(versions), 1 + feature_set.copies
    return ResidualDataset(
        stacked[:, 0],
        stacked[:, 1:first_stranger].reshape(-1, *stacked.shape[2:]),
        copies_table,
        stacked[:, first_stranger:],
        np.array(face_sizes, dtype=np.float32),
    )


def corrupted_copy(pixels: NDArray[np.uint8], number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A copy as social networks make them: recompressed where ``number`` is even, else scaled down."""
    if number % 2 == 0:
        return images.decode(images.encode_jpeg(pixels, int(rng.integers(65, 96))))
    return corrupt(pixels, ("resize", float(rng.uniform(0.6, 0.97))), quality=int(rng.integers(85, 97)), seed=[0])
