"""Layers of nested Keras networks, and their outputs captured during a forward pass."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from fakefaces.base.errors import ModelError

_PREPROCESSING = "preprocess"  # the 1x1 convolution that does a backbone's preprocessing


def flatten_layers(network: Any) -> list[Any]:
    """All layers in order of execution; nested networks are replaced by their layers."""
    layers: list[Any] = []
    for layer in network.layers:
        layers += flatten_layers(layer) if hasattr(layer, "layers") else [layer]
    return layers


def convolutions(network: Any) -> list[Any]:
    """The convolutions with kernels larger than 1x1."""
    return [layer for layer in flatten_layers(network) if _is_convolution(layer) and max(layer.kernel_size) > 1]


def last_feature_layer(network: Any) -> Any:
    """The layer with the last feature maps before pooling: the last convolution, or its activation.

    Where a normalization and an activation follow the convolution as separate layers, as in EfficientNet, it is
    the activation.

    Raises:
        ModelError: the network has no convolution.
    """
    layers = flatten_layers(network)
    places = [k for k, layer in enumerate(layers) if _is_convolution(layer)]
    if not places:
        raise ModelError(f"{network.name}: no convolution in this network, so no Grad-CAM")
    for layer in layers[places[-1] + 1 :]:
        kind = type(layer).__name__
        if kind in ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU"):
            return layer
        if kind != "BatchNormalization":
            break
    return layers[places[-1]]


@contextmanager
def capture_outputs(
    layers: Sequence[Any], watch: Callable[[Any], None] = lambda output: None
) -> Iterator[dict[str, Any]]:
    """Capture the outputs of layers, by layer name, while the network runs eagerly.

    Wrapping the layers' calls, instead of building a network that ends at them, works for any nesting: a saved
    detector is a network within a network, whose inner tensors no outer model can reach. ``watch`` is called with each
    output before it is passed on.
    """
    outputs: dict[str, Any] = {}

    def wrap(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            watch(output)
            outputs[layer.name] = output
            return output

        return wrapped

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_attribute(layer, "call", wrap(layer, layer.call)))
        yield outputs


@contextmanager
def logit_output(network: Any) -> Iterator[None]:
    """Make a network with a final sigmoid return its logit, whose gradient does not vanish at 0 and 1."""
    import keras

    last = flatten_layers(network)[-1]
    if getattr(last, "activation", None) is not keras.activations.sigmoid:
        yield
        return
    with _attribute(last, "activation", keras.activations.linear):
        yield


@contextmanager
def _attribute(layer: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute temporarily; an attribute of the class is not left on the instance."""
    on_instance = name in vars(layer)
    original = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        if on_instance:
            setattr(layer, name, original)
        else:
            delattr(layer, name)


def _is_convolution(layer: Any) -> bool:
    return type(layer).__name__ in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D") and layer.name != _PREPROCESSING
