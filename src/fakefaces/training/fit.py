"""From prepared features to a trained network; shared by the train and the tune stage."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import fakefaces
from fakefaces.base.files import read_json
from fakefaces.data.arrays import TrainArrays, ValidationArrays
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import CvSplit
from fakefaces.data.stored_rows import JoinedRows, StoredRows
from fakefaces.features.spec import FeatureSpec
from fakefaces.models.backbones import unit_scale
from fakefaces.models.export import export, join
from fakefaces.models.kinds import ModelSpec
from fakefaces.models.runtime import load_network
from fakefaces.params.extractor import Harmonise
from fakefaces.training.loop import FitState, OnEpoch, TrainingConfig, closed_form_history, fingerprint, fit


@dataclass(frozen=True)
class PreparedFeatures:
    """A feature set, as the prepare stage wrote it, divided by a split."""

    train: TrainArrays
    validation: ValidationArrays
    frozen: Any | None  # the network that computed the features of a backbone; None without one
    trainable: Any | None  # the backbone's layers that are trained; None if there are none
    weights: str  # origin of the backbone's weights
    spec: FeatureSpec  # what a network that is trained on the features reads of an image
    group_sizes: Sequence[int] = ()  # number of residual features in each group; empty for pixels
    frozen_graph: bytes = b""  # the inference graph of ``frozen``; empty without one
    scale: float = 1.0  # by which the features of ``frozen`` were multiplied
    face_sizes: NDArray[np.float32] | None = (
        None  # of the training images, in pixels, NaN without a face; None for pixels
    )


def load_features(folder: Path, split: CvSplit) -> PreparedFeatures:
    """Read a feature set, as the prepare stage wrote it, and divide it by a split of its images."""
    metadata, images = read_json(folder / "features.json"), split.table
    harmonise = metadata.get("harmonise")
    spec = FeatureSpec(
        metadata["extractor"],
        metadata["image_size"],
        metadata["crop"],
        Harmonise.model_validate(harmonise) if harmonise else None,
        region_sizes=metadata.get("region_sizes", False),
    )

    def network(name: str) -> Any | None:
        path = folder / f"{name}.keras"
        return load_network(path) if path.is_file() else None

    frozen, trainable = network("frozen"), network("trainable")
    graph, scale = (folder / "frozen.onnx").read_bytes() if frozen is not None else b"", 1.0
    train_rows, validation_rows = (np.flatnonzero(images["split"] == name) for name in ("train", "validation"))
    if frozen is not None and trainable is None and spec.extractor == "pixels":
        scale = unit_scale(np.load(folder / "arrays.npy", mmap_mode="r", allow_pickle=False), train_rows)
    labels = images["label"].to_numpy(dtype=np.float32)
    replaced = images[list(PARTS)].fillna(-1).to_numpy(dtype=np.int8)

    def features(rows: NDArray[np.intp]) -> Any:
        stored = StoredRows(folder / "arrays.npy", rows)
        if stored.dtype == np.uint8 or trainable is not None or spec.extractor == "residuals":
            return stored  # images, or what is as large as them
        values = np.asarray(stored, np.float32)
        values *= np.float32(scale)  # in place, as they may fill half of the memory
        return values

    photographs = pd.factorize(images["group"].to_numpy()[train_rows], sort=True)[0]
    train = TrainArrays(features(train_rows), labels[train_rows], replaced[train_rows], photographs=photographs)
    validation = ValidationArrays(features(validation_rows), labels[validation_rows], replaced[validation_rows])
    if (folder / "copies.npy").is_file():
        of_train, of_validation = (pd.Index(images["image"].to_numpy()[rows]) for rows in (train_rows, validation_rows))
        train = _with_copies(train, folder, of_train)
        table, copies = _copies(folder, of_validation)
        validation = replace(validation, copies=copies, copy_of=of_validation.get_indexer(pd.Index(table["image"])))
    face_sizes = None
    if (folder / "strangers.npy").is_file():
        each = np.load(folder / "strangers.npy", mmap_mode="r", allow_pickle=False).shape[1]
        of_train = (train_rows[:, None] * each + np.arange(each)).ravel()
        train = replace(train, strangers=StoredRows(folder / "strangers.npy", of_train, axes=2))
        face_sizes = np.load(folder / "face_sizes.npy", allow_pickle=False)[train_rows]
    return PreparedFeatures(
        train,
        validation,
        frozen,
        trainable,
        metadata["weights"],
        spec,
        metadata["group_sizes"],
        graph,
        scale,
        face_sizes,
    )


def _with_copies(train: TrainArrays, folder: Path, names: pd.Index) -> TrainArrays:
    """Append the corrupted copies of the training images, which are named by ``names``, and of no others."""
    table, copies = _copies(folder, names)
    return replace(
        train,
        features=JoinedRows([train.features, copies]),
        labels=np.concatenate([train.labels, table["label"].to_numpy(np.float32)]),
        replaced=np.concatenate([train.replaced, table[list(PARTS)].to_numpy(np.int8)]),
        copy_of=names.get_indexer(pd.Index(table["image"])),
    )


def _copies(folder: Path, names: pd.Index) -> tuple[pd.DataFrame, StoredRows]:
    """The corrupted copies of the named images: their rows of ``copies.csv``, and their features."""
    table = pd.read_csv(folder / "copies.csv", dtype={"image": "str"})
    rows = np.flatnonzero(table["image"].isin(names))
    return table.iloc[rows], StoredRows(folder / "copies.npy", rows)


def build_network(features: PreparedFeatures, spec: ModelSpec, seed: int) -> Any:
    """The network that is trained on prepared features, with its first weights; not of a kind in closed form."""
    import keras

    keras.utils.set_random_seed(seed)
    return spec.build(features.train.features.shape[1:], features.trainable)


def train_network(
    features: PreparedFeatures,
    spec: ModelSpec,
    config: TrainingConfig,
    *,
    unfinished: Path,
    on_epoch: OnEpoch,
) -> tuple[Any, FitState]:
    """Build a network on prepared features and train it; a frozen backbone's features are not augmented.

    ``unfinished`` is a folder for the checkpoints of killed trainings; ``on_epoch`` is called with each row of the
    history.

    Returns:
        A network from the features to p_fake (batch, 1), or to p_fake and the parts (batch, 5); and the final state
        with its history.
    """
    train, validation = features.train, features.validation
    if spec.is_closed_form:
        start = time.perf_counter()
        network = spec.fit(train, validation, features.group_sizes)
        state = closed_form_history(network, train, validation, seconds=time.perf_counter() - start)
        on_epoch(state.history[0])
        return network, state
    head = build_network(features, spec, config.seed)
    data = [train.features, train.labels, validation.features, validation.labels]
    settings = [
        spec.module.__name__,
        spec.settings.model_dump(),
        config.fit.model_dump(),
        config.recipe.to_json(),
        config.recipe.strength,
        config.seed,
    ]
    key = fingerprint(data, settings, training_code())
    state = fit(head, train, validation, config, checkpoint=unfinished / key, on_epoch=on_epoch)
    return head, state


def whole_network(features: PreparedFeatures, head: Any) -> Any:
    """A trained head joined to its frozen backbone: a network from what ``features.spec`` describes."""
    import keras

    if features.frozen is None:
        return head
    if not features.spec.crop:
        pixels = keras.Input(features.frozen.input.shape[1:], name="pixels")
        return _on_frozen(features, head, pixels, features.frozen(pixels))
    inputs = {name: keras.Input(value.shape[1:], name=name) for name, value in features.frozen.input.items()}
    return _on_frozen(features, head, inputs, features.frozen(inputs))


def inference_graph(features: PreparedFeatures, head: Any) -> bytes:
    """The inference graph of :func:`whole_network`.

    The backbone's part of it is the graph that computed the features that the head was trained on.
    """
    import keras

    if features.frozen is None:
        return export(head)
    pooled = keras.Input(features.frozen.output_shape[1:], name="frozen")
    inputs = {"frozen": pooled} if features.spec.crop else pooled
    return join(features.frozen_graph, export(_on_frozen(features, head, inputs, pooled)), "frozen")


def _on_frozen(features: PreparedFeatures, head: Any, inputs: Any, frozen: Any) -> Any:
    """The model of a head on ``frozen``, a frozen backbone's features, which are computed from ``inputs``.

    They are a tensor of pixels, or, where the head reads residual features besides, tensors by name.
    """
    import keras

    if not features.spec.crop:
        scale = keras.layers.Rescaling(features.scale, name="unit_scale")
        return keras.Model(inputs, head(scale(frozen)), name=head.name)
    regions, n_features = head.input_shape[1:]
    residuals = keras.Input((regions, n_features - frozen.shape[-1]), name="traces")
    joined = keras.layers.Concatenate(name="numbers")([residuals, frozen])
    return keras.Model({"traces": residuals, **inputs}, head(joined), name=head.name)


def training_code() -> list[Path]:
    """The source files that the result of training depends on."""
    package = Path(fakefaces.__file__).parent
    return [*(package / "models").rglob("*.py"), *(package / "training").glob("*.py"), package / "data" / "arrays.py"]
