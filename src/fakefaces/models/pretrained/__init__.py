"""A head on a backbone of ``keras.applications``; the feature set names the layers of the backbone that are trained."""

from typing import Annotated, Any

from pydantic import Field

from fakefaces.base.schema import Schema

READS = "backbone features"


class Settings(Schema):
    """The settings of this kind in ``params.yaml``."""

    units: Annotated[int, Field(ge=0)] = 64  # of a dense layer before the last; 0 leaves it out
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    l2: Annotated[float, Field(ge=0)] = 0.0


def build(settings: Settings, shape: tuple[int, ...], trainable: Any | None = None) -> Any:
    """Build the network from frozen features (batch, *shape) to p_fake (batch, 1).

    ``trainable`` are the backbone's layers above the frozen ones.
    """
    import keras
    from keras import layers

    inputs = layers.Input(shape, name="features")
    x = trainable(inputs) if trainable is not None else inputs
    # Frozen features have any scale; this gives each zero mean and unit variance.
    x = layers.BatchNormalization(name="norm")(x)
    if settings.units:
        penalty = keras.regularizers.L2(settings.l2)
        x = layers.Dense(settings.units, activation="relu", kernel_regularizer=penalty, name="dense")(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="p_fake")(x)
    return keras.Model(inputs, outputs, name="pretrained")
