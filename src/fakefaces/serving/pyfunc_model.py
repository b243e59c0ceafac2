"""The detector as MLflow loads and serves it: from image files to scores and labels.

MLflow keeps this file as the model's code ("models from code"), so no pickle is involved.
"""

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from fakefaces.base import environment
from fakefaces.base.errors import ImageError


class Prediction(pydantic.BaseModel):
    """The prediction for one image."""

    p_fake: float  # 0 to 1
    label: str  # ``fake`` or ``real``, at the operating threshold
    unsure: bool | None = None  # whether the score lies in the abstention band
    parts: dict[str, float] | None = None  # a score by face part; None where the model has none


class InvalidInputError(MlflowException):
    """The input is invalid: the server answers 400 with the reason alone.

    MLflow's server puts the whole request before a message: this one is set once.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name != "message" or not hasattr(self, name):
            super().__setattr__(name, value)


class FakeFaces(PythonModel):
    """A pyfunc from image files to ``p_fake``, ``label``, ``unsure`` and ``parts``."""

    def load_context(self, context: Any) -> None:
        """Load the detector that was logged beside this file."""
        from fakefaces.inference import detector

        self.detector = detector.load(Path(context.artifacts["detector"]))

    def predict(
        self, context: Any, model_input: list[bytes | str], params: dict[str, Any] | None = None
    ) -> list[Prediction]:
        """Score image files.

        Args:
            context: of MLflow; not used.
            model_input: of each file its bytes, its path, or its bytes as base64. In a request to the server a string
                is base64 and never a path.
            params: none are taken.

        Raises:
            MlflowException: one of them is not an image; the server answers 400.
        """
        from fakefaces.inference.predict import score

        if params:
            names = ", ".join(map(str, params))
            raise InvalidInputError.invalid_parameter_value(f"this model takes no params; there are: {names}")
        sources = [(f"image {k}", _reader(f"image {k}", image)) for k, image in enumerate(model_input, start=1)]
        results = list(score(self.detector, sources, threads=2))
        problems = [result.problem_detail for result in results if result.problem_detail]
        if problems:
            raise InvalidInputError.invalid_parameter_value("\n".join(problems))
        return [Prediction.model_validate(result, from_attributes=True) for result in results]


def _reader(name: str, image: Any) -> Callable[[], bytes]:
    """A function that returns the bytes, or raises ImageError."""
    from fakefaces.data import images

    if isinstance(image, bytes | bytearray | memoryview):
        return lambda: bytes(image)
    if isinstance(image, str) and environment.in_scoring_server():
        return lambda: _decoded(name, image)
    if isinstance(image, str | Path):
        return lambda: images.read(Path(image))
    raise InvalidInputError.invalid_parameter_value(
        f"{name}: expected an image file as base64, not {type(image).__name__}"
    )


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{name}: not base64 ({error})") from None


set_model(FakeFaces())
