"""The detector as MLflow loads and serves it: image bytes in, a score and a label out.

MLflow keeps this file as the model's code ("models from code"), so no pickle is involved; it needs the
fakefaces package where it runs.
"""

from pathlib import Path
from typing import Any

import mlflow
import pydantic
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from fakefaces.base.errors import ImageError


class Prediction(pydantic.BaseModel):
    """What the model says of one image."""

    p_fake: float
    label: str


class FakeFaces(mlflow.pyfunc.PythonModel):
    """A pyfunc from image files as bytes to ``p_fake`` and ``label``."""

    def load_context(self, context: Any) -> None:
        """Load the detector that was logged beside this file."""
        from fakefaces import detector, runtime

        runtime.start(seed=0, threads=0)
        self.detector = detector.load(Path(context.artifacts["detector"]))

    def predict(self, model_input: list[bytes], params: dict[str, Any] | None = None) -> list[Prediction]:
        """Score whole image files.

        Args:
            model_input: JPEG, PNG or other files as bytes (base64 in a JSON request).
            params: none are taken.

        Returns:
            For each: ``p_fake`` (0 to 1) and ``label`` (``fake`` or ``real``).

        Raises:
            MlflowException: one of them is no image; the server answers 400.
        """
        from fakefaces.scoring import p_fakes, score

        sources = ((f"image {k}", lambda data=data: data) for k, data in enumerate(model_input, start=1))
        scores = list(score(self.detector, sources, threads=2))
        try:
            values = p_fakes(scores)
        except ImageError as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None
        return [Prediction(p_fake=p, label=str(s.label)) for p, s in zip(values, scores, strict=True)]


mlflow.models.set_model(FakeFaces())
