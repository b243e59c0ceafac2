"""The detector as MLflow loads it: from the content of image files to a prediction for each.

MLflow keeps this file as the model's code ("models from code"), so no pickle is involved. A registered model carries
what this file imports as well: see :mod:`fakefaces.inference.packing`.
"""

from functools import partial
from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from fakefaces.inference import detector
from fakefaces.inference.predict import score
from fakefaces.inference.score import Prediction


class FakeFaces(PythonModel):
    """A pyfunc from image files to predictions.

    One image is scored at a time, by one thread, unless the model is loaded with another number:
    ``mlflow.pyfunc.load_model(uri, model_config={"threads": 4})``.
    """

    detector: detector.Detector
    threads = 1

    def load_context(self, context: Any) -> None:
        """Load the detector that was logged beside this file."""
        self.detector = detector.load(Path(context.artifacts["detector"]))
        self.threads = int((context.model_config or {}).get("threads", 1))

    def predict(self, context: Any, model_input: list[bytes], params: dict[str, Any] | None = None) -> list[Prediction]:
        """Score image files.

        Args:
            context: of MLflow; not used.
            model_input: the content of each file. MLflow refuses what is not bytes, and decodes the base64 of a request
                to its server.
            params: none are taken, and MLflow refuses them.

        Returns:
            A prediction for each file, in order. That of a file that is not an image that can be read has a problem
            and no score.
        """
        sources = ((f"image {k}", partial(bytes, data)) for k, data in enumerate(model_input, start=1))
        scores = score(self.detector, sources, threads=self.threads)
        return [Prediction(**row.model_dump(exclude={"path"})) for row in scores]


set_model(FakeFaces())
