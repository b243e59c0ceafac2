"""Feature maps of a network's convolutions for one image, and their filters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.explain.layers import capture_outputs, convolutions

_MAX_KERNELS = 16  # filters and inputs of a layer
_MAX_FILTERS_OF_LARGE_LAYERS = 8  # where a layer has more than 16 filters and more than 16 inputs


@dataclass(frozen=True)
class FeatureMaps:
    """Output of one convolution for one image."""

    layer: str
    maps: NDArray[np.float32]  # (n, height, width), each scaled to 0 to 1: the first n channels
    channels: int  # of the layer, at least n


@dataclass(frozen=True)
class Filters:
    """Kernels of one convolution."""

    layer: str
    kernels: NDArray[np.float32]  # (n, m, height, width): the first n filters on the first m inputs
    filters: int  # of the layer, at least n
    inputs: int  # channels that the layer reads, at least m; of a first layer R, G and B


def feature_maps(network: Any, pixels: NDArray[np.uint8], *, layers: int, maps: int) -> list[FeatureMaps]:
    """Compute at most ``maps`` feature maps of at most ``layers`` evenly spaced convolutions for one RGB image."""
    selected = _evenly_spaced(convolutions(network), layers)
    with capture_outputs(selected) as outputs:
        network(pixels[None].astype(np.float32), training=False)
    results = []
    for layer in selected:
        channels = np.moveaxis(np.asarray(outputs[layer.name])[0], -1, 0)
        results.append(FeatureMaps(layer.name, _scale_to_unit(channels[:maps]), len(channels)))
    return results


def filters(network: Any, *, layers: int) -> list[Filters]:
    """Read the kernels of at most ``layers`` plain (not depthwise) convolutions larger than 1x1, evenly spaced."""
    results = []
    plain = [layer for layer in convolutions(network) if type(layer).__name__ == "Conv2D"]
    for layer in _evenly_spaced(plain, layers):
        kernels = np.asarray(layer.get_weights()[0], dtype=np.float32).transpose(3, 2, 0, 1)
        n_filters, n_inputs = kernels.shape[:2]
        limit = _MAX_KERNELS if min(n_filters, n_inputs) <= _MAX_KERNELS else _MAX_FILTERS_OF_LARGE_LAYERS
        results.append(Filters(layer.name, kernels[:limit, :_MAX_KERNELS], n_filters, n_inputs))
    return results


def _evenly_spaced(layers: list[Any], limit: int) -> list[Any]:
    if len(layers) <= limit:
        return layers
    return [layers[k] for k in np.linspace(0, len(layers) - 1, limit).round().astype(int)]


def _scale_to_unit(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    scaled = np.zeros_like(maps, dtype=np.float32)
    np.divide(maps - low, high - low, out=scaled, where=high > low)
    return scaled
