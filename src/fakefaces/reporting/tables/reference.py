"""The reference's metrics, as printed on the slides "Fake Faces Detection Project".

2,041 photographs, split 1,634 / 202 / 205. The positive class is *real*, and the printed "AUC" is that of the
hard predictions, which is balanced accuracy.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Printed:
    """A row of the slides' table; None where no value was printed."""

    accuracy: float
    f1: float | None = None
    precision: float | None = None
    recall: float | None = None
    auc: float | None = None


PRINTED = {
    "simple_cnn": Printed(0.5317, 0.6943, 0.5317, 1.0, 0.5),
    "vgg16": Printed(0.53),
    "efficientnetb4": Printed(0.5317, 0.6943, 0.5317, 1.0, 0.5),
    "custom_cnn": Printed(0.560976, 0.601770, 0.581197, 0.623853, 0.556718),
    "custom_cnn_augmented": Printed(0.585366, 0.632035, 0.598361, 0.669725, 0.579654),
}
TEST_IMAGES = 205
MAJORITY = 109 / 205  # real images among them
