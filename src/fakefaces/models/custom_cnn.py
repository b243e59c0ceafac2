"""The reference's custom CNN, layer by layer as on its slides; the layout is that of Meso-4.

D. Afchar, V. Nozick, J. Yamagishi, I. Echizen, "MesoNet: a compact facial video forgery detection network",
WIFS 2018. The defaults are the reference's; the settings are what the study of the tune stage may change.
"""

from typing import Annotated, Any

from pydantic import Field

from fakefaces.base.strict import Strict

# Filters, kernel size and pooling of the four blocks.
_BLOCKS = ((8, 3, 2), (8, 5, 2), (16, 5, 2), (16, 5, 4))


class Settings(Strict):
    """What ``params.yaml`` or a study may set."""

    width: Annotated[float, Field(gt=0, le=8)] = 1.0  # times the filters of every block
    units: Annotated[int, Field(ge=1)] = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    l2: Annotated[float, Field(ge=0)] = 0.005
    # Keras' 0.99 looks back over hundreds of batches, more than an epoch has here: the validation figures
    # of the first epochs would come from statistics that are not there yet.
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9


def build(settings: Settings, shape: tuple[int, ...], trained: None = None) -> Any:
    """From RGB pixels (height, width, 3), 0 to 255, to p_fake."""
    import keras
    from keras import layers

    network = keras.Sequential(name="custom_cnn")
    network.add(layers.Input(shape, name="pixels"))
    network.add(layers.Rescaling(1 / 255, name="rescale"))
    for k, (filters, kernel, pool) in enumerate(_BLOCKS, start=1):
        wide = max(1, round(filters * settings.width))
        network.add(layers.Conv2D(wide, kernel, padding="same", activation="relu", name=f"conv{k}"))
        network.add(layers.BatchNormalization(momentum=settings.momentum, name=f"norm{k}"))
        network.add(layers.MaxPooling2D(pool, padding="same", name=f"pool{k}"))
    network.add(layers.Flatten(name="flatten"))
    network.add(layers.Dropout(settings.dropout, name="dropout1"))
    network.add(layers.Dense(settings.units, kernel_regularizer=keras.regularizers.L2(settings.l2), name="dense"))
    network.add(layers.LeakyReLU(negative_slope=0.1, name="leaky"))
    network.add(layers.Dropout(settings.dropout, name="dropout2"))
    network.add(layers.Dense(1, activation="sigmoid", name="p_fake"))
    return network
