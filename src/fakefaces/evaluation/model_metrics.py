"""The record of one model's evaluation: what ``reports/metrics/<model>.json`` holds."""

from pathlib import Path
from typing import Self

from fakefaces.base.files import read_json, write_json
from fakefaces.base.schema import Schema, parse
from fakefaces.evaluation.decision_metrics import LikelihoodRatio, OperatingPoint
from fakefaces.evaluation.estimates import Rounded
from fakefaces.evaluation.old_metrics import upgraded
from fakefaces.evaluation.subset_metrics import (
    CorruptedMetrics,
    OverSeeds,
    PartScores,
    PointMetrics,
    ReliabilityBin,
    TestMetrics,
)


class Evaluation(Schema):
    """The evaluation of one model, or of one shortcut rule."""

    weights: str  # where the model's weights come from; what a rule sees
    threshold: float  # an image is called fake where its score reaches it; that of the operating point if there is one
    protocol: str  # of the split
    n_splits: int  # cross-validation splits; 1 for a single one
    harmonised: bool = False  # whether it saw all images in the same sizes and encodings, so that all are matched
    part_scores: dict[str, PartScores] | None  # by part; None where that is not applicable
    # the score from which on a part is suspected, by part; None where the model does not score parts
    part_thresholds: dict[str, float | None] | None = None
    validation: PointMetrics  # metrics of the validation images
    test: TestMetrics  # metrics of the test images
    operating_point: OperatingPoint  # chosen on validation, measured on test
    likelihood_ratio: LikelihoodRatio | None = None  # None where validation could not calibrate it
    reliability: list[ReliabilityBin]  # the points of the reliability diagram, on test
    variance_explained_by_shortcuts: dict[str, Rounded | None] = {}  # R² on logits by rule, and of ``all``
    unfamiliar: Rounded | None = None  # share of the test images that are called unfamiliar; None where none can be
    robustness: list[CorruptedMetrics] = []  # the original images, then each corruption at each level; empty for a rule

    @property
    def decision_threshold(self) -> float:
        """The threshold that decides: the operating one, also where an earlier release evaluated at another."""
        return self.threshold if self.operating_point.threshold is None else self.operating_point.threshold

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``reports/metrics/<model>.json``, of this version or an earlier one."""
        return parse(cls, upgraded(read_json(path)), str(path))

    def write(self, path: Path) -> None:
        """Write the record as JSON; what has its default value is left out."""
        write_json(path, self.model_dump(mode="json", exclude_defaults=True))

    def of_model(
        self, *, parameters: int, model_digest: str, test_digest: str, over_seeds: OverSeeds | None = None
    ) -> "ModelMetrics":
        """The evaluation with what identifies the trained model, and what its further seeds say."""
        identity = {"parameters": parameters, "model_digest": model_digest, "test_digest": test_digest}
        return ModelMetrics.model_validate(dict(self) | identity | {"over_seeds": over_seeds})


class ModelMetrics(Evaluation):
    """The evaluation of a trained model."""

    parameters: int  # number of them
    model_digest: str  # DVC's digest of the model's folder
    test_digest: str  # digest of the test images
    over_seeds: OverSeeds | None = None  # of all its trainings; None of a model with one seed
