"""Frozen backbones of ``keras.applications``: their weights, their preprocessing, and where they are cut."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.progress import echo


@dataclass(frozen=True)
class Backbone:
    """A backbone with its weights."""

    name: str  # as in keras.applications
    weights: str  # ``imagenet``, ``random``, a file's name, or ``random (imagenet could not be downloaded)``
    network: Any  # from RGB pixels (batch, size, size, 3), 0 to 255, to feature maps; the first layer preprocesses


def make_backbone(name: str, *, size: int, weights: str, allow_random: bool, seed: int, root: Path) -> Backbone:
    """Build a backbone of ``keras.applications`` that reads images of ``size`` pixels a side, and load its weights.

    ``weights`` are ``imagenet`` (Keras downloads them once; ``allow_random`` continues without them if it cannot),
    ``none`` (random) or the path below ``root`` of a ``.weights.h5`` file without the top.

    Raises:
        ModelError: no such model, a size that it does not accept, or no weights for it.
    """
    import keras

    make = getattr(keras.applications, name, None)
    if not callable(make):
        known = ", ".join(sorted(n for n in dir(keras.applications) if n[0].isupper()))
        raise ModelError(f"params.yaml: prepare.features: no backbone '{name}' in keras.applications; known: {known}")
    keras.utils.set_random_seed(seed)
    core, origin = _with_weights(make, name, size, weights, allow_random, root)
    inputs = keras.Input((size, size, 3), name="pixels")
    network = keras.Model(inputs, core(_preprocessing(make)(inputs)), name="backbone")
    network.trainable = False
    return Backbone(name, origin, network)


def cut(backbone: Any, layer: str | None) -> tuple[Any, Any | None]:
    """Cut the network of a :class:`Backbone` in two: a frozen part, which is computed once, and a trainable part.

    ``layer`` is the first trainable one; None freezes all and pools the last maps. The trainable part reads the output
    of the frozen one, and is None if all layers are frozen.

    Raises:
        ModelError: there is no such layer, or several tensors cross the cut.
    """
    import keras

    pool = keras.layers.GlobalAveragePooling2D(name="pool")
    if layer is None:
        return keras.Model(backbone.input, pool(backbone.output), name="frozen"), None
    core = next(part for part in backbone.layers if isinstance(part, keras.Model))
    names = [part.name for part in core.layers]
    if layer not in names[1:]:
        raise ModelError(
            f"params.yaml: prepare.features: trainable_from: {core.name} has no layer '{layer}'; "
            f"its last ones are {', '.join(names[-12:])}"
        )
    border = core.get_layer(layer).input
    try:
        trained = keras.Model(border, pool(core.output), name="trained")
    except ValueError:
        raise ModelError(
            f"params.yaml: prepare.features: trainable_from: more than one tensor goes past the layer '{layer}' "
            f"of {core.name}; name the first layer of a block"
        ) from None
    before = keras.Model(core.input, border, name=core.name)
    inputs = backbone.input
    frozen = keras.Model(inputs, before(backbone.layers[1](inputs)), name="frozen")
    for part in trained.layers:
        # Running statistics stay ImageNet's: estimates from a few hundred faces would be worse.
        part.trainable = not isinstance(part, keras.layers.BatchNormalization)
    return frozen, trained


def unit_scale(features: NDArray[np.float32], train_rows: NDArray[np.intp]) -> float:
    """The factor that brings pooled features (n, units) to a standard deviation of one on the training images.

    Heads must not depend on the backbone's units: features of a random EfficientNet are of the order of 1e-6, where
    the epsilon of a batch normalisation would flatten them to a constant.
    """
    deviation = float(features[train_rows].std(dtype=np.float64))
    return 1.0 / deviation if deviation > 0 else 1.0


def _with_weights(make: Any, name: str, size: int, weights: str, allow_random: bool, root: Path) -> tuple[Any, str]:
    shape = {"include_top": False, "input_shape": (size, size, 3)}
    try:
        if weights == "imagenet":
            try:
                return make(weights="imagenet", **shape), "imagenet"
            except Exception as error:  # Keras wraps errors of a download in a bare one
                if not (isinstance(error, URLError) or "URL fetch failure" in str(error)):
                    raise
                if not allow_random:
                    raise ModelError(
                        f"{name}: the ImageNet weights could not be downloaded; give their path as `weights` in "
                        "params.yaml: prepare.features, or set allow_random_weights: true to continue without them"
                    ) from None
                echo(f"WARNING {name}: the ImageNet weights could not be downloaded; its weights are RANDOM")
                return make(weights=None, **shape), "random (imagenet could not be downloaded)"
        core = make(weights=None, **shape)
    except ValueError as error:
        raise ModelError(f"params.yaml: prepare.features: {name}: {' '.join(str(error).split())}") from None
    if weights == "none":
        return core, "random"
    path = root / weights
    if not path.is_file():
        raise ModelError(f"params.yaml: prepare.features: weights: there is no file {path} (or say imagenet, or none)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns for each layer; the error below says it once
            core.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not the weights of {name} without its top ({reason})") from None
    return core, path.name


def _preprocessing(make: Any) -> Any:
    """The backbone's own preprocessing as one fixed 1x1 convolution.

    Every ``preprocess_input`` of ``keras.applications`` is affine in the three channels of a pixel (a scale, a mean,
    sometimes RGB to BGR), so four colours determine it. A function would need its code when the model is loaded.
    """
    import keras

    preprocess = __import__(make.__module__, fromlist=["preprocess_input"]).preprocess_input
    colours = np.vstack([np.zeros(3), np.eye(3)]).astype("float32").reshape(4, 1, 1, 3)
    black, *unit = np.asarray(preprocess(colours.copy())).reshape(4, 3)
    layer = keras.layers.Conv2D(3, 1, name="preprocess", trainable=False)
    layer.build((None, None, None, 3))
    layer.set_weights([(np.stack(unit) - black).reshape(1, 1, 3, 3), black])
    return layer
