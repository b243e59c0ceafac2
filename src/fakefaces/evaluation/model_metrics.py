"""The record of one model's evaluation: what ``reports/metrics/<model>.json`` holds.

Metrics are rounded to six decimals, so a record equals the one read back from its file. Thresholds keep all
digits: rounding could move them past a score.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_json, write_json
from fakefaces.base.schema import Schema, parse
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.old_metrics import upgraded

DIGITS = 6
Rounded = Annotated[float, AfterValidator(lambda value: round(value, DIGITS))]


@dataclass(frozen=True)
class Confusion:
    """Counts of predictions against labels, with one of the classes as the positive one."""

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fp, self.fn, self.tn) < 0:
            raise ModelError(f"confusion counts cannot be negative: {asdict(self)}")

    def swapped(self) -> "Confusion":
        """The same predictions with the other class as the positive one."""
        return Confusion(tp=self.tn, fp=self.fn, fn=self.fp, tn=self.tp)


class Estimate(Schema):
    """A metric with its 95 % confidence interval."""

    value: Rounded | None  # None where it is undefined
    interval: tuple[Rounded, Rounded] | None = None  # lower and upper bound; None where there is none
    n_undefined: int = 0  # bootstrap resamples in which the metric is undefined
    reason: str | None = None  # why value or interval is missing, or why the interval is Wilson's

    def __format__(self, sign: str) -> str:
        """Value and interval for people, such as ``0.917 [0.88, 0.95]``; with sign where ``sign`` is ``+``."""
        if self.value is None:
            return "–"
        bounds = f" [{self.interval[0]:{sign}.2f}, {self.interval[1]:{sign}.2f}]" if self.interval else ""
        return f"{self.value:{sign}.3f}{bounds}"


class Subset(Schema):
    """The size of a set of images, which its subclasses add metrics to."""

    n: int  # images
    reals: int  # real ones
    fakes: int  # fake ones
    groups: int  # groups of images that share a photograph

    def estimate(self, metric: str) -> Estimate:
        """The metric of a name that comes from ``params.yaml``."""
        estimate: Estimate = getattr(self, metric)
        return estimate


class AllMetrics(Subset):
    """All metrics of :data:`fakefaces.evaluation.metrics.METRICS`; fake is the positive class."""

    accuracy: Estimate
    balanced_accuracy: Estimate
    f1: Estimate
    precision: Estimate
    recall: Estimate
    roc_auc: Estimate
    average_precision: Estimate
    brier: Estimate
    majority_rate: Rounded | None  # accuracy of always predicting the larger class; None without images
    confusion: Confusion  # counts at the threshold


class MatchedMetrics(AllMetrics):
    """Metrics of the images in the encoding that most reals have; ``encoding`` is None if no real has a known one.

    Harmonised images all have one, :data:`fakefaces.evaluation.slices.HARMONISED`.
    """

    encoding: str | None


class SliceMetrics(Subset):
    """The fakes of one kind against all reals: metrics that do not depend on the share of fakes."""

    roc_auc: Estimate
    balanced_accuracy: Estimate
    recall: Estimate


class PointMetrics(Schema):
    """All metrics of a set of images without intervals; fake is the positive class."""

    n: int  # images
    accuracy: Rounded | None
    balanced_accuracy: Rounded | None
    f1: Rounded | None
    precision: Rounded | None
    recall: Rounded | None
    roc_auc: Rounded | None
    average_precision: Rounded | None
    brier: Rounded | None
    majority_rate: Rounded | None  # accuracy of always predicting the larger class
    confusion: Confusion  # counts at the threshold
    reasons: dict[str, str]  # why a metric is None, by metric

    def value(self, metric: str) -> float | None:
        """The metric of a name that comes from ``params.yaml``."""
        value: float | None = getattr(self, metric)
        return value


class DefaultMetrics(Subset):
    """Metrics at ``train.threshold``, which publications compare at, beside those at the threshold that decides."""

    default_threshold: float  # an image is called fake where its score reaches it
    accuracy: Estimate


class ReferenceMetrics(Schema):
    """Metrics by the reference's convention: real is positive, ``auc`` is that of hard predictions."""

    accuracy: Rounded | None
    f1: Rounded | None
    precision: Rounded | None
    recall: Rounded | None
    auc: Rounded | None
    confusion: Confusion
    reasons: dict[str, str]


class Calibration(Schema):
    """Calibration of the scores."""

    brier: Rounded  # Brier score
    ece_equal_mass: Rounded  # expected calibration error over bins of equal size
    ece_equal_width: Rounded  # expected calibration error over bins of equal width
    mean_p: Rounded  # mean score
    fraction_fake: Rounded  # share of fakes
    bins: int  # number of bins, at most


class ReliabilityBin(Schema):
    """A point of the reliability diagram: see :func:`fakefaces.evaluation.calibration.reliability`."""

    low: Rounded
    high: Rounded
    n: int
    mean_p: Rounded
    fraction_fake: Rounded


class SourcePairs(Schema):
    """Each fake against the photograph it was made from."""

    n: int  # pairs
    groups: int  # groups of images among the source photographs
    win_rate: Estimate  # share of fakes that score higher than their source; ties count one half
    ties: int  # pairs with equal scores
    unpaired: int  # fakes whose source is unknown or not among the images


class TestMetrics(Schema):
    """Metrics of the test images; a slice is its fakes against all reals, and empty where nothing is known."""

    threshold: float  # an image is called fake where its score reaches it
    bootstrap: Resampling  # how the intervals were computed
    overall: AllMetrics  # all images
    reference: ReferenceMetrics  # all images by the reference's convention
    calibration: Calibration  # of the scores
    difficulty: dict[str, SliceMetrics]  # slices by difficulty
    part: dict[str, SliceMetrics]  # slices by replaced part
    part_count: dict[str, SliceMetrics]  # slices by number of replaced parts, ``"1"`` to ``"4"``
    matched: MatchedMetrics | None  # images in the commonest encoding of reals; None where encodings were not given
    paired: SourcePairs | None  # fakes against their sources; None where sources were not given
    default: DefaultMetrics | None = None  # all images at ``train.threshold``; None in evaluations of earlier releases

    def slices(self) -> dict[str, dict[str, SliceMetrics]]:
        """The slices by kind: ``difficulty``, ``part``, ``part_count``."""
        return {"difficulty": self.difficulty, "part": self.part, "part_count": self.part_count}


class OperatingMetrics(Subset):
    """Metrics of the test images at the operating threshold; ``fpr`` is the false-positive rate."""

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    fpr: Estimate


class AbstentionBand(Schema):
    """Scores on both sides of the operating threshold, where a person should look at the image."""

    low: float | None  # below it an image is surely called real; None where none may be
    high: float | None  # from it on an image is surely called fake; None where none may be
    max_fnr: float | None = None  # share of validation fakes that may score below it; None where none was asked for
    share: Rounded | None = None  # share of the test images in the band
    fpr: Rounded | None = None  # share of test reals at or above ``high``
    fnr: Rounded | None = None  # share of test fakes below ``low``
    reasons: dict[str, str] = {}  # why ``low`` or ``high`` is missing or unreliable, or why there is no ``band``


class OperatingPoint(Schema):
    """The threshold for a stated false-positive rate, chosen on validation and measured on test."""

    threshold: float | None  # an image is called fake where its score reaches it; None where none keeps the rate
    max_fpr: float  # the false-positive rate that was asked for
    fpr: Rounded | None = None  # false-positive rate on validation, at most ``max_fpr``
    fpr_high: Rounded | None = None  # upper bound of its 95 % Wilson interval
    recall: Rounded | None = None  # share of the validation fakes at or above the threshold; None without fakes
    n_reals: int = 0  # reals in validation
    reason: str | None = None  # why there is no threshold, or why it is unreliable
    test: OperatingMetrics | None = None  # metrics of the test images at the threshold
    abstention_band: AbstentionBand | None = None  # None where there is no threshold


class LikelihoodRatio(Schema):
    """Calibration from scores to log10 likelihood ratios, on validation, and its cost on test."""

    slope: float  # of log10 likelihood ratios on log10 odds of scores; above 0
    intercept: float
    low: float  # limits that so many validation images support; at most 0
    high: float  # at least 0
    n_reals: int  # validation images
    n_fakes: int
    cllr: Estimate | None = None  # log-likelihood-ratio cost of the test images, in bits
    min_cllr: Rounded | None = None  # after the best monotonic calibration of the same scores; None without a class

    def log10_lr(self, p_fake: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log10 likelihood ratios of scores within the limits, float64 (n,)."""
        p = np.clip(p_fake, 1e-6, 1 - 1e-6)
        return np.clip(self.slope * np.log10(p / (1 - p)) + self.intercept, self.low, self.high)


class ScoreDrift(Schema):
    """Changes of the scores on corrupted images."""

    mean: Rounded | None  # mean change
    reals: Rounded | None  # mean change of the reals; None without reals
    fakes: Rounded | None  # mean change of the fakes; None without fakes
    absolute: Rounded | None  # mean absolute change
    verdicts: Rounded | None  # share of images whose predicted class changes


class CorruptedMetrics(Subset):
    """Metrics of the same images after one corruption; ``transform`` and ``level`` are None for the originals."""

    transform: str | None
    level: float | None
    roc_auc: Estimate
    accuracy: Estimate
    recall: Estimate
    drift: ScoreDrift

    @property
    def name(self) -> str:
        """What tables and charts call it, such as ``jpeg 50``."""
        return "original" if self.transform is None else f"{self.transform} {self.level:g}"


class PartMetrics(Subset):
    """ROC AUC of the score of one face part."""

    roc_auc: Estimate


class PartScores(Schema):
    """ROC AUC of one part's score: replaced against unchanged, among all images and among the fakes."""

    all: PartMetrics
    fakes: PartMetrics


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

    def of_model(self, *, parameters: int, model_digest: str, test_digest: str) -> "ModelMetrics":
        """The evaluation with what identifies the trained model."""
        identity = {"parameters": parameters, "model_digest": model_digest, "test_digest": test_digest}
        return ModelMetrics.model_validate(dict(self) | identity)


class ModelMetrics(Evaluation):
    """The evaluation of a trained model."""

    parameters: int  # number of them
    model_digest: str  # DVC's digest of the model's folder
    test_digest: str  # digest of the test images
