"""The reference's baseline: two convolutions over the whole image, and a dense layer."""

from typing import Annotated, Any

from pydantic import Field

from fakefaces.base.schema import Schema

READS = "pixels"


class Settings(Schema):
    """The settings of this kind in ``params.yaml``."""

    filters: Annotated[int, Field(ge=1)] = 16  # of the first convolution; the second has twice as many
    units: Annotated[int, Field(ge=1)] = 64


def build(settings: Settings, shape: tuple[int, ...], trainable: None = None) -> Any:
    """Build the network from RGB pixels (batch, height, width, 3), 0 to 255, to p_fake (batch, 1)."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            layers.Input(shape, name="pixels"),
            layers.Rescaling(1 / 255, name="rescale"),
            layers.Conv2D(settings.filters, 3, activation="relu", name="conv1"),
            layers.MaxPooling2D(4, name="pool1"),
            layers.Conv2D(2 * settings.filters, 3, activation="relu", name="conv2"),
            layers.MaxPooling2D(4, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(settings.units, activation="relu", name="dense"),
            layers.Dense(1, activation="sigmoid", name="p_fake"),
        ],
        name="simple_cnn",
    )
