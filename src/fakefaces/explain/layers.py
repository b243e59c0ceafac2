"""The layers of a network however they are nested, and their outputs heard while it runs."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from fakefaces.base.errors import ModelError

_OWN = "preprocess"  # the 1x1 convolution that stands for a backbone's preprocessing


def leaves(network: Any) -> list[Any]:
    """All layers in the order in which they run, those of nested networks in their place."""
    found: list[Any] = []
    for layer in network.layers:
        found += leaves(layer) if hasattr(layer, "layers") else [layer]
    return found


def convolutions(network: Any) -> list[Any]:
    """The convolutions of more than one pixel: those that see a neighbourhood."""
    return [layer for layer in leaves(network) if _is_convolution(layer) and max(layer.kernel_size) > 1]


def last_maps(network: Any) -> Any:
    """The layer whose output are the last feature maps: the last convolution, or its activation.

    Where a normalisation and an activation follow the convolution as layers of their own, as in EfficientNet,
    it is the activation; pooling comes after.

    Raises:
        ModelError: the network has no convolution.
    """
    layers = leaves(network)
    places = [k for k, layer in enumerate(layers) if _is_convolution(layer)]
    if not places:
        raise ModelError(f"{network.name}: no convolution in this network, so no Grad-CAM of it")
    last = layers[places[-1]]
    for layer in layers[places[-1] + 1 :]:
        kind = type(layer).__name__
        if kind in ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU"):
            return layer
        if kind != "BatchNormalization":
            break
    return last


@contextmanager
def heard(layers: Sequence[Any], watch: Any = None) -> Iterator[dict[str, Any]]:
    """Note what the given layers put out while the network runs eagerly.

    Listening at the layer, rather than cutting the network, works for any nesting: a saved detector is a
    network within a network, whose inner tensors no outer one can reach.

    Args:
        layers: of the network.
        watch: called with each output before it goes on, such as a gradient tape's ``watch``.

    Yields:
        The outputs by the layers' names, filled while the network runs.
    """
    outputs: dict[str, Any] = {}

    def listening(layer: Any, call: Any) -> Any:
        def listen(*arguments: Any, **options: Any) -> Any:
            made = call(*arguments, **options)
            if watch is not None:
                watch(made)
            outputs[layer.name] = made
            return made

        return listen

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_instead(layer, "call", listening(layer, layer.call)))
        yield outputs


@contextmanager
def as_logit(network: Any) -> Iterator[None]:
    """Let a network whose last layer is a sigmoid give its logit, whose gradient does not vanish at 0 and 1."""
    import keras

    last = leaves(network)[-1]
    if getattr(last, "activation", None) is not keras.activations.sigmoid:
        yield
        return
    with _instead(last, "activation", keras.activations.linear):
        yield


@contextmanager
def _instead(layer: Any, name: str, value: Any) -> Iterator[None]:
    own = name in vars(layer)
    kept = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        if own:
            setattr(layer, name, kept)
        else:
            delattr(layer, name)


def _is_convolution(layer: Any) -> bool:
    return type(layer).__name__ in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D") and layer.name != _OWN
