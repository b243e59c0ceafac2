"""A head on a backbone of ``keras.applications``; the backbone's last layers are trained if the view says so."""

from typing import Annotated, Any

from pydantic import Field

from fakefaces.base.schema import Schema

READS = "backbone features"


class Settings(Schema):
    """What ``params.yaml`` may set."""

    units: Annotated[int, Field(ge=0)] = 64  # of a dense layer before the last; 0 leaves it out
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    l2: Annotated[float, Field(ge=0)] = 0.0


def build(settings: Settings, shape: tuple[int, ...], trained: Any | None = None) -> Any:
    """From a backbone's frozen features to p_fake; ``trained`` is the part of the backbone above them."""
    import keras
    from keras import layers

    inputs = layers.Input(shape, name="features")
    x = trained(inputs) if trained is not None else inputs
    # Features of a frozen network have any scale; this gives each one zero mean and unit variance.
    x = layers.BatchNormalization(name="norm")(x)
    if settings.units:
        x = layers.Dense(
            settings.units,
            activation="relu",
            kernel_regularizer=keras.regularizers.L2(settings.l2),
            name="dense",
        )(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="p_fake")(x)
    return keras.Model(inputs, outputs, name="pretrained")
