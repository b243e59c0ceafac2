"""A frozen backbone of ``keras.applications``: where its weights come from, where it is cut, what it sees."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.progress import echo

_BATCH = 32


@dataclass(frozen=True)
class Backbone:
    """A backbone with its weights.

    Attributes:
        name: as in ``keras.applications``.
        weights: where they came from, in words for the results table: ``imagenet``, ``random``, a file's
            name, or ``random (imagenet could not be downloaded)``.
        network: Keras model from RGB pixels (batch, size, size, 3), 0 to 255, to feature maps. Its own
            preprocessing is the first layer.
    """

    name: str
    weights: str
    network: Any


def make_backbone(name: str, *, size: int, weights: str, allow_random: bool, seed: int, root: Path) -> Backbone:
    """Build a backbone and fill it with weights.

    Args:
        name: a model in ``keras.applications``, such as ``VGG16``.
        size: side of its input in pixels.
        weights: ``imagenet`` (Keras downloads them once), ``none`` (random) or the path of a
            ``.weights.h5`` file without the top.
        allow_random: go on from random weights where ``imagenet`` cannot be downloaded.
        seed: of the random weights.
        root: the folder that a relative path starts from.

    Raises:
        ModelError: no such model, a size it refuses, no such file or one of another network, or no
            download and random weights not allowed.
    """
    import keras

    make = getattr(keras.applications, name, None)
    if not callable(make):
        known = ", ".join(sorted(n for n in dir(keras.applications) if n[0].isupper()))
        raise ModelError(f"params.yaml: prepare.features: no backbone '{name}' in keras.applications; known: {known}")
    keras.utils.set_random_seed(seed)
    core, origin = _filled(make, name, size, weights, allow_random, root)
    inputs = keras.Input((size, size, 3), name="pixels")
    network = keras.Model(inputs, core(_preprocessing(make)(inputs)), name="backbone")
    network.trainable = False
    return Backbone(name, origin, network)


def cut(backbone: Any, layer: str | None) -> tuple[Any, Any | None]:
    """Cut a backbone in two: the frozen part that is computed once, and the part that is trained.

    Args:
        backbone: the network of a :class:`Backbone`.
        layer: the first layer to be trained; None freezes all and pools the last maps.

    Returns:
        ``(frozen, trained)``; ``trained`` is None if all is frozen, and takes what ``frozen`` gives.

    Raises:
        ModelError: no such layer, or more than one tensor crosses there.
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
        # The running statistics stay ImageNet's: a few hundred faces would only spoil them.
        part.trainable = not isinstance(part, keras.layers.BatchNormalization)
    return frozen, trained


def features(frozen: Any, pixels: NDArray[np.uint8], progress: Callable[[int, str], None]) -> NDArray[np.float32]:
    """Compute the frozen part once for every image: float32 (n, ...)."""
    out = [_step(frozen, pixels[k : k + _BATCH], progress) for k in range(0, len(pixels), _BATCH)]
    return np.concatenate(out)


def at_unit_scale(frozen: Any, made: NDArray[np.float32], rows: NDArray[np.intp]) -> tuple[Any, NDArray[np.float32]]:
    """Scale pooled features to a standard deviation of one, and the network that gives them likewise.

    What a head learns from must not depend on the backbone's units: random EfficientNet features are of the
    order of 1e-6, where a normalisation's epsilon would flatten them to a constant.

    Args:
        frozen: the network.
        made: (n, units) its features.
        rows: those of the training images, which alone decide the scale.
    """
    import keras

    spread = float(made[rows].std(dtype=np.float64))
    scale = 1.0 / spread if spread > 0 else 1.0
    scaled = keras.layers.Rescaling(scale, name="unit_scale")(frozen.output)
    return keras.Model(frozen.input, scaled, name="frozen"), (made * np.float32(scale)).astype(np.float32)


def _step(frozen: Any, pixels: NDArray[np.uint8], progress: Callable[[int, str], None]) -> NDArray[np.float32]:
    filled = np.zeros((_BATCH, *pixels.shape[1:]), np.float32)  # a second size would be traced a second time
    filled[: len(pixels)] = pixels
    made = frozen.predict_on_batch(filled)[: len(pixels)]
    progress(len(pixels), "")
    return np.asarray(made, dtype=np.float32)


def _filled(make: Any, name: str, size: int, weights: str, allow_random: bool, root: Path) -> tuple[Any, str]:
    shape = {"include_top": False, "input_shape": (size, size, 3)}
    try:
        if weights == "imagenet":
            try:
                return make(weights="imagenet", **shape), "imagenet"
            except Exception as error:  # Keras raises no narrower one
                if not _is_download(error):
                    raise
                if not allow_random:
                    raise ModelError(
                        f"{name}: the ImageNet weights could not be downloaded; give their path as `weights` in "
                        "params.yaml: prepare.features, or set allow_random_weights: true to go on without them"
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
            warnings.simplefilter("ignore")  # a misfit is told below, in one line instead of one a layer
            core.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not the weights of {name} without its top ({reason})") from None
    return core, path.name


def _is_download(error: Exception) -> bool:
    """Keras wraps what the network said in a bare Exception whose text starts with "URL fetch failure"."""
    return isinstance(error, URLError) or "URL fetch failure" in str(error)


def _preprocessing(make: Any) -> Any:
    """The backbone's own preprocessing as one fixed 1x1 convolution.

    Every ``preprocess_input`` of ``keras.applications`` is affine in the pixel's three channels (a scale, a
    mean, sometimes RGB to BGR), so probing it with four colours gives the matrix. A layer is stored in the
    model file; a function would need its code at loading.
    """
    import keras

    preprocess = __import__(make.__module__, fromlist=["preprocess_input"]).preprocess_input
    colours = np.vstack([np.zeros(3), np.eye(3)]).astype("float32").reshape(4, 1, 1, 3)
    black, *unit = np.asarray(preprocess(colours.copy())).reshape(4, 3)
    layer = keras.layers.Conv2D(3, 1, name="preprocess", trainable=False)
    layer.build((None, None, None, 3))
    layer.set_weights([(np.stack(unit) - black).reshape(1, 1, 3, 3), black])
    return layer
