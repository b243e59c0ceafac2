"""The detector as MLflow loads and serves it: image files in, a score and a verdict out.

MLflow keeps this file as the model's code ("models from code"), so no pickle is involved; it needs the
fakefaces package where it runs, and nothing of a project.
"""

import base64
import binascii
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pydantic
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from fakefaces.base import environment
from fakefaces.base.errors import ImageError


class Prediction(pydantic.BaseModel):
    """What the model says of one image."""

    p_fake: float
    label: str
    unsure: bool | None = None
    parts: dict[str, float] | None = None


class Refused(MlflowException):
    """The request cannot be answered, by its sender's fault: the server answers 400 with the reason alone."""

    def __init__(self, reason: str):
        super().__init__(reason, error_code=INVALID_PARAMETER_VALUE)
        self._reason = reason

    @property
    def message(self) -> str:
        """The reason. MLflow's server puts the whole request before a message; this one does not take it."""
        return self._reason

    @message.setter
    def message(self, _: str) -> None:
        pass


class FakeFaces(mlflow.pyfunc.PythonModel):
    """A pyfunc from image files to ``p_fake``, ``label``, ``unsure`` and ``parts``."""

    def load_context(self, context: Any) -> None:
        """Load the detector that was logged beside this file."""
        from fakefaces.inference import detector
        from fakefaces.models import runtime

        runtime.start(seed=0, threads=0)
        self.detector = detector.load(Path(context.artifacts["detector"]))
        self.one_at_a_time = threading.Lock()

    def predict(self, model_input: list[bytes | str], params: dict[str, Any] | None = None) -> list[Prediction]:
        """Score whole image files.

        Args:
            model_input: each a JPEG, PNG or other file: its bytes, its path, or its bytes as base64. In a
                request to the server a string is base64 and never a path.
            params: none are taken.

        Returns:
            For each: ``p_fake`` (0 to 1); ``label`` (``fake`` or ``real``) at the operating threshold; ``unsure``,
            whether a person should look; ``parts``, a score by part, or None where the model tells none.

        Raises:
            MlflowException: one of them is no image; the server answers 400.
        """
        from fakefaces.inference.predict import score

        if params:
            raise Refused(f"this model takes no params; there are: {', '.join(map(str, params))}")
        sources = [(f"image {k}", _reader(f"image {k}", given)) for k, given in enumerate(model_input, start=1)]
        with self.one_at_a_time:  # the server answers in several threads, and Keras is made for one
            scores = list(score(self.detector, sources, threads=2))
        problems = [one.problem for one in scores if one.problem]
        if problems:
            raise Refused("\n".join(problems))
        return [
            Prediction(p_fake=one.p_fake, label=one.label, unsure=one.unsure, parts=one.parts)  # type: ignore[arg-type]
            for one in scores
        ]


def _reader(name: str, given: Any) -> Callable[[], bytes]:
    """A function that gives the bytes, or raises ImageError."""
    from fakefaces.data import images

    if isinstance(given, bytes | bytearray | memoryview):
        return lambda: bytes(given)
    if isinstance(given, str) and environment.in_scoring_server():
        return lambda: _decoded(name, given)
    if isinstance(given, str | Path):
        path = Path(given)
        return lambda: images.read(path)
    raise Refused(f"{name}: expected an image file as base64, not {type(given).__name__}")


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{name}: not base64 ({error})") from None


mlflow.models.set_model(FakeFaces())
