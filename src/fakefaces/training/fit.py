"""From a view and a row of ``params.yaml`` to a fitted network; shared by the train and the tune stage."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fakefaces
from fakefaces.base.files import read_json
from fakefaces.data.arrays import Part
from fakefaces.data.faces import PARTS
from fakefaces.models.backbones import at_unit_scale
from fakefaces.models.kinds import Blueprint
from fakefaces.models.runtime import load_network
from fakefaces.params.extractor import Extractor
from fakefaces.training.augmentation import Recipe
from fakefaces.training.loop import Progress, Row, Schedule, fingerprint, fit, solved


@dataclass(frozen=True)
class View:
    """A prepared view, as the prepare stage left it.

    Attributes:
        train: arrays of the training images.
        validation: arrays of the validation images.
        frozen: the backbone's part that gave the features, or None for pixels.
        trained: the backbone's part that is trained, or None.
        image_size: pixels.
        weights: where the weights came from, in words.
        extractor: what the view is of an image, as in :mod:`fakefaces.features.extract`.
        crop: the side of what ``frozen`` is shown beside it, where it reads traces.
        families: how many numbers of a box belong together, in their order, where it reads traces.
    """

    train: Part
    validation: Part
    frozen: Any | None
    trained: Any | None
    image_size: int
    weights: str
    extractor: Extractor = "pixels"
    crop: int = 0
    families: Sequence[int] = ()


def load_view(folder: Path, images: pd.DataFrame) -> View:
    """Read a view and divide it as the table of images says."""
    about = read_json(folder / "view.json")

    def network(name: str) -> Any | None:
        path = folder / f"{name}.keras"
        return load_network(path) if path.is_file() else None

    frozen, trained = network("frozen"), network("trained")
    arrays = np.load(folder / "arrays.npy", mmap_mode="r", allow_pickle=False)
    if frozen is not None and trained is None and about.get("extractor") != "residuals":
        frozen, arrays = at_unit_scale(frozen, arrays, np.flatnonzero(images["split"] == "train"))
    parts = images[list(PARTS)].fillna(-1).to_numpy(dtype=np.int8)
    labels = images["label"].to_numpy(dtype=np.float32)

    def part(split: str) -> Part:
        rows = np.flatnonzero(images["split"] == split)
        return Part(np.asarray(arrays[rows]), labels[rows], parts[rows])

    train = part("train")
    if (folder / "made.npy").is_file():
        train = _with_made(train, folder, pd.Index(images["image"].to_numpy()[images["split"] == "train"]))
    return View(train, part("validation"), frozen, trained, **about)


def _with_made(train: Part, folder: Path, names: pd.Index) -> Part:
    """The training images, by their names, and after them what was made of them alone."""
    table = pd.read_csv(folder / "made.csv", dtype={"image": "str"})
    origin = names.get_indexer(pd.Index(table["image"]))
    rows = np.flatnonzero(origin >= 0)
    made = np.load(folder / "made.npy", mmap_mode="r", allow_pickle=False)[rows]
    labels, parts = table["label"].to_numpy(np.float32)[rows], table[list(PARTS)].to_numpy(np.int8)[rows]
    return Part(
        np.concatenate([train.views, made]),
        np.concatenate([train.labels, labels]),
        np.concatenate([train.parts, parts]),
        made_of=origin[rows],
    )


def fit_view(
    view: View,
    blueprint: Blueprint,
    schedule: Schedule,
    *,
    recipe: Recipe,
    seed: int,
    unfinished: Path,
    on_epoch: Callable[[Row], None],
) -> tuple[Any, Progress]:
    """Build the network that a blueprint and a view describe, fit it, and put it on its frozen backbone.

    Args:
        view: what it learns from.
        blueprint: the kind with its settings.
        schedule: how long and how fast.
        recipe: augmentation; views of a backbone take none.
        seed: of weights, order, copies and dropout.
        unfinished: folder for checkpoints of killed fits.
        on_epoch: called with each row of the history.

    Returns:
        A network from what the view reads to p_fake (batch, 1), or to p_fake and the parts (batch, 5), and the
        history.
    """
    import keras

    keras.utils.set_random_seed(seed)
    if blueprint.solves:
        start = time.perf_counter()
        network = blueprint.fit(view.train, view.validation, view.families)
        progress = solved(network, view.train, view.validation)
        progress.seconds = time.perf_counter() - start
        on_epoch(progress.history[0])
        return (network if view.frozen is None else _joined(network, view.frozen)), progress
    head = blueprint.build(view.train.views.shape[1:], view.trained)
    settings = [
        blueprint.kind.__name__,
        blueprint.settings.model_dump(),
        vars(schedule),
        recipe.to_json(),
        recipe.strength,
        seed,
    ]
    key = fingerprint([view.train.views, view.train.labels, view.validation.views], settings, code())
    progress = fit(
        head,
        view.train,
        view.validation,
        schedule,
        recipe=recipe,
        seed=seed,
        checkpoint=unfinished / key,
        on_epoch=on_epoch,
    )
    if view.frozen is None:
        return head, progress
    inputs = keras.Input(view.frozen.input.shape[1:], name="pixels")
    return keras.Model(inputs, head(view.frozen(inputs)), name=head.name), progress


def _joined(network: Any, frozen: Any) -> Any:
    """A network of numbers by box, part of which a frozen backbone makes of a crop: it takes a record of both."""
    import keras

    boxes, numbers = network.input_shape[1:]
    traces = keras.Input((boxes, numbers - frozen.output_shape[-1]), name="traces")
    crop = keras.Input(frozen.input_shape[1:], name="crop")
    joined = keras.layers.Concatenate(name="numbers")([traces, frozen(crop)])
    return keras.Model({"traces": traces, "crop": crop}, network(joined), name=network.name)


def code() -> list[Path]:
    """The files that a fit's result depends on."""
    package = Path(fakefaces.__file__).parent
    return [*(package / "models").rglob("*.py"), *(package / "training").glob("*.py"), package / "data" / "arrays.py"]
