"""What the convolutions make of one image, and what they look for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.explain.layers import convolutions, heard

_MOST = 16  # filters and inputs of a layer that are shown, at most
_FEW = 8  # filters that are shown of a layer of more than that


@dataclass(frozen=True)
class FeatureMaps:
    """The output of one convolution for one image.

    Attributes:
        layer: its name.
        maps: float32 (channels, height, width), each scaled to 0 to 1.
        channels: how many the layer has; ``maps`` may hold fewer.
    """

    layer: str
    maps: NDArray[np.float32]
    channels: int


@dataclass(frozen=True)
class Filters:
    """The kernels of one convolution.

    Attributes:
        layer: its name.
        kernels: float32 (filters, inputs, height, width); a first layer has the three inputs R, G and B.
        filters: how many the layer has; ``kernels`` may hold fewer.
        inputs: channels that each sees; ``kernels`` may hold fewer.
    """

    layer: str
    kernels: NDArray[np.float32]
    filters: int
    inputs: int


def feature_maps(network: Any, pixels: NDArray[np.uint8], *, layers: int, maps: int) -> list[FeatureMaps]:
    """The feature maps of one image, in one pass.

    Args:
        network: of a detector.
        pixels: uint8 (size, size, 3).
        layers: convolutions to show, at most; of more, evenly spaced ones with the first and the last.
        maps: channels to show of each, at most: the first.
    """
    chosen = _spread(convolutions(network), layers)
    if not chosen:
        return []
    with heard(chosen) as outputs:
        network(pixels[None].astype(np.float32), training=False)
    found = []
    for layer in chosen:
        made = np.moveaxis(np.asarray(outputs[layer.name])[0], -1, 0)
        found.append(FeatureMaps(layer.name, _to_unit(made[:maps]), len(made)))
    return found


def filters(network: Any, *, layers: int) -> list[Filters]:
    """The kernels of a network's plain convolutions of more than one pixel; as above for ``layers``."""
    found = []
    for layer in _spread([one for one in convolutions(network) if type(one).__name__ == "Conv2D"], layers):
        kernels = np.asarray(layer.get_weights()[0], dtype=np.float32).transpose(3, 2, 0, 1)
        found.append(
            Filters(
                layer.name, kernels[: _MOST if min(kernels.shape[:2]) <= _MOST else _FEW, :_MOST], *kernels.shape[:2]
            )
        )
    return found


def _spread(layers: list[Any], most: int) -> list[Any]:
    if len(layers) <= most:
        return layers
    return [layers[k] for k in np.linspace(0, len(layers) - 1, most).round().astype(int)]


def _to_unit(maps: NDArray[Any]) -> NDArray[np.float32]:
    low, high = (edge(maps, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    return np.divide(maps - low, high - low, out=np.zeros_like(maps, dtype=np.float32), where=high > low)
