"""The reference's custom CNN, layer by layer as on its slides; the layout is that of Meso-4.

D. Afchar, V. Nozick, J. Yamagishi, I. Echizen, "MesoNet: a compact facial video forgery detection network",
WIFS 2018. The defaults are the reference's; the tune stage may search over the settings.
"""

from typing import Annotated, Any

from pydantic import Field

from fakefaces.base.schema import Schema

READS = "pixels"


class Settings(Schema):
    """The settings of this kind in ``params.yaml``."""

    depth: Annotated[int, Field(ge=1, le=8)] = 4  # blocks of a convolution, a normalisation and a pooling
    first_kernel: Annotated[int, Field(ge=1, le=11)] = 3  # side of the first convolution, pixels
    kernel: Annotated[int, Field(ge=1, le=11)] = 5  # of all others
    width: Annotated[float, Field(gt=0, le=8)] = 1.0  # factor on the filters of every block
    units: Annotated[int, Field(ge=1)] = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    l2: Annotated[float, Field(ge=0)] = 0.005
    # Keras' 0.99 averages over hundreds of batches, more than an epoch has here: validation metrics of the first epochs
    # would come from statistics that have not settled.
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9


def build(settings: Settings, shape: tuple[int, ...], trainable: None = None) -> Any:
    """Build the network from RGB pixels (batch, height, width, 3), 0 to 255, to p_fake (batch, 1)."""
    import keras
    from keras import layers

    network = keras.Sequential(name="custom_cnn")
    network.add(layers.Input(shape, name="pixels"))
    network.add(layers.Rescaling(1 / 255, name="rescale"))
    for k in range(1, settings.depth + 1):
        filters = max(1, round((8 if k <= 2 else 16) * settings.width))
        kernel = settings.first_kernel if k == 1 else settings.kernel
        pool = 4 if k == settings.depth else 2
        network.add(layers.Conv2D(filters, kernel, padding="same", activation="relu", name=f"conv{k}"))
        network.add(layers.BatchNormalization(momentum=settings.momentum, name=f"norm{k}"))
        network.add(layers.MaxPooling2D(pool, padding="same", name=f"pool{k}"))
    network.add(layers.Flatten(name="flatten"))
    network.add(layers.Dropout(settings.dropout, name="dropout1"))
    network.add(layers.Dense(settings.units, kernel_regularizer=keras.regularizers.L2(settings.l2), name="dense"))
    network.add(layers.LeakyReLU(negative_slope=0.1, name="leaky"))
    network.add(layers.Dropout(settings.dropout, name="dropout2"))
    network.add(layers.Dense(1, activation="sigmoid", name="p_fake"))
    return network
